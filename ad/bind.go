package ad

import (
	"context"
	"errors"
	"fmt"
	"net"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// check tells what is wrong with a bind.
func (b *Bind) check() error {
	switch {
	case b.Method != "" && b.Method != "simple" && b.Method != "kerberos":
		return invalid("bind", fmt.Sprintf("method %q is not known", b.Method), "write simple or kerberos")
	case b.Account == "":
		return invalid("bind", "no account is named", "name the account that reads the directory, such as sync@contoso.com")
	}
	return nil
}

// bind makes the controller know who is speaking.
func (c *Conn) bind(ctx context.Context, s *session) error {
	stop := context.AfterFunc(ctx, func() { s.wire.fail(context.Cause(ctx)) })
	defer stop()
	// An empty password would make an anonymous bind, which succeeds and then sees nothing.
	if b := &c.cfg.Bind; b.Password == "" && (b.Method != "kerberos" || b.Keytab == "") {
		return &canopy.Error{Kind: canopy.Credentials, Code: "ad-no-password", Object: b.Account, Other: s.server, Text: "there is no password for the account",
			Next: "give one in the configuration; a keytab needs method kerberos"}
	}
	if c.cfg.Bind.Method == "kerberos" {
		return c.bindKerberos(ctx, s)
	}
	return bindFault(s.ldap.Bind(c.cfg.Bind.Account, c.cfg.Bind.Password), s.server, c.cfg.Bind.Account)
}

// startTLS asks for TLS on a connection in clear text. It reads no byte more than the answer.
func startTLS(raw net.Conn) error {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""))
	r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "")
	r.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "1.3.6.1.4.1.1466.20037", ""))
	m.AppendChild(r)
	if _, err := raw.Write(m.Bytes()); err != nil {
		return err
	}
	p, err := ber.ReadPacket(raw)
	if err != nil {
		return err
	}
	err = ldap.GetLDAPError(p)
	var l *ldap.Error
	if errors.As(err, &l) {
		return fmt.Errorf("the controller refuses it with code %d: %w", l.ResultCode, err)
	}
	return err
}
