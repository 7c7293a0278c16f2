package ad

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

func TestParseDN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, out, name, parent string
	}{
		{"", "", "", ""},
		{"DC=lab", "DC=lab", "lab", ""},
		{"CN=Anna,OU=People,DC=contoso,DC=lab", "CN=Anna,OU=People,DC=contoso,DC=lab", "Anna", "OU=People,DC=contoso,DC=lab"},
		{`CN=Berg\, Anna,OU=A`, `CN=Berg\, Anna,OU=A`, "Berg, Anna", "OU=A"},
		{`cn = "Berg, Anna" ; ou=A`, `cn=Berg\, Anna,ou=A`, "Berg, Anna", "ou=A"},
		{`CN=A\0ADEL:717ad15f-82b7-46c3-8fbb-0cb151ba31d1,CN=Deleted Objects,DC=x`,
			`CN=A\0ADEL:717ad15f-82b7-46c3-8fbb-0cb151ba31d1,CN=Deleted Objects,DC=x`,
			"A\nDEL:717ad15f-82b7-46c3-8fbb-0cb151ba31d1", "CN=Deleted Objects,DC=x"},
		{`CN=\ a\ ,DC=x`, `CN=\ a\ ,DC=x`, " a ", "DC=x"},
		{`CN=\#1\=2\;3\+4\"5\<6\>7\\8,DC=x`, `CN=\#1\=2\;3\+4\"5\<6\>7\\8,DC=x`, `#1=2;3+4"5<6>7\8`, "DC=x"},
		{`CN=J\C3\BCrgen,DC=x`, `CN=Jürgen,DC=x`, "Jürgen", "DC=x"},
		{"CN=a/b,DC=x", "CN=a/b,DC=x", "a/b", "DC=x"},
		{"OID.2.5.4.3=a,DC=x", "OID.2.5.4.3=a,DC=x", "a", "DC=x"},
	} {
		d, err := ParseDN(c.in)
		if err != nil {
			t.Errorf("ParseDN(%q): %v", c.in, err)
			continue
		}
		if d.String() != c.out || d.Name() != c.name || d.Parent().String() != c.parent {
			t.Errorf("ParseDN(%q): got %q, name %q, parent %q; want %q, %q, %q", c.in, d.String(), d.Name(), d.Parent(), c.out, c.name, c.parent)
		}
	}
}

func TestParseDNRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Anna", "CN=", "CN=a,", ",CN=a", "CN=a,,DC=x", `CN=a\`, `CN=a\x`, "CN=a+OU=b", `CN="a`, `CN="a"b,DC=x`,
		"CN=#0401", "CN=\xff", `CN=\FF`, "=a", "CN=a<b"} {
		if d, err := ParseDN(in); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("ParseDN(%q): got %q, %v; want an error of kind invalid", in, d, err)
		}
	}
}

func mustDN(t testing.TB, s string) DN {
	t.Helper()
	d, err := ParseDN(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDNParts(t *testing.T) {
	t.Parallel()
	d := mustDN(t, "CN=Anna,OU=A,OU=B,DC=contoso,DC=lab")
	if got := d.Component("ou", 1); got != "B" {
		t.Errorf("Component(ou, 1) = %q, want B", got)
	}
	if got := d.Component("OU", 2); got != "" {
		t.Errorf("Component(OU, 2) = %q, want none", got)
	}
	if got := d.DNS(); got != "contoso.lab" {
		t.Errorf("DNS() = %q, want contoso.lab", got)
	}
	if !d.Equal(mustDN(t, "cn=anna, ou=a, ou=b, dc=CONTOSO, dc=lab")) {
		t.Error("DNs that differ in case and blanks only are not equal")
	}
	if !d.Under(mustDN(t, "ou=b,dc=contoso,dc=lab")) || d.Under(mustDN(t, "OU=C,DC=contoso,DC=lab")) || !d.Under(nil) {
		t.Error("Under is wrong")
	}
	if got := d.Parent().Child("CN", "x,y").String(); got != `CN=x\,y,OU=A,OU=B,DC=contoso,DC=lab` {
		t.Errorf("Child: %q", got)
	}
	name, guid, ok := mustDN(t, `CN=A\0ADEL:717AD15F-82b7-46c3-8fbb-0cb151ba31d1,DC=x`).Deleted()
	if name != "A" || guid != "717ad15f-82b7-46c3-8fbb-0cb151ba31d1" || !ok {
		t.Errorf("Deleted: %q %q %v", name, guid, ok)
	}
	if _, _, ok := mustDN(t, `CN=A\0ACNF:717ad15f-82b7-46c3-8fbb-0cb151ba31d1,DC=x`).Conflict(); !ok {
		t.Error("Conflict: not seen")
	}
	if _, _, ok := d.Deleted(); ok {
		t.Error("Deleted: seen where it is not")
	}
	for in, want := range map[string]string{"CN=a,DC=x": "DC=x", `CN=a\,b,DC=x`: "DC=x", `CN="a,b",DC=x`: "DC=x", "DC=x": "", "": ""} {
		if got := parentText(in); got != want {
			t.Errorf("parentText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDNRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d DN
		for range rapid.IntRange(0, 5).Draw(t, "components") {
			d = append(d, RDN{Type: rapid.SampledFrom([]string{"CN", "OU", "DC"}).Draw(t, "type"), Value: rapid.StringN(1, 20, -1).Draw(t, "value")})
		}
		back, err := ParseDN(d.String())
		if err != nil {
			t.Fatalf("ParseDN(%q): %v", d.String(), err)
		}
		if !back.Equal(d) || back.String() != d.String() {
			t.Fatalf("got %q, want %q", back, d)
		}
		if got, want := parentText(d.String()), d.Parent().String(); got != want {
			t.Fatalf("parentText(%q) = %q, want %q", d, got, want)
		}
	})
}

func FuzzParseDN(f *testing.F) {
	for _, s := range []string{"CN=a,DC=x", `CN=A\0ADEL:717ad15f-82b7-46c3-8fbb-0cb151ba31d1,DC=x`, `cn="a,b";DC=x`, `CN=\#a\ ,DC=x`, "CN=a+b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDN(s)
		if err != nil {
			return
		}
		back, err := ParseDN(d.String())
		if err != nil || !back.Equal(d) {
			t.Fatalf("%q became %q, which gives %q, %v", s, d.String(), back, err)
		}
	})
}

func TestGUID(t *testing.T) {
	t.Parallel()
	// Bytes and text as a domain controller shows them.
	b := []byte{0x5f, 0xd1, 0x7a, 0x71, 0xb7, 0x82, 0xc3, 0x46, 0x8f, 0xbb, 0x0c, 0xb1, 0x51, 0xba, 0x31, 0xd1}
	const text = "717ad15f-82b7-46c3-8fbb-0cb151ba31d1"
	g, ok := GUIDOf(b)
	if !ok || g.String() != text || g.Anchor() != text {
		t.Fatalf("got %q, want %q", g, text)
	}
	for _, s := range []string{text, "{717AD15F-82B7-46C3-8FBB-0CB151BA31D1}"} {
		if back, err := ParseGUID(s); err != nil || back != g {
			t.Errorf("ParseGUID(%q) = %q, %v", s, back, err)
		}
	}
	for _, s := range []string{"", "717ad15f82b746c38fbb0cb151ba31d1", text + "0", "717ad15f-82b7-46c3-8fbb-0cb151ba31dx", "717ad15f-82b7-46c3-8fbb0-cb151ba31d1", "00000000-0000-0000-0000-0000-0000000"} {
		if _, err := ParseGUID(s); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("ParseGUID(%q): %v, want an error of kind invalid", s, err)
		}
	}
	if _, ok := GUIDOf(b[:15]); ok {
		t.Error("GUIDOf takes 15 bytes")
	}
	if got := (GUID{}).Anchor(); got != "" {
		t.Errorf("anchor of the zero GUID: %q", got)
	}
	if got, want := g.filter(), `\5f\d1\7a\71\b7\82\c3\46\8f\bb\0c\b1\51\ba\31\d1`; got != want {
		t.Errorf("filter: %s, want %s", got, want)
	}
}

func FuzzParseGUID(f *testing.F) {
	f.Add("717ad15f-82b7-46c3-8fbb-0cb151ba31d1")
	f.Add("{717ad15f-82b7-46c3-8fbb-0cb151ba31d1}")
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGUID(s)
		if err != nil {
			return
		}
		if back, err := ParseGUID(g.String()); err != nil || back != g {
			t.Fatalf("%q gives %q, %v", s, back, err)
		}
	})
}

func TestSID(t *testing.T) {
	t.Parallel()
	for text, b := range map[string][]byte{
		"S-1-5-18": {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0},
		"S-1-5-21-1004336348-1177238915-682003330-512": {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xdc, 0xf4, 0xdc, 0x3b, 0x83, 0x3d, 0x2b, 0x46,
			0x82, 0x8b, 0xa6, 0x28, 0x00, 0x02, 0x00, 0x00},
		"S-1-0":              {1, 0, 0, 0, 0, 0, 0, 0},
		"S-1-0x100000000000": {1, 0, 0x10, 0, 0, 0, 0, 0},
	} {
		if got, err := SIDText(b); err != nil || got != text {
			t.Errorf("SIDText(%x) = %q, %v; want %q", b, got, err, text)
		}
		if got, err := ParseSID(text); err != nil || !bytes.Equal(got, b) {
			t.Errorf("ParseSID(%q) = %x, %v; want %x", text, got, err, b)
		}
	}
	for _, s := range []string{"", "S-1", "S-2-5-18", "X-1-5-18", "S-1-5-x", "S-1-5-4294967296", "S-1-281474976710656", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"} {
		if _, err := ParseSID(s); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("ParseSID(%q): %v, want an error of kind invalid", s, err)
		}
	}
	for _, b := range [][]byte{nil, {1}, {1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}, {2, 0, 0, 0, 0, 0, 0, 0}, append([]byte{1, 16, 0, 0, 0, 0, 0, 5}, make([]byte, 64)...)} {
		if s, err := SIDText(b); err == nil {
			t.Errorf("SIDText(%x) = %q, want an error", b, s)
		}
	}
}

func FuzzSID(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := SIDText(b)
		if err != nil {
			return
		}
		if back, err := ParseSID(s); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x is %q, which gives %x, %v", b, s, back, err)
		}
	})
}

func FuzzParseSID(f *testing.F) {
	f.Add("S-1-5-21-1-2-3-500")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseSID(s)
		if err != nil {
			return
		}
		if _, err := SIDText(b); err != nil {
			t.Fatalf("%q gives %x, which is no SID: %v", s, b, err)
		}
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 20, 21, 35, 39, 0, time.UTC)
	for _, s := range []string{"20261120213539.0Z", "20261120213539Z", "20261120233539+0200", "261120213539Z", "20261120213539.000Z"} {
		if got, err := ParseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	if got := FormatTime(want); got != "20261120213539.0Z" {
		t.Errorf("FormatTime: %q", got)
	}
	for _, s := range []string{"", "2026", "20261320213539.0Z", "now"} {
		if _, err := ParseTime(s); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("ParseTime(%q): %v, want an error of kind invalid", s, err)
		}
	}
	got, ok := FileTime(134396841396209540)
	if at := time.Date(2026, 11, 20, 21, 35, 39, 620954000, time.UTC); !ok || !got.Equal(at) {
		t.Errorf("FileTime: %v, want %v", got, at)
	}
	if n, err := ToFileTime(got); err != nil || n != 134396841396209540 {
		t.Errorf("ToFileTime: %d, %v", n, err)
	}
	if n, err := ToFileTime(time.Date(1969, 12, 31, 23, 59, 59, 999999900, time.UTC)); err != nil || n != epochTicks-1 {
		t.Errorf("ToFileTime: %d, %v; want %d", n, err, epochTicks-1)
	}
	for _, n := range []int64{0, -1, math.MaxInt64} {
		if at, ok := FileTime(n); ok {
			t.Errorf("FileTime(%d) = %v, want none", n, at)
		}
	}
	for _, at := range []time.Time{time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(60000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if n, err := ToFileTime(at); err == nil {
			t.Errorf("ToFileTime(%v) = %d, want an error", at, n)
		}
	}
}
