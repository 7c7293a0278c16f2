package ldif

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// read gives all records of a text, each as lines, and the first error.
func read(r io.Reader, keep func(string) bool) (out []string, err error) {
	in := NewReader(r, keep)
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		line := rec.DN
		for _, p := range rec.Pairs {
			line += "|" + p.Name + "=" + p.Value
		}
		out = append(out, line)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":                 {"", nil},
		"nothing but a version": {"version: 1\n", nil},
		"one":                   {"version: 1\n\ndn: CN=A\ncn: A\n", []string{"CN=A|cn=A"}},
		"no end of line":        {"dn: CN=A\ncn: A", []string{"CN=A|cn=A"}},
		"several, CRLF":         {"dn: CN=A\r\ncn: A\r\n\r\n\r\ndn: CN=B\r\ncn: B\r\n", []string{"CN=A|cn=A", "CN=B|cn=B"}},
		"folded":                {"dn: CN=A,\n DC=x\ncn: Anna\n  Berg\n", []string{"CN=A,DC=x|cn=Anna Berg"}},
		"base64":                {"dn:: Q049w5Y=\ncn:: w5Y=\n", []string{"CN=Ö|cn=Ö"}},
		"folded base64":         {"dn: CN=A\ncn:: w5\n Y=\n", []string{"CN=A|cn=Ö"}},
		"comments":              {"# one\n two\ndn: CN=A\n# three\ncn: A\n\n# four\n\ndn: CN=B\n", []string{"CN=A|cn=A", "CN=B"}},
		"no space":              {"dn:CN=A\ncn:A\n", []string{"CN=A|cn=A"}},
		"empty value":           {"dn: CN=A\ncn:\nsn: \n", []string{"CN=A|cn=|sn="}},
		"octets":                {"dn: CN=A\ncn:: AAH/\n", []string{"CN=A|cn=\x00\x01\xff"}},
		"binary option":         {"dn: CN=A\ncn;binary:: AA==\ncn;lang-de: B\nmember;range=0-1: C\n", []string{"CN=A|cn=\x00"}},
		"ldifde":                {"dn: CN=A\nchangetype: add\ncn: A\n", []string{"CN=A|cn=A"}},
		"ldapsearch":            {"# extended LDIF\n#\n# LDAPv3\n\n# A\ndn: CN=A\ncn: A\n\n# search reference\nref: ldap://x\n\n# search result\nsearch: 2\nresult: 0 Success\n\n# numResponses: 2\n", []string{"CN=A|cn=A"}},
		"root":                  {"dn:\nnamingContexts: DC=x\n", []string{"|namingContexts=DC=x"}},
		"mark":                  {"\xEF\xBB\xBFdn: CN=A\n", []string{"CN=A"}},
	} {
		got, err := read(strings.NewReader(c.text), nil)
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
	}
}

func TestReaderFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"cn: A\n":                                  `line 1: a record begins with dn:, not with "cn":`,
		"dn: CN=A\n\ncn: A\n":                      `line 3: a record begins with dn:, not with "cn":`,
		"dn: CN=A\nnonsense\n":                     `line 2: there is no attribute, colon and value: "nonsense"`,
		"dn: CN=A\ncn:: !\n":                       "line 2: the value is not base64",
		"dn: CN=A\ncn: \xff\n":                     "line 2: the value is not UTF-8; values of other kinds are written in base64",
		"dn: CN=A\nphoto:< file:///etc/passwd\n":   `line 2: the value is in another file ("file:///etc/passwd"), which is not read`,
		"dn: CN=A\nchangetype: modify\nadd: x\n":   `line 2: changetype "modify": it is a list of changes; what is wanted is the content of a directory, as ldifde -f and ldapsearch -LLL give it`,
		"version: 2\ndn: CN=A\n":                   `line 1: version "2" is not known; there is version 1`,
		"dn: CN=A\n\nversion: 1\n\ndn: CN=B\n":     "line 3: version stands between records; it begins a file",
		"version: 1\n# long\ndn: CN=A\n folded\n:": `line 5: there is no attribute, colon and value: ":"`,
	} {
		if _, err := read(strings.NewReader(text), nil); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	in := NewReader(strings.NewReader("dn: CN=A\nx\n\ndn: CN=B\n"), nil)
	if _, err := in.Next(); err == nil {
		t.Error("want an error of the first record")
	}
	if rec, err := in.Next(); err != nil || rec.DN != "CN=B" || rec.Line != 4 {
		t.Errorf("after it: got %v, %v, want CN=B", rec, err)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	got, err := read(strings.NewReader("dn: CN=A\nCN: A\nphoto:: ???\n\ndn: CN=B\nCN: B\nphoto:: !!!\n"), func(name string) bool {
		asked[name]++
		return name == "CN"
	})
	if d := cmp.Diff([]string{"CN=A|CN=A", "CN=B|CN=B"}, got); d != "" || err != nil {
		t.Errorf("what is not wanted is not even decoded: %v (-want +got):\n%s", err, d)
	}
	if asked["photo"] != 1 || asked["CN"] != 1 {
		t.Errorf("asked %v, want once each", asked)
	}
}

// TestWide: ldifde -u writes UTF-16.
func TestWide(t *testing.T) {
	t.Parallel()
	text := "dn: CN=Jürgen 🙂\r\ncn: Ö\r\n"
	for _, big := range []bool{false, true} {
		var b bytes.Buffer
		for _, u := range append([]uint16{0xFEFF}, utf16.Encode([]rune(text))...) {
			if big {
				b.Write([]byte{byte(u >> 8), byte(u)})
			} else {
				b.Write([]byte{byte(u), byte(u >> 8)})
			}
		}
		got, err := read(&b, nil)
		if d := cmp.Diff([]string{"CN=Jürgen 🙂|cn=Ö"}, got); d != "" || err != nil {
			t.Errorf("big end first %v: %v (-want +got):\n%s", big, err, d)
		}
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	photo := bytes.Repeat([]byte("photo"), 100_000)
	got, err := read(strings.NewReader("dn: CN=A\nphoto:: "+base64.StdEncoding.EncodeToString(photo)+"\n"), nil)
	if err != nil || len(got) != 1 || got[0] != "CN=A|photo="+string(photo) {
		t.Errorf("a photo on one line: %v", err)
	}
	endless := io.MultiReader(strings.NewReader("dn: CN=A\ncn: "), endless{})
	if _, err := read(endless, nil); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a line without an end: got %v", err)
	}
	folds := io.MultiReader(strings.NewReader("dn: CN=A\ncn: x\n"), strings.NewReader(strings.Repeat(" "+strings.Repeat("x", 1<<16)+"\n", MostLine>>16)))
	if _, err := read(folds, nil); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a line of folds without an end: got %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := NewWriter(&b)
	w.Modify("CN=Jürgen", []string{"one\ntwo"}, []Change{{Attr: "mail", Delete: []string{" a"}, Add: []string{"a"}}, {Attr: "sn", Replace: true, Add: []string{strings.Repeat("x", 80)}}})
	w.Modify("CN=B", nil, []Change{{Attr: "cn"}})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `version: 1

# one two
dn:: Q049SsO8cmdlbg==
changetype: modify
delete: mail
mail:: IGE=
-
add: mail
mail: a
-
replace: sn
sn: ` + strings.Repeat("x", 72) + "\n " + strings.Repeat("x", 8) + `
-

dn: CN=B
changetype: modify
delete: cn
-
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// FuzzReader: no file makes the reader panic or go on for ever, and what it reads it reads again from what it writes.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"version: 1\n\ndn: CN=A\ncn: A\n", "dn:: Q049w5Y=\r\ncn:: w5\r\n Y=\r\n\r\ndn: B\r\n", "# c\n d\ndn: x\n\nsearch: 2\n", "\xff\xfed\x00n\x00:\x00x\x00\n\x00",
		"dn: CN=A\nchangetype: modify\n", "dn: a\nb:< c\n", "dn: x\ny;binary: z\n", "dn\n:\n \n#\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		in := NewReader(bytes.NewReader(file), nil)
		var again bytes.Buffer
		var first []string
		w := NewWriter(&again)
		for faults := 0; faults <= len(file); {
			rec, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				faults++
				continue
			}
			if slices.ContainsFunc(rec.Pairs, func(p Pair) bool { return strings.EqualFold(p.Name, "dn") || strings.EqualFold(p.Name, "changetype") }) {
				continue // it would mean something else
			}
			line := rec.DN
			w.say("\n")
			w.pair("dn", rec.DN)
			for _, p := range rec.Pairs {
				line += "|" + p.Name + "=" + p.Value
				w.pair(p.Name, p.Value)
			}
			first = append(first, line)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		in = NewReader(&again, nil)
		for n := range first {
			rec, err := in.Next()
			if err != nil {
				t.Fatalf("read %q, and again: %v", first[n], err)
			}
			line := rec.DN
			for _, p := range rec.Pairs {
				line += "|" + p.Name + "=" + p.Value
			}
			if line != first[n] {
				t.Errorf("read %q, and again %q", first[n], line)
			}
		}
	})
}
