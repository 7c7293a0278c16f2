package connect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

var noPlaces = cmp.Options{cmpopts.IgnoreFields(Rule{}, "Place"), cmpopts.IgnoreFields(Flow{}, "Place"), cmpopts.IgnoreFields(Scope{}, "Place"), cmpopts.IgnoreFields(Join{}, "Place"),
	cmpopts.EquateEmpty()}

func TestConnectorsAndMetaverseAreRead(t *testing.T) {
	t.Parallel()
	e := read(t, export(in(func(*Rule) {})))
	if len(e.Connectors) != 2 || len(e.Unknown) != 0 {
		t.Fatalf("got %d connectors and unknown parts %v, want 2 and none", len(e.Connectors), e.Unknown)
	}
	c := e.Connectors[0]
	got := map[string]any{"id": c.ID, "kind": c.Kind, "forest": c.Forest, "account": c.Account, "hashes": c.PasswordHashSync, "attributes": c.Attributes, "group": c.GroupFilter(),
		"profiles": c.Profiles, "colleague": c.Types["favouritecolleague"], "partitions": len(c.Partitions), "selected": c.Partitions[1].Selected, "parameters": len(c.Parameters)}
	want := map[string]any{"id": forestID, "kind": Forest, "forest": "example.lab", "account": "reader", "hashes": true, "attributes": []string{"cn", "mail"},
		"group": "CN=Pilot,OU=Groups,DC=example,DC=lab", "profiles": []string{"Full Import"}, "colleague": Type{Name: "favouriteColleague", Syntax: Reference}, "partitions": 2, "selected": false,
		"parameters": 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if k := e.Connectors[1].Kind; k != Cloud {
		t.Errorf("got the kind %s, want %s", k, Cloud)
	}
	if m := e.Metaverse; m.Server != "SYNC1" || m.Exported != "2026-05-04 10:00:00" || m.Parameter("microsoft.optionalfeature.exportdeletionthresholdvalue") != "250" || m.Types["isfamous"].Syntax != Boolean {
		t.Errorf("the metaverse was read as %+v", m)
	}
}

// drawRule draws a rule that both forms can say.
func drawRule(t *rapid.T) Rule {
	word := rapid.StringMatching(`[a-zA-Z][a-zA-Z-]{0,12}`)
	said := rapid.Map(rapid.StringMatching(`[ -~äöüß"'’<>&\x60$#]{1,30}`), func(s string) string { return "x" + strings.TrimSpace(s) + "x" })
	r := Rule{ID: "a0000000-0000-0000-0000-00000000000f", Name: said.Draw(t, "name"), Description: said.Draw(t, "description"), Tag: word.Draw(t, "tag"), Inbound: rapid.Bool().Draw(t, "inbound"),
		Disabled: rapid.Bool().Draw(t, "disabled"), Connector: forestID, Source: word.Draw(t, "source"), Target: word.Draw(t, "target"), Link: "Join", Precedence: rapid.IntRange(0, 999).Draw(t, "precedence"),
		PasswordSync: rapid.Bool().Draw(t, "passwords")}
	for range rapid.IntRange(0, 4).Draw(t, "flows") {
		f := Flow{To: word.Draw(t, "to"), Merge: rapid.SampledFrom([]string{"Update", "Merge", "MergeCaseInsensitive"}).Draw(t, "merge"), Once: rapid.Bool().Draw(t, "once"),
			Kind: rapid.SampledFrom([]FlowKind{Direct, Constant, Expression}).Draw(t, "kind")}
		switch f.Kind {
		case Direct:
			f.From = []string{word.Draw(t, "from")}
		case Constant:
			f.Text = said.Draw(t, "constant")
		case Expression:
			f.From, f.Text = rapid.SliceOfN(word, 0, 3).Draw(t, "reads"), said.Draw(t, "expression")
		}
		r.Flows = append(r.Flows, f)
	}
	for range rapid.IntRange(0, 2).Draw(t, "scopes") {
		r.Scope = append(r.Scope, []Scope{{Attr: word.Draw(t, "attr"), Operator: "EQUAL", Value: said.Draw(t, "value")}, {Attr: word.Draw(t, "attr"), Operator: "ISNULL"}})
	}
	for range rapid.IntRange(0, 2).Draw(t, "joins") {
		r.Join = append(r.Join, []Join{{Source: word.Draw(t, "attr"), Target: word.Draw(t, "attr"), CaseSensitive: rapid.Bool().Draw(t, "case")}})
	}
	return r
}

func TestBothFormsOfARuleSayTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawRule(t)
		// Typographic quotes close texts in scripts too, and are doubled there like plain ones.
		plain := func(s string) string { return strings.ReplaceAll(s, "’", "'") }
		want.Name, want.Description = plain(want.Name), plain(want.Description)
		for i := range want.Flows {
			want.Flows[i].Text = plain(want.Flows[i].Text)
		}
		for i := range want.Scope {
			want.Scope[i][0].Value = plain(want.Scope[i][0].Value)
		}
		for name, text := range map[string]string{"SynchronizationRules/r.xml": xmlOf(&want), "r.ps1": scriptOf(&want)} {
			e, err := Read(tree(map[string]string{name: text}))
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			if d := cmp.Diff([]Rule{want}, e.Rules, noPlaces); d != "" || len(e.Unknown) != 0 {
				t.Fatalf("%s (-want +got):\n%s%v\n%s", name, d, e.Unknown, text)
			}
		}
	})
}

func TestScriptsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	script := "<# a rule\n of ours #>\nImport-Module ADSync\n$number = 42\n#region\nNew-ADSyncRule  `  \n   -Name \"It's `\"ours`\"\" `\n   -Identifier '{A0000000-0000-0000-0000-000000000001}' `\n   -Direction Inbound `\n   -Precedence $number `\n" +
		"   -SourceObjectType 'user' `\n   -TargetObjectType 'person' `\n   -Connector '" + forestID + "' `\n   -LinkType 'Join' `\n   -SoftDeleteExpiryInterval 0 `\n   -ImmutableTag '' `\n   -OutVariable syncRule | Out-Null\n" +
		"Add-ADSyncAttributeFlowMapping -SynchronizationRule $syncRule[0] -Source 'true' -Destination 'cloudNoFlow' -FlowType 'Constant' -ValueMergeType 'Update' -OutVariable syncRule; Add-ADSyncAttributeFlowMapping -SynchronizationRule $syncRule[0] " +
		"-Destination 'description' -FlowType 'Expression' -ValueMergeType 'Update' -Expression @'\nIIF(True,\n \"a\", NULL)\n'@ -OutVariable syncRule\n" +
		"if ($true) {\n Add-ADSyncRule -SynchronizationRule $syncRule[0]\n}\nInvoke-Something -Name 'x'\n"
	e := read(t, tree(map[string]string{"ours.ps1": script}))
	want := []Rule{{ID: "a0000000-0000-0000-0000-000000000001", Name: `It's "ours"`, Inbound: true, Connector: forestID, Source: "user", Target: "person", Link: "Join", Precedence: 42,
		Flows: []Flow{{Kind: Constant, To: "cloudNoFlow", Text: "true", Merge: "Update"}, {Kind: Expression, To: "description", Text: "IIF(True,\n \"a\", NULL)", Merge: "Update"}}}}
	if d := cmp.Diff(want, e.Rules, noPlaces); d != "" {
		t.Error(d)
	}
	var said []string
	for _, u := range e.Unknown {
		said = append(said, u.Place+" "+u.Path)
	}
	if d := cmp.Diff([]string{"ours.ps1:22 script/if", "ours.ps1:25 script/Invoke-Something"}, said); d != "" {
		t.Error(d)
	}
}

func TestUnknownPartsAreNamed(t *testing.T) {
	t.Parallel()
	r := in(func(*Rule) {})
	text := strings.Replace(xmlOf(&r), "<precedence>", "<colour>blue</colour><precedence>", 1)
	e := read(t, tree(map[string]string{"SynchronizationRules/r.xml": text}))
	if len(e.Unknown) != 1 || e.Unknown[0].Path != "synchronizationRule/colour" || e.Unknown[0].Text != "blue" || !strings.HasPrefix(e.Unknown[0].Place, "SynchronizationRules/r.xml:") {
		t.Errorf("got %+v, want the element colour with its place", e.Unknown)
	}
}

func TestBadInputNamesFileAndPlace(t *testing.T) {
	t.Parallel()
	whole := in(func(*Rule) {})
	good := xmlOf(&whole)
	change := func(old, now string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(good, old, now, 1)
	}
	script := scriptOf(&whole)
	for _, c := range []struct{ name, file, text, want string }{
		{"cut off", "r.xml", good[:len(good)/2], "r.xml:"},
		{"never closed", "r.xml", "<synchronizationRule>\n<name>", "r.xml:2: <name> is never closed"},
		{"closed twice", "r.xml", "<a>\n</b></a>", "r.xml:2"},
		{"an entity of its own", "r.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]>\n" + good, "r.xml:1: a document type declaration is not taken"},
		{"entities within entities", "r.xml", "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY l \"&l;&l;\">]><a>&l;</a>", "r.xml:2: a document type"},
		{"an unknown entity", "r.xml", change("<name>", "<name>&xxe;"), "r.xml:4: the XML is broken: invalid character entity &xxe;"},
		{"an encoding", "r.xml", `<?xml version="1.0" encoding="ebcdic"?>` + good, "ebcdic"},
		{"no UTF-8", "r.xml", "\xc3\x28", "neither UTF-8 nor UTF-16"},
		{"half a character", "r.xml", "\xff\xfea", "ends within a character"},
		{"two roots", "r.xml", good + "<more/>", "a second element <more>"},
		{"text behind", "r.xml", good + "more", "text stands outside"},
		{"nothing", "r.xml", "", "r.xml: the file has no element"},
		{"another root", "r.xml", "<html></html>", "r.xml:1: <html> is neither a connector"},
		{"deep", "r.xml", strings.Repeat("<a>", 100), "elements are within each other"},
		{"precedence", "r.xml", change("<precedence>50<", "<precedence>high<"), `has the precedence "high"`},
		{"direction", "r.xml", change("<direction>Inbound<", "<direction>Sideways<"), `the direction "Sideways"`},
		{"no name", "r.xml", change("<name>In from AD - User Join<", "<name><"), "has no name"},
		{"no destination", "r.xml", change("<dest>cn<", "<dest><"), "r.xml:16: a mapping of the rule"},
		{"no source", "r.xml", change("<attr>cn</attr>", ""), "has neither source nor expression"},
		{"two sources", "r.xml", change("<attr>cn</attr>", "<attr>cn</attr><attr>sn</attr>"), "has 2 source attributes and no expression"},
		{"an attribute", "r.xml", change("<mapping>", `<mapping once="1">`), `has once="1", which is not known`},
		{"no connector id", "r.xml", "<ma-data><name>x</name></ma-data>", `the connector "x" has no id`},
		{"an open text", "r.ps1", "New-ADSyncRule `\n-Name 'x", "r.ps1:2: the text that begins here is never closed"},
		{"an open comment", "r.ps1", "\n<# never", "r.ps1:2: the comment"},
		{"an open bracket", "r.ps1", "New-Object -ArgumentList @('a'", "cut off"},
		{"a closed bracket", "r.ps1", "New-Object )", "closed here that is not open"},
		{"a variable", "r.ps1", strings.Replace(script, "-Precedence 50", "-Precedence $p", 1), "-precedence is the variable $p"},
		{"a variable in a text", "r.ps1", `New-ADSyncRule -Name "$prefix rule"`, "a variable stands within a text"},
		{"a parameter", "r.ps1", strings.Replace(script, "-LinkType", "-Colour 'blue' -LinkType", 1), "the parameter -colour, which is not known"},
		{"twice", "r.ps1", "New-ADSyncRule -Name 'a' -Name 'b'", "-name twice"},
		{"no rule", "r.ps1", "Add-ADSyncRule -SynchronizationRule $syncRule[0]", "a rule that the script does not make: $syncrule"},
		{"a pipe", "r.ps1", "Get-ADSyncRule | Remove-ADSyncRule", "given on to Remove-ADSyncRule"},
		{"flow type", "r.ps1", strings.Replace(script, "'Direct'", "'Odd'", 1), `the flow type "Odd"`},
		{"a condition", "r.ps1", "New-Object -TypeName 'A.ScopeCondition' -ArgumentList 'a' -OutVariable c", "neither a scope condition nor a join condition"},
		{"conditions", "r.ps1", strings.Replace(script, "Add-ADSyncRule ", "Add-ADSyncScopeConditionGroup -SynchronizationRule $syncRule[0] -ScopeConditions @($c[0])\nAdd-ADSyncRule ", 1), "$c is no scope condition"},
	} {
		_, err := Read(tree(map[string]string{"SynchronizationRules/" + c.file: c.text}))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) || canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("%s: got %v, want an invalid one with %q", c.name, err, c.want)
		}
	}
}

func TestFoldersThatAreNoExport(t *testing.T) {
	t.Parallel()
	r := in(func(*Rule) {})
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"readme.md": "x"}, "nothing of a Connect Sync export is here"},
		{map[string]string{"a/SynchronizationRules/r.xml": xmlOf(&r), "b/SynchronizationRules/r.xml": xmlOf(&r)}, "several exports are here: a, b"},
		{map[string]string{"SynchronizationRules/r.xml": xmlOf(&r), "SynchronizationRules/s.xml": xmlOf(&r)}, "is in SynchronizationRules/r.xml:1 as well"},
		{map[string]string{"GlobalSettings/a.xml": metaverseXML, "GlobalSettings/b.xml": metaverseXML}, "the metaverse is in GlobalSettings/a.xml:1 as well"},
	} {
		if _, err := Read(tree(c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if e := read(t, tree(map[string]string{"Contoso/synchronizationrules/r.XML": xmlOf(&r), "notes.txt": "x"})); len(e.Rules) != 1 {
		t.Errorf("got %d rules from the folder above, want 1", len(e.Rules))
	}
}

func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := in(func(*Rule) {})
	if err := os.WriteFile(filepath.Join(dir, "secret.xml"), []byte(xmlOf(&r)), 0o600); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "export", "SynchronizationRules")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../secret.xml", filepath.Join(inner, "r.xml")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "export"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := Read(root.FS()); err == nil || !strings.Contains(err.Error(), "SynchronizationRules/r.xml") {
		t.Errorf("got %v, want an error that names the link", err)
	}
}

func TestUTF16IsRead(t *testing.T) {
	t.Parallel()
	r := in(func(r *Rule) { r.Name = "In from AD – Größe" })
	for _, form := range []struct {
		file, text string
	}{{"SynchronizationRules/r.xml", `<?xml version="1.0" encoding="utf-16"?>` + xmlOf(&r)}, {"r.ps1", scriptOf(&r)}} {
		for _, big := range []bool{false, true} {
			raw := []byte{0xff, 0xfe}
			if big {
				raw = []byte{0xfe, 0xff}
			}
			for _, u := range utf16.Encode([]rune(form.text)) {
				if big {
					raw = append(raw, byte(u>>8), byte(u))
				} else {
					raw = append(raw, byte(u), byte(u>>8))
				}
			}
			e := read(t, tree(map[string]string{form.file: string(raw)}))
			if d := cmp.Diff([]Rule{r}, e.Rules, noPlaces); d != "" {
				t.Errorf("%s: %s", form.file, d)
			}
		}
	}
}

// FuzzXML reads anything as a file of an export: an error or an export, nothing else.
func FuzzXML(f *testing.F) {
	r := in(func(*Rule) {})
	for _, s := range []string{xmlOf(&r), forestXML, cloudXML, metaverseXML, "<!DOCTYPE a>", "<a", "\xff\xfe<"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { tryFile(t, "SynchronizationRules/r.xml", raw) })
}

// FuzzScript reads anything as a script of rules.
func FuzzScript(f *testing.F) {
	r := in(func(*Rule) {})
	for _, s := range []string{scriptOf(&r), "$a = 'x'; New-ADSyncRule -Name $a", "@'\nx\n'@", "<# #>", "\"`", "New-Object -ArgumentList (1,2)"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { tryFile(t, "r.ps1", raw) })
}

func tryFile(t *testing.T, name string, raw []byte) {
	e, err := Read(tree(map[string]string{name: string(raw)}))
	if (e == nil) == (err == nil) && err == nil {
		t.Fatal("neither an export nor an error")
	}
	if err != nil && !strings.Contains(err.Error(), ".") {
		t.Fatalf("the error names nothing: %v", err)
	}
	if err == nil {
		for i := range e.Rules {
			if err := e.Rules[i].whole(); err != nil {
				t.Fatalf("a rule was taken that is not whole: %v", err)
			}
		}
	}
}
