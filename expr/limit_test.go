package expr

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// bare is an object without anything around it.
type bare struct{}

func (bare) Attr(string) Value           { return Value{} }
func (bare) Imported(string) Value       { return Value{} }
func (bare) Count(string) int64          { return 0 }
func (bare) Param(string) (string, bool) { return "", false }
func (bare) World() *World               { return nil }

func TestWithoutAWorld(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{`Now()`: "what time it is now is not known", `Guid()`: "chance is not at hand", `RandomString(5,1,1,1,1)`: "chance is not at hand", `SelectUniqueValue("a","b")`: "what the target holds is not known",
		`DefaultDomain()`: "default domain is not known", `FormatDateTime("10:30", , "HH:mm", "yyyy")`: "what time it is now is not known"} {
		p, err := Parse(src, Cloud())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Eval(bare{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
}

// TestSearchesEnd: patterns that would search for ages are stopped.
func TestSearchesEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 30)
	for _, c := range []struct{ src, want string }{
		{`Replace("` + long + `b", , "^(a+)+$", , "x")`, "takes more than|too often"},
		{`Replace("` + strings.Repeat("a", 4000) + `", , "(?=(a+)+b)|(a|a)*c", , "x")`, "takes more than|too often"},
		{`Replace("` + strings.Repeat("a", 60000) + `", , "a", , "$_$_$_")`, "1 MB|64 MB"},
		{`Replace("` + strings.Repeat("a", 65000) + `xxxxxx` + strings.Repeat("a", 600) + `", , "a", , "b")`, "at most 65536"},
		{`Replace("a", , "` + strings.Repeat("a", maxPattern+1) + `", , "b")`, "at most 1000 are taken"},
	} {
		begun := time.Now()
		got := evaluated(c.src, Cloud())
		ok := false
		for part := range strings.SplitSeq(c.want, "|") {
			ok = ok || strings.Contains(got, part)
		}
		if !ok {
			t.Errorf("%.60s: got %.200s, want %s", c.src, got, c.want)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%.60s: took %s", c.src, took)
		}
	}
}

// TestStepsAreCounted: what is small and calls itself many times over is stopped.
func TestStepsAreCounted(t *testing.T) {
	t.Parallel()
	many := `Split("` + strings.Repeat("a,", 2000) + `", ",")`
	for _, src := range []string{
		`Count(Select($a, ` + many + `, Count(Select($b, ` + many + `, Count(Select($c, ` + many + `, 1))))))`,
		`Count(Where($a, ` + many + `, Count(Where($b, ` + many + `, Count(Where($c, ` + many + `, True)) > 0)) > 0))`,
		`Count(Select($a, ` + many + `, Count(Select($b, ` + many + `, Contains(` + many + `, "b")))))`,
		`Count(Select($a, ` + many + `, ` + many + `))`,
	} {
		got := evaluated(src, Connect())
		if !strings.Contains(got, "64 MB") && !strings.Contains(got, "a million values") {
			t.Errorf("%.80s: got %.100s, want a limit", src, got)
		}
	}
}

// TestSmallStepsOnLargeTexts: what is cheap once and dear many times ends soon.
func TestSmallStepsOnLargeTexts(t *testing.T) {
	t.Parallel()
	many := `Split("` + strings.Repeat("a,", 30000) + `", ",")`
	big := func(c string) string { return `PadLeft("x", 1000000, "` + c + `")` }
	for src, want := range map[string]string{
		`Word(` + big("b") + `, 2, ` + big("c") + `)`:                                                                       "at most 256 are taken",
		`Count(ReplaceChars(` + many + `, "x:" & ` + big("d") + `))`:                                                        "64 MB",
		`With($a, ` + big("e") + `, With($b, ` + big("e") + `, Count(Where($x, ` + many + `, $a = $b))))`:                   "64 MB",
		`Count(Where($x, Split("` + strings.Repeat("a,", 2000) + `", ","), ` + strings.Repeat("False || ", 6000) + `True))`: "64 MB",
		`Count(Select($x, ` + many + `, CertSubject([userCertificate])))`:                                                   "64 MB",
		`Error(` + big("f") + `)`: "ffff…",
	} {
		begun := time.Now()
		got := evaluated(src, Connect())
		if !strings.Contains(got, want) || len(got) > 5000 {
			t.Errorf("%.60s: got %.200s, want %s", src, got, want)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%.60s: took %s", src, took)
		}
	}
	if got := evaluated(`PCase("a", Join("", "`+strings.Repeat("-", 300)+`"))`, Cloud()); !strings.Contains(got, "at most 256") {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsOddIsSaid(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`IIF(IsPresent([a]), [a], "b")`: "Cloud Sync itself does not decide", `IIF([a] = "", "b", "c")`: "Cloud Sync itself does not decide", `IIF([a] = "x", "b", "c")`: "", `Switch(IsPresent([a]), [a], "x", "y")`: "the source is a test",
		`1 + 2`: "Cloud Sync itself has no +", `IIF([a] = 1 && [b] = 2, 1, 2)`: "Cloud Sync itself has no &&", `"a" & [b]`: "",
	} {
		p, err := Parse(src, Cloud())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, w := range p.Warnings() {
			got += w.Error()
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}

func TestWhatAProgramIs(t *testing.T) {
	t.Parallel()
	p, err := Parse(`Redact(Append(Guid(), [mail]))`, Cloud())
	if err != nil {
		t.Fatal(err)
	}
	if !p.Asks() || !p.Secret() || p.Varies() != "Guid" || p.Dialect() != Cloud() || strings.Join(p.Calls(), " ") != "Redact Append Guid" {
		t.Errorf("secret %t, varies %q, dialect %s, calls %v", p.Secret(), p.Varies(), p.Dialect().Name, p.Calls())
	}
	if p, err = Parse(`Trim([mail])`, Connect()); err != nil || p.Asks() || p.Secret() || p.Varies() != "" {
		t.Errorf("got secret %t, varies %q, %v, want neither", p.Secret(), p.Varies(), err)
	}
	if DialectOf("cloud") != Cloud() || DialectOf("connect") != Connect() || DialectOf("x") != nil {
		t.Error("dialects are not found by their names")
	}
}

// FuzzParse and FuzzCloud: no input panics, hangs, gives more than the limits, or two different values.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`IIF(IsPresent([a]), Trim([a]), NULL)`, `&HFF & "x"`, `"\""`, `Switch(True, 1)`, `%Domain.FQDN%`, `Left([smile], 2)`, `((1`, `a && b || c`,
		`FormatDateTime([when], "yyyy")`, `DateAdd("m", 1, [when])`, `Split([mail], "@", 2)`, `Mid([smile],2,1)`, `InStr([mail], "@", 2, vbTextCompare)`, `ReplaceChars([cn], "a:b")`, `Item([proxy], -1)`, `DNComponentRev([dn], 2, "DC")`,
		`With($a, [proxy], Select($b, $a, UCase($b)))`, `Where($i, [nums], $i > 1)`, `CertSubject([userCertificate])`, `CertNameInfo([certText], "UpnName", False)`, `CDate("2013-01-10 4:00 PM -8")`, `StringFromSid([sid])`, `RandomNum(1, 9)`, `CGuid([number])`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) { fuzzed(t, src, Connect()) })
}

func FuzzCloud(f *testing.F) {
	for _, s := range []string{`Replace([cn], , "(?<a>\\w+)\\s", "a", "x", , )`, `Replace([mail], , "(a|b)+?@", , "$1${x}$&", , )`, `Switch([state], , "a", "b")`, `FormatDateTime([number], , "yyyyMMdd", "r")`, `Join(",", [proxy], 1)`, `InStr([cn], "a", , vbTextCompare)`,
		`PCase([cn], " -")`, `ToLower([cn], "tr-TR")`, `NormalizeDiacritics([smile])`, `SelectUniqueValue("taken", Guid())`, `RandomString(10,2,2,2,1,"?,")`, `DateDiff("ww", Now(), CDate("2024-03-09"))`, `IgnoreFlowIfNullOrEmpty([x])`, `AppRoleAssignments("{\"displayName\":\"x\"}")`, `Word([cn], 2, " ")`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) { fuzzed(t, src, Cloud()) })
}

func fuzzed(t *testing.T, src string, d *Dialect) {
	p, err := Parse(src, d)
	var e *Error
	if err != nil {
		if !errors.As(err, &e) || e.Error() == "" || e.Caret() == "" {
			t.Fatalf("%q: %v is no *Error", src, err)
		}
		return
	}
	a, errA := p.Eval(anna)
	b, errB := p.Eval(anna)
	if (errA == nil) != (errB == nil) || a.String() != b.String() {
		t.Fatalf("%q: twice evaluated: %v %v, %v %v", src, a, errA, b, errB)
	}
	if errA != nil && (!errors.As(errA, &e) || !e.Raised && (e.Source != src || e.Pos > len(src))) {
		t.Fatalf("%q: %v does not say where", src, errA)
	}
	if len(a.s) > maxText || len(a.list) > maxList {
		t.Fatalf("%q gives %d bytes, %d values", src, len(a.s), len(a.list))
	}
}
