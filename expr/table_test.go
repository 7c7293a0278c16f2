package expr

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rowText finds the expressions of the tables in this folder's tests.
var rowText = regexp.MustCompile("\\{`([^`]+)`, ")

// tries are the expressions of the rows that test files try in a dialect, by the beginning of the files' names.
func tries(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	var out []string
	for _, p := range files {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rowText.FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// tried is how a function was called.
type tried struct {
	counts  []int
	null    bool // with NULL as the first argument
	leftOut bool // with an argument left out before one that is given
}

// calls collects how functions are called in a tree.
func calls(n *node, into map[string]*tried) {
	for _, a := range n.args {
		calls(a, into)
	}
	if n.kind != nodeCall {
		return
	}
	x := into[n.name]
	if x == nil {
		x = &tried{}
		into[n.name] = x
	}
	count := len(n.args)
	for i, a := range n.args {
		if a.kind == nodeLeftOut {
			count--
			x.leftOut = x.leftOut || i < len(n.args)-1
		}
	}
	x.counts = append(x.counts, count)
	if count > 0 {
		first := n.args[0]
		if n.fn.kinds[0] == '$' {
			first = n.args[1]
		}
		x.null = x.null || first.kind == nodeAttr && first.name == "nothing" || first.kind == nodeLiteral && first.value.kind == Null || n.fn.kinds[0] == 'q' && first.value.s == "nothing"
	}
}

// TestEveryFunctionIsTried: each function has rows with the fewest arguments, with each number of optional ones, with NULL,
// and is described.
func TestEveryFunctionIsTried(t *testing.T) {
	t.Parallel()
	for _, d := range Dialects() {
		files := map[string]string{"connect": "expr*_test.go", "cloud": "cloud*_test.go"}[d.Name]
		all := map[string]*tried{}
		for _, src := range tries(t, files) {
			n, err := (&parser{src: src, dialect: d, program: &Program{}}).all()
			if err == nil {
				calls(n, all)
			}
		}
		for _, f := range d.functions {
			x := all[f.name]
			if x == nil {
				t.Errorf("%s: no row tries %s", d.Name, f.usage)
				continue
			}
			for n := f.required; n <= len(f.kinds); n++ {
				if f.check == nil && !slices.Contains(x.counts, n) {
					t.Errorf("%s: no row tries %s with %d arguments", d.Name, f.usage, n)
				}
			}
			if f.repeats > 0 && slices.Max(x.counts) <= len(f.kinds) {
				t.Errorf("%s: no row tries %s with more than %d arguments", d.Name, f.usage, len(f.kinds))
			}
			if d.cloud && len(f.kinds)-f.required > 1 && f.repeats == 0 && !x.leftOut {
				t.Errorf("%s: no row of %s leaves an argument out", d.Name, f.usage)
			}
			if len(f.kinds) > 0 && !x.null && f.group != "Certificates" { // those have a loop of their own
				t.Errorf("%s: no row tries %s with NULL", d.Name, f.usage)
			}
		}
	}
}

// TestTheManualTellsTheTruth: the examples give what they say.
func TestTheManualTellsTheTruth(t *testing.T) {
	t.Parallel()
	for _, d := range Dialects() {
		for _, f := range d.Functions() {
			if f.Text == "" || !strings.HasPrefix(f.Usage, f.Name+"(") || len(f.Examples) == 0 {
				t.Errorf("%s %s: usage %q, text %q, %d examples", d.Name, f.Name, f.Usage, f.Text, len(f.Examples))
			}
			for _, e := range f.Examples {
				src := strings.ReplaceAll(strings.ReplaceAll(e.Expression, "[mail]", "[nothing]"), "[department]", "[nothing]")
				if got := evaluated(src, d); got != e.Gives {
					t.Errorf("%s: %s\n got %s\nwant %s", d.Name, e.Expression, got, e.Gives)
				}
			}
		}
	}
}

// documented are the functions of both products' manuals, and those that only the rules and templates in the field use.
var documented = map[string]string{
	"connect": `BitAnd BitOr CBin CBool CDate CGuid CNum CRef CStr CertExtensionOids CertFormat CertFriendlyName CertHashString CertIssuer CertIssuerDN
CertIssuerOid CertKeyAlgorithm CertKeyAlgorithmParams CertNameInfo CertNotAfter CertNotBefore CertPublicKeyOid CertPublicKeyParametersOid CertSerialNumber
CertSignatureAlgorithmOid CertSubject CertSubjectNameDN CertSubjectNameOid CertThumbprint CertVersion Contains ConvertFromBase64 ConvertFromUTF8Hex
ConvertToBase64 ConvertToUTF8Hex Count DNComponent DNComponentRev DateAdd DateFromNum Error EscapeDNComponent FormatDateTime Guid IIF ImportedValue InStr
InStrRev IsBitSet IsCert IsDate IsEmpty IsGuid IsNull IsNullOrEmpty IsNumeric IsPresent IsString Item ItemOrNull Join LCase LTrim Left Len Mid Not Now
NumFromDate PCase PadLeft PadRight RTrim RandomNum RemoveDuplicates Replace ReplaceChars Right Select Split StringFromGuid StringFromSid Switch Thumbprint
Trim UCase ValueCount Where With Word`,
	"cloud": `Append AppRoleAssignments AppRoleAssignmentsComplex BitAnd CBool CDate CRef CStr Coalesce Contains ConvertFromBase64 ConvertToBase64
ConvertToUTF8Hex Count DNComponent DateAdd DateDiff DateFromNum DefaultDomain Error FormatDateTime Guid IIF IgnoreFlowIfNullOrEmpty InStr IsNothing IsNull
IsNullOrEmpty IsPresent IsString Item Join Left Mid NormalizeDiacritics Not Now NumFromDate PCase Prepend RandomString Redact RemoveDuplicates Replace
SelectUniqueValue SingleAppRoleAssignment Split StringFromSid StripSpaces Switch ToLower ToUpper Trim Word`,
}

func TestAllDocumentedFunctionsAreThere(t *testing.T) {
	t.Parallel()
	for _, d := range Dialects() {
		want := strings.Fields(documented[d.Name])
		slices.Sort(want)
		if got := d.names(); !slices.Equal(got, want) {
			t.Errorf("%s: got %v\nwant %v", d.Name, got, want)
		}
	}
}
