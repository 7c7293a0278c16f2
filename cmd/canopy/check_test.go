package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy/lab"
)

const checkedFile = `version: 1

# a user with a space in an address
dn: CN=Ruth Hall,DC=contoso,DC=com
objectClass: top
objectClass: user
cn: Ruth Hall
displayName: Ruth Hall
userPrincipalName: ruth@contoso.com
mail: ruth@contoso.com
proxyAddresses: SMTP:ruth@contoso.com
proxyAddresses: smtp:ruth hall@cont
 oso.com

dn:: Q049SsO8cmdlbixEQz1jb250b3NvLERDPWNvbQ==
objectClass: user
displayName:: SsO8cmdlbg==
userPrincipalName: ruth@fabrikam.com
proxyAddresses: smtp:ruth@contoso.com

dn: CN=PC1,DC=contoso,DC=com
objectClass: user
objectClass: computer
`

// TestCheckFile: a file is checked without a configuration, and corrections come as LDIF and CSV.
func TestCheckFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "forest.ldif")
	if err := os.WriteFile(file, []byte(checkedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, dir, "check", file)
	if code != exitFailed {
		t.Errorf("got exit code %d, want %d\n%s", code, exitFailed, errs)
	}
	for _, want := range []string{"error     address-character  CN=Ruth Hall,DC=contoso,DC=com", "smtp:ruthhall@contoso.com", "CN=Jürgen,DC=contoso,DC=com has it too", "remove it", "Values: 2 objects", "2 corrections are offered"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "cloud-") {
		t.Errorf("says something of a cloud that it does not know:\n%s", out)
	}
	code, out, _ = command(t, dir, "check", file, "--json", "--domain", "contoso.com", "--initial", "x.onmicrosoft.com")
	var got struct {
		Values struct {
			Objects  int
			File     struct{ Records, Other int }
			Findings []struct{ Code, Severity, Object, Value, Other string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	codes := map[string]int{}
	for _, f := range got.Values.Findings {
		codes[f.Code]++
	}
	if got.Values.Objects != 2 || got.Values.File.Records != 3 || got.Values.File.Other != 1 || codes["address-duplicate"] != 2 || codes["cloud-sign-in"] != 1 {
		t.Errorf("got %+v", got)
	}
	if code, out, _ = command(t, dir, "check", file, "--fix", "ldif"); code != exitFailed || out != `version: 1

# address-duplicate: proxyAddresses
dn:: Q049SsO8cmdlbixEQz1jb250b3NvLERDPWNvbQ==
changetype: modify
delete: proxyAddresses
proxyAddresses: smtp:ruth@contoso.com
-

# address-character: proxyAddresses
dn: CN=Ruth Hall,DC=contoso,DC=com
changetype: modify
delete: proxyAddresses
proxyAddresses: smtp:ruth hall@contoso.com
-
add: proxyAddresses
proxyAddresses: smtp:ruthhall@contoso.com
-
` {
		t.Errorf("exit code %d, corrections:\n%s", code, out)
	}
	table := filepath.Join(dir, "fix.csv")
	if _, out, _ = command(t, dir, "check", file, "--fix", "csv", "--output", table); !strings.Contains(out, "Corrections written to "+table) {
		t.Errorf("does not say what was written:\n%s", out)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][6] != "REMOVE" || rows[2][6] != "EDIT" || rows[2][5] != "smtp:ruthhall@contoso.com" {
		t.Errorf("%v: got %q", err, rows)
	}
}

// TestCheckSeverity: the exit code follows the chosen severity.
func TestCheckSeverity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "forest.ldif")
	const warning = "dn: CN=A,DC=x\nobjectClass: user\nuserPrincipalName: a@contoso.com\n"
	if err := os.WriteFile(file, []byte(warning), 0o600); err != nil {
		t.Fatal(err)
	}
	for severity, want := range map[string]int{"error": exitDone, "warning": exitFailed, "info": exitFailed, "severe": exitUsage} {
		if code, out, errs := command(t, dir, "check", file, "--severity", severity); code != want {
			t.Errorf("--severity %s: got exit code %d, want %d\n%s%s", severity, code, want, out, errs)
		}
	}
}

// TestCheckMistakes: what people type, and what they are told.
func TestCheckMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{filepath.Join(dir, "nothing")}, exitFailed, "cannot be opened"},
		{[]string{write("empty", "# nothing\n")}, exitFailed, "there is no object in it"},
		{[]string{write("prose", "dn: CN=A\nwhat is this\n")}, exitFailed, "line 2"},
		{[]string{write("changes", "dn: CN=A\nchangetype: modify\nreplace: mail\nmail: x\n-\n")}, exitFailed, "list of changes"},
		{[]string{write("good", "dn: CN=A\ncn: A\n"), "--fresh"}, exitUsage, "leave FILE out"},
		{[]string{"--stored", "--fresh"}, exitUsage, "exclude each other"},
		{[]string{"--fix", "xml"}, exitUsage, "neither ldif nor csv"},
		{[]string{"--output", "x"}, exitUsage, "--fix"},
		{[]string{"--domain", "contoso.com"}, exitUsage, "goes with FILE"},
		{[]string{"--stored"}, exitFailed, "there is no configuration"},
	} {
		code, _, errs := command(t, dir, append([]string{"check"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("canopy check %v: got exit code %d, want %d, and %q\n%s", c.args, code, c.code, c.want, errs)
		}
	}
}

// TestCheckLab: the lab's trouble is found in what was read, over all forests.
func TestCheckLab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	code, out, errs := command(t, dir, "check", "--stored", "--most", "0", "--severity", "info")
	if code != exitFailed {
		t.Errorf("got exit code %d, want %d\n%s", code, exitFailed, errs)
	}
	for _, want := range []string{"address-character  CN=Ruth Hall", "smtp:ruthhall@contoso.com", "CN=Berg\\, Jonas,OU=Sales,OU=Staff,DC=fabrikam,DC=lab (fabrikam.lab) has it as its primary address",
		"cloud-sign-in", "the cloud makes another sign-in name of it", "out of scope by a rule or a person"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	again, _, _ := command(t, dir, "check", "--stored", "--connections")
	if again != exitUsage {
		t.Errorf("got exit code %d, want %d", again, exitUsage)
	}
	if out := must(t, dir, "plan", "show", "1", "--all"); !strings.Contains(out, `FINDING userPrincipalName "nuria.vega@tailspin.lab": its domain is none of the Internet's`) {
		t.Errorf("the plan does not show what the checks find:\n%s", out)
	}
}

// TestCheckFresh: forests that were never read are checked as they are now, and nothing of that is kept.
func TestCheckFresh(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, People: 40, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	if out := must(t, dir, "check"); !strings.Contains(out, "Not read yet, so that nothing is known of their values: contoso.lab, fabrikam.lab, tailspin.lab") {
		t.Errorf("does not say that nothing was read:\n%s", out)
	}
	code, out, errs := command(t, dir, "check", "--fresh")
	if code != exitFailed || !strings.Contains(out, "address-character  CN=Ruth Hall") || strings.Contains(out, "Not read yet") {
		t.Errorf("got exit code %d, want %d and what is wrong\n%s%s", code, exitFailed, out, errs)
	}
	if out := must(t, dir, "check", "--stored"); !strings.Contains(out, "Values: 0 objects") {
		t.Errorf("a check kept what it read:\n%s", out)
	}
	if out := must(t, dir, "check", "--connections"); strings.Contains(out, "Values") {
		t.Errorf("checks values when only connections are asked for:\n%s", out)
	}
}
