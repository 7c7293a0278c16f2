package samba

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// dialTimeout bounds a dial and each request: a frozen controller answers nothing, and says nothing.
const dialTimeout = 10 * time.Second

// Connect opens a connection over TLS as the administrator. The caller closes it.
func (d *DC) Connect(ctx context.Context) (*ldap.Conn, error) { return d.ConnectAs(ctx, d.Admin()) }

// ConnectAs opens a connection over TLS with a simple bind. The caller closes it.
func (d *DC) ConnectAs(ctx context.Context, a Account) (*ldap.Conn, error) {
	c, err := d.dial(ctx, d.URL(), dialTimeout)
	if err != nil {
		return nil, err
	}
	if err := c.Bind(a.UPN, a.Password); err != nil {
		return nil, errors.Join(fmt.Errorf("bind to %s as %s: %w", d.URL(), a.UPN, err), c.Close())
	}
	return c, nil
}

func (d *DC) dial(ctx context.Context, url string, timeout time.Duration) (*ldap.Conn, error) {
	dialer := &net.Dialer{Timeout: timeout}
	if end, ok := ctx.Deadline(); ok {
		dialer.Deadline = end
	}
	c, err := ldap.DialURL(url, ldap.DialWithDialer(dialer),
		ldap.DialWithTLSConfig(&tls.Config{RootCAs: d.pool, ServerName: d.o.IP, MinVersion: tls.VersionTLS12}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	c.SetTimeout(max(timeout, time.Minute))
	return c, nil
}

// ready tells what does not answer yet.
func (d *DC) ready(ctx context.Context) error {
	for _, url := range []string{d.StartTLS(), d.URL()} {
		c, err := d.dial(ctx, url, time.Second)
		if err != nil {
			return err
		}
		c.SetTimeout(2 * time.Second)
		_, err = c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)",
			[]string{"defaultNamingContext"}, nil))
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
	kdc, err := net.DialTimeout("tcp", net.JoinHostPort(d.o.IP, "88"), time.Second)
	if err != nil {
		return err
	}
	return kdc.Close()
}

// Do runs f with a connection as the administrator.
func (d *DC) Do(ctx context.Context, f func(*ldap.Conn) error) error {
	c, err := d.Connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close())
}

// Add adds an object over LDAP.
func (d *DC) Add(ctx context.Context, o Object) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		r := ldap.NewAddRequest(o.DN, nil)
		for _, name := range names(o.Attrs) {
			r.Attribute(name, o.Attrs[name])
		}
		if err := c.Add(r); err != nil {
			return fmt.Errorf("add %s: %w", o.DN, err)
		}
		return nil
	})
}

// Replace sets attributes over LDAP; one without values is removed.
func (d *DC) Replace(ctx context.Context, dn string, attrs map[string][]string) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		r := ldap.NewModifyRequest(dn, nil)
		for _, name := range names(attrs) {
			r.Replace(name, attrs[name])
		}
		if err := c.Modify(r); err != nil {
			return fmt.Errorf("modify %s: %w", dn, err)
		}
		return nil
	})
}

// Link adds and removes values of a linked attribute over LDAP.
func (d *DC) Link(ctx context.Context, dn, attr string, add, remove []string) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		r := ldap.NewModifyRequest(dn, nil)
		if len(add) > 0 {
			r.Add(attr, add)
		}
		if len(remove) > 0 {
			r.Delete(attr, remove)
		}
		if err := c.Modify(r); err != nil {
			return fmt.Errorf("modify %s of %s: %w", attr, dn, err)
		}
		return nil
	})
}

// Move renames an object and, with a parent that is not "", moves it.
func (d *DC) Move(ctx context.Context, dn, rdn, parent string) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		if err := c.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, parent)); err != nil {
			return fmt.Errorf("move %s: %w", dn, err)
		}
		return nil
	})
}

// Delete deletes an object over LDAP.
func (d *DC) Delete(ctx context.Context, dn string) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		if err := c.Del(ldap.NewDelRequest(dn, nil)); err != nil {
			return fmt.Errorf("delete %s: %w", dn, err)
		}
		return nil
	})
}

// Undelete brings a deleted object back under dn, found by its objectGUID in dashed form, and gives it attributes in the
// same write, any but userAccountControl: Samba keeps that, and little else than GUID, SID and names.
func (d *DC) Undelete(ctx context.Context, guid, dn string, attrs map[string][]string) error {
	return d.Do(ctx, func(c *ldap.Conn) error {
		deleted := []ldap.Control{ldap.NewControlString("1.2.840.113556.1.4.417", true, "")}
		found, err := c.Search(ldap.NewSearchRequest("<GUID="+guid+">", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
			"(isDeleted=TRUE)", []string{"name"}, deleted))
		if err != nil {
			return fmt.Errorf("find the deleted object %s: %w", guid, err)
		}
		if len(found.Entries) != 1 {
			return fmt.Errorf("there is no deleted object %s", guid)
		}
		r := ldap.NewModifyRequest(found.Entries[0].DN, deleted) // Samba does not take the GUID here
		r.Delete("isDeleted", nil)
		r.Replace("distinguishedName", []string{dn})
		for _, name := range names(attrs) {
			r.Replace(name, attrs[name])
		}
		if err = c.Modify(r); err != nil {
			return fmt.Errorf("undelete %s as %s: %w", guid, dn, err)
		}
		return nil
	})
}

// Get reads one object; none is nil. Without attributes it reads all.
func (d *DC) Get(ctx context.Context, dn string, attrs ...string) (*ldap.Entry, error) {
	var found *ldap.Entry
	err := d.Do(ctx, func(c *ldap.Conn) error {
		r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
			"(objectClass=*)", attrs, nil))
		switch {
		case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", dn, err)
		}
		found = r.Entries[0]
		return nil
	})
	return found, err
}

// GUID is the objectGUID of an object in dashed form.
func (d *DC) GUID(ctx context.Context, dn string) (string, error) {
	e, err := d.Get(ctx, dn, "objectGUID")
	if err != nil {
		return "", err
	}
	if e == nil {
		return "", fmt.Errorf("there is no %s", dn)
	}
	return DashedGUID(e.GetRawAttributeValue("objectGUID"))
}

// DashedGUID is the text that AD shows for the 16 bytes of an objectGUID.
func DashedGUID(b []byte) (string, error) {
	if len(b) != 16 {
		return "", fmt.Errorf("an objectGUID has 16 bytes, not %d", len(b))
	}
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:]), nil
}

// AddUser adds a person who may sign in, below the container (a DN; "" is CN=Users), over LDAP. attrs come on top.
func (d *DC) AddUser(ctx context.Context, container, name, password string, attrs map[string][]string) (Account, error) {
	if container == "" {
		container = "CN=Users," + d.Base()
	}
	a := Account{Name: name, UPN: name + "@" + d.o.Domain, DN: "CN=" + ldap.EscapeDN(name) + "," + container, Password: password}
	all := map[string][]string{"objectClass": {"user"}, "sAMAccountName": {name}, "userPrincipalName": {a.UPN},
		"userAccountControl": {"512"}, "unicodePwd": {encodePassword(password)}}
	for n, v := range attrs {
		all[n] = v
	}
	if v := all["userPrincipalName"]; len(v) == 1 {
		a.UPN = v[0]
	}
	return a, d.Add(ctx, Object{DN: a.DN, Attrs: all})
}

// SetPassword gives somebody a new password.
func (d *DC) SetPassword(ctx context.Context, dn, password string) error {
	return d.Replace(ctx, dn, map[string][]string{"unicodePwd": {encodePassword(password)}})
}

// encodePassword makes the value of unicodePwd: in quotes, UTF-16, little-endian.
func encodePassword(p string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(`"` + p + `"`)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}
