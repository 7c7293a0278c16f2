package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/rule/connect"
)

func TestScopeByDN(t *testing.T) {
	t.Parallel()
	base := []string{"DC=a"}
	for _, c := range []struct {
		dn               string
		include, exclude []string
		want             bool
	}{
		{"CN=x,OU=s,DC=a", nil, nil, true},
		{"CN=x,OU=s,DC=b", nil, nil, false},
		{"CN=x,OU=S,DC=A", []string{"ou=s,dc=a"}, nil, true},
		{"CN=x,OU=t,DC=a", []string{"OU=s,DC=a"}, nil, false},
		{"CN=x,OU=old,OU=s,DC=a", []string{"OU=s,DC=a"}, []string{"OU=old,OU=s,DC=a"}, false},
		{"CN=x,OU=new,OU=old,OU=s,DC=a", []string{"OU=s,DC=a", "OU=new,OU=old,OU=s,DC=a"}, []string{"OU=old,OU=s,DC=a"}, true},
		{"CN=x,OU=old,DC=a", nil, []string{"OU=old,DC=a"}, false},
		{`CN=x\,OU=old,DC=a`, nil, []string{"OU=old,DC=a"}, true},
		{"OU=s,DC=a", []string{"OU=s,DC=a"}, nil, true},
	} {
		if got := within(c.dn, base, c.include, c.exclude); got != c.want {
			t.Errorf("%s within %v without %v: got %v, want %v", c.dn, c.include, c.exclude, got, c.want)
		}
	}
}

// TestDeeperContainersDecide: what is listed above an object counts by its depth alone, not by its place in the lists.
func TestDeeperContainersDecide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SliceOfN(rapid.SampledFrom([]string{"OU=a", "OU=b", `OU=c\,d`}), 1, 4).Draw(t, "path")
		marks := rapid.SliceOfN(rapid.IntRange(0, 2), len(path)+1, len(path)+1).Draw(t, "marks") // 0: none, 1: include, 2: exclude
		dns := []string{"DC=x"}
		for _, p := range path {
			dns = append(dns, p+","+dns[len(dns)-1])
		}
		var include, exclude []string
		want := false
		for i, dn := range dns {
			switch marks[i] {
			case 1:
				include, want = append([]string{dn}, include...), true
			case 2:
				exclude, want = append(exclude, dn), false
			}
		}
		if len(include) == 0 {
			want = len(exclude) == 0
		}
		if got := within("CN=o,"+dns[len(dns)-1], []string{"DC=x"}, include, exclude); got != want && len(include) > 0 {
			t.Fatalf("include %v, exclude %v: got %v, want %v", include, exclude, got, want)
		}
	})
}

// TestRulesThatDoNotLoadAreTakenBack: an own rule with the same precedence keeps the import from being half done.
func TestRulesThatDoNotLoadAreTakenBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, RulesName)
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "id: %s\nname: X\ndirection: in\nconnector: ad\nsource: user\ntarget: person\nlink: provision\nprecedence: 5\nflows: [{same: [cn]}]\n"
	mine := filepath.Join(own, "mine.yaml")
	if err := os.WriteFile(mine, []byte(strings.ReplaceAll(text, "%s", "mine")), 0o600); err != nil {
		t.Fatal(err)
	}
	take := &Takeover{Conversion: &connect.Conversion{Files: rule.Files{"theirs.yaml": []byte(strings.ReplaceAll(text, "%s", "theirs"))}}}
	if _, err := take.Write(dir, false); err == nil || !strings.Contains(err.Error(), "precedence 5") {
		t.Fatalf("got %v, want the loader's fault", err)
	}
	left, err := os.ReadDir(own)
	if err != nil || len(left) != 1 || left[0].Name() != "mine.yaml" {
		t.Errorf("got %v, %v, want mine.yaml alone", left, err)
	}
}
