package ad

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/canopy-sync/canopy"
)

// bindKerberos binds with a ticket that is tied to the TLS connection, so that no further layer is asked for.
func (c *Conn) bindKerberos(ctx context.Context, s *session) error {
	b := &c.cfg.Bind
	// The ticket is for the controller's own name, which its address need not be.
	if err := s.readRoot(ctx); err != nil {
		return err
	}
	user, realm, _ := strings.Cut(b.Account, "@")
	if realm == "" {
		realm = s.root.base.DNS()
	}
	realm = strings.ToUpper(realm)
	cfg, err := c.krb5Config(realm, s.host)
	if err != nil {
		return err
	}
	var k *client.Client
	if b.Keytab != "" {
		keys, err := keytab.Load(b.Keytab)
		if err != nil {
			return invalid(b.Keytab, "the keytab cannot be read: "+err.Error(), "check the file's name and rights")
		}
		k = client.NewWithKeytab(user, realm, keys, cfg, client.DisablePAFXFAST(true))
	} else {
		k = client.NewWithPassword(user, realm, b.Password, cfg, client.DisablePAFXFAST(true))
	}
	defer k.Destroy()
	g := &gssClient{Client: gssapi.Client{Client: k}, binding: channelBinding(s.cert)}
	err = s.ldap.GSSAPIBind(g, "ldap/"+s.root.dnsName, "")
	var l *ldap.Error
	if err == nil || errors.As(err, &l) {
		return bindFault(err, s.server, b.Account)
	}
	return kerberosFault(err, b.Account, realm, s.server)
}

// krb5Config reads the configured file or makes one that names a single key distribution centre. When only the named
// servers may be used, nothing is looked up.
func (c *Conn) krb5Config(realm, host string) (*config.Config, error) {
	b := &c.cfg.Bind
	if b.Krb5Conf != "" {
		text, err := os.ReadFile(b.Krb5Conf)
		if err != nil {
			return nil, invalid(b.Krb5Conf, "the Kerberos configuration cannot be read: "+err.Error(), "check the file's name and rights")
		}
		cfg, err := config.NewFromString(string(text))
		if err != nil {
			return nil, invalid(b.Krb5Conf, "the Kerberos configuration is wrong: "+err.Error(), "correct it")
		}
		if c.cfg.Strict {
			cfg.LibDefaults.DNSLookupKDC, cfg.LibDefaults.DNSLookupRealm = false, false
		}
		return cfg, nil
	}
	kdc := b.KDC
	if kdc == "" {
		kdc = host
	}
	if _, _, err := net.SplitHostPort(kdc); err != nil {
		kdc = net.JoinHostPort(kdc, "88")
	}
	return config.NewFromString(fmt.Sprintf(`[libdefaults]
 default_realm = %s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 udp_preference_limit = 1
[realms]
 %s = {
  kdc = %s
 }
`, realm, realm, kdc))
}

// kerberosFaults say what the key distribution centre's errors mean; first match wins. The library has them as text only.
var kerberosFaults = []struct {
	has        string
	kind       canopy.ErrorKind
	code       string
	text, next string
}{
	{"KDC_ERR_PREAUTH_FAILED", canopy.Credentials, "KRB24", "the password or the keytab is wrong", "check the account's password, or export its keytab again"},
	{"KDC_ERR_C_PRINCIPAL_UNKNOWN", canopy.Credentials, "KRB6", "there is no such account in the realm", "check the account's name and realm"},
	{"KDC_ERR_S_PRINCIPAL_UNKNOWN", canopy.Credentials, "KRB7", "the realm has no ticket for this controller", "check that the controller has the service principal name ldap/<its DNS name>"},
	{"KDC_ERR_CLIENT_REVOKED", canopy.Credentials, "KRB18", "the account is disabled, locked or expired", "mend it in the directory, or name another account"},
	{"KDC_ERR_KEY_EXPIRED", canopy.Credentials, "KRB23", "the account's password has expired", "set a new one in the directory and in the configuration"},
	{"KRB_AP_ERR_SKEW", canopy.Credentials, "KRB37", "this machine's clock is too far from the controller's", "set the clock"},
	{"KDC_ERR_ETYPE_NOSUPP", canopy.Credentials, "KRB14", "the account has no key of a kind that both sides know", "allow AES for the account, and set its password anew"},
	{"keytab", canopy.Credentials, "ad-keytab", "the keytab has no key for this account", "export the account's keys again, with the realm in capitals"},
	{"Networking_Error", canopy.Unreachable, "ad-kdc", "the key distribution centre does not answer", "check kdc, and port 88 of the controller"},
}

func kerberosFault(err error, account, realm, server string) error {
	e := &canopy.Error{Kind: canopy.Credentials, Code: "ad-kerberos", Object: account, Other: "realm " + realm + ", " + server, Err: err,
		Text: "the Kerberos bind did not come about", Next: "check the account, the realm and the key distribution centre"}
	text := err.Error()
	for _, f := range kerberosFaults {
		if strings.Contains(text, f.has) {
			e.Kind, e.Code, e.Text, e.Next = f.kind, f.code, f.text, f.next
			break
		}
	}
	return e
}
