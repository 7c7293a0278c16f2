package ad

import (
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/client"

	"github.com/canopy-sync/canopy/e2e/samba"
)

// TestBindingOf: the checksum was worked out apart from this code: MD5 of five empty words, the length, and the prefixed hash.
func TestBindingOf(t *testing.T) {
	t.Parallel()
	cert, err := hex.DecodeString("e3ca49271e5089cc48ce82109f1324f41dbeddc29a777410c738f7868c4ff405")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(bindingOf(cert)), "6ea19df066da4622051f9c4f92c6df74"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestChannelBindingHash: the hash is that of the certificate's signature, never a weak one.
func TestChannelBindingHash(t *testing.T) {
	t.Parallel()
	raw := []byte("a certificate")
	of := func(a x509.SignatureAlgorithm) string {
		return hex.EncodeToString(channelBinding(&x509.Certificate{Raw: raw, SignatureAlgorithm: a}))
	}
	for a, want := range map[x509.SignatureAlgorithm]string{
		x509.SHA1WithRSA:      of(x509.SHA256WithRSA),
		x509.ECDSAWithSHA256:  of(x509.SHA256WithRSA),
		x509.ECDSAWithSHA384:  of(x509.SHA384WithRSAPSS),
		x509.SHA512WithRSAPSS: of(x509.SHA512WithRSA),
		x509.PureEd25519:      "",
	} {
		if got := of(a); got != want {
			t.Errorf("%v: got %s, want %s", a, got, want)
		}
	}
	if of(x509.SHA256WithRSA) == of(x509.SHA384WithRSA) || of(x509.SHA384WithRSA) == of(x509.SHA512WithRSA) {
		t.Error("different hashes give the same binding")
	}
	if got := channelBinding(nil); got != nil {
		t.Errorf("in clear text: got %x", got)
	}
}

// TestChannelBinding: another Kerberos, in the place of a controller that demands the binding, takes the token that goes
// out for this connection, and refuses one that was made for another.
func TestChannelBinding(t *testing.T) {
	t.Parallel()
	s := needServer(t, "samba", theSamba)
	dir := t.TempDir()
	keytab, der, token := filepath.Join(dir, "dc.keytab"), filepath.Join(dir, "cert.der"), filepath.Join(dir, "token")
	if err := s.dc.Keytab(t.Context(), samba.Account{Name: "DC1$"}, keytab); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{s.url, s.plainURL} {
		c := s.open(t)
		x, err := c.connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = x.close() })
		if err := x.readRoot(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(der, x.cert.Raw, 0o600); err != nil {
			t.Fatal(err)
		}
		realm := strings.ToUpper(testDomain)
		cfg, err := c.krb5Config(realm, x.host)
		if err != nil {
			t.Fatal(err)
		}
		k := client.NewWithPassword("Administrator", realm, testPassword, cfg, client.DisablePAFXFAST(true))
		t.Cleanup(k.Destroy)
		right := channelBinding(x.cert)
		for _, b := range []struct {
			binding []byte
			want    string
		}{{right, "bound"}, {bindingOf([]byte("another")), "bad bindings"}, {nil, "not bound"}} {
			g := &gssClient{Client: gssapi.Client{Client: k}, binding: b.binding}
			first, _, err := g.InitSecContext("ldap/"+x.root.dnsName, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(token, first, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/accept.py", keytab, der, token).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != b.want {
				t.Errorf("%s with binding %x: got %q, %v, want %q", url, b.binding, got, err, b.want)
			}
		}
	}
}
