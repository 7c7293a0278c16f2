package tenant

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func sampleBody() body {
	b := newBody()
	b.attrs = attrs("title", "x", "otherTelephone", "1", "otherTelephone", "")
	b.attrs["n"] = canopy.Values{canopy.Int(-5), canopy.Int(1 << 62)}
	b.attrs["b"] = canopy.Values{canopy.Bool(true), canopy.Bool(false)}
	b.attrs["t"] = canopy.Values{canopy.Instant(time.Date(1601, 1, 1, 0, 0, 0, 1000, time.UTC))}
	b.attrs["o"] = canopy.Values{canopy.Bytes([]byte{0, 0xff}), canopy.Bytes(nil)}
	b.cleared["city"] = 77
	return b
}

func TestBody(t *testing.T) {
	t.Parallel()
	want := sampleBody()
	got, err := decodeBody(want.encode())
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "attributes", got.attrs, want.attrs)
	diff(t, "cleared", got.cleared, want.cleared)
	if _, err := decodeBody([]byte{99}); canopy.KindOf(err) != canopy.Newer {
		t.Errorf("another form: got %v, want an error of kind newer", err)
	}
	whole := want.encode()
	for n := 1; n < len(whole); n++ {
		if _, err := decodeBody(whole[:n]); err == nil {
			t.Errorf("cut off after %d of %d octets: no error", n, len(whole))
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add(sampleBody().encode())
	f.Add([]byte{form, 1, 1, 'a', 1, 0, 200})
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := decodeBody(in)
		if err != nil {
			return
		}
		again, err := decodeBody(b.encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b.attrs, again.attrs, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })); d != "" {
			t.Error(d)
		}
	})
}

// FuzzValues: nothing that is written makes the checks or the computation fail, and what they let through is found again.
func FuzzValues(f *testing.F) {
	f.Add("anna@contoso.com", "SMTP:anna@contoso.com", "QQ==")
	f.Add("@", ":", "\xff")
	f.Add("a@b@c", "smtp:", "a b")
	f.Fuzz(func(t *testing.T, upn, address, anchor string) {
		set := attrs("userPrincipalName", upn, "proxyAddresses", address)
		for name, v := range set {
			_ = checkValues(canopy.User, name, v, true)
		}
		_ = validAnchor(anchor)
		cloud := compute(calculation{class: canopy.User, id: "id1", anchor: anchor, synced: true, now: set, initial: initial,
			verified: func(string) bool { return false }, taken: func(string) bool { return false }})
		if got := cloud.Text(cloudUPN); !validUPN(got) {
			t.Errorf("computed the sign-in name %q", got)
		}
		for _, v := range cloud[cloudProxies] {
			if !wellFormed(v.Str()) {
				t.Errorf("computed the address %q", v.Str())
			}
		}
		claimsOf(canopy.User, set, cloud)
	})
}
