package ad

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// Undelete brings a deleted object back under a DN and gives it attributes in the same step: a directory without recycle
// bin has kept little else than its objectGUID, objectSid and sAMAccountName. An object that is not there, or not
// deleted, is an error of kind NotFound.
func (c *Conn) Undelete(ctx context.Context, anchor canopy.Anchor, dn string, attrs canopy.Attrs) error {
	err := c.mayWrite()
	if err == nil {
		err = c.with(ctx, func(s *session) error { return c.undelete(ctx, s, anchor, dn, attrs) })
	}
	return wrap(err, "undelete an object in", c.cfg.Name)
}

func (c *Conn) undelete(ctx context.Context, s *session, anchor canopy.Anchor, dn string, attrs canopy.Attrs) error {
	f, err := c.factsOf(ctx, s, nil)
	if err != nil {
		return err
	}
	d, err := ParseDN(dn)
	if err != nil {
		return err
	}
	now, err := s.deletedDN(ctx, anchor)
	if err != nil {
		return err
	}
	q := ldap.NewModifyRequest(now, []ldap.Control{showDeleted()})
	q.Delete("isDeleted", nil)
	q.Replace(string(attrDN), []string{d.String()})
	for _, n := range attrs.Names() {
		vs, err := f.encode(n, attrs[n])
		if err != nil {
			return err
		}
		q.Replace(string(n), vs)
	}
	return fault(s.ldap.Modify(q), s.server, now)
}

// deletedDN finds the DN that a deleted object has: Samba does not bring one back that is named by its objectGUID.
func (s *session) deletedDN(ctx context.Context, anchor canopy.Anchor) (string, error) {
	if _, err := anchorGUID(anchor); err != nil {
		return "", err
	}
	now := ""
	q := query{base: byGUID(anchor), filter: "(isDeleted=TRUE)", attrs: []string{string(attrGUID)}, controls: []ldap.Control{showDeleted()}}
	err := s.one(ctx, q, func(e *entry) error {
		now = e.dn
		return nil
	})
	if err != nil && !hasCode(err, ldap.LDAPResultNoSuchObject) {
		return "", fault(err, s.server, string(anchor))
	}
	if now == "" {
		return "", &canopy.Error{Kind: canopy.NotFound, Code: "ad-not-deleted", Object: string(anchor), Other: s.server,
			Text: "there is no such deleted object, or the account may not see it", Next: "deleted objects are kept for 180 days; the account needs rights on CN=Deleted Objects"}
	}
	return now, nil
}
