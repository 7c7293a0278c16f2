package forest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
)

// bind answers a bind request. Only simple binds are known.
func (c *conn) bind(m *message) {
	c.who = nil
	if len(m.op.Children) != 3 {
		c.answer(m, refuse(protocolError, "00000057: LdapErr: comment: Error decoding ldap message: not a bind request"))
		return
	}
	name, how := octetsOf(m.op.Children[1]), m.op.Children[2]
	if how.ClassType != ber.ClassContext || how.Tag != 0 {
		c.answer(m, refuse(authMethodNotSupported, "00002027: LdapErr: comment: only simple binds are supported"))
		return
	}
	password := octetsOf(how)
	switch {
	case password == "": // anonymous, whatever the name
		c.answer(m, nil)
		return
	case !c.tls && !c.server.opt.Behave.PlainBind:
		c.answer(m, refuse(strongerAuthRequired, "00002028: LdapErr: DSID-0C090257, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection, data 0, v4563"))
		return
	}
	c.who, name = c.authenticate(name, password)
	if c.who == nil {
		c.answer(m, &refusal{code: invalidCredentials, text: name})
		return
	}
	c.answer(m, nil)
}

// authenticate gives the account, or nil and the text of the refusal.
func (c *conn) authenticate(name, password string) (*object, string) {
	d := c.server.dir
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.account(name)
	if o == nil {
		return nil, wrongCredentials("52e").text
	}
	if r := d.logon(o, password); r != nil {
		return nil, r.text
	}
	d.loggedOn(o)
	return o, ""
}
