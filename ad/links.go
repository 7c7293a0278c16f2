package ad

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// links writes the links of an export, in parts. Links that the directory does not take are named in the result, and
// the others are written.
func (x *writer) links(ctx context.Context, target string, e *canopy.Export, r *canopy.Result) error {
	for _, n := range linkNames(e) {
		l := e.Links[n]
		added, removed := l.Added, l.Removed
		if l.Whole {
			if e.Op != canopy.Add && len(added) <= maxLinksWritten {
				continue // it is written with the attributes
			}
			if e.Op != canopy.Add {
				if err := x.clear(target, n); err != nil {
					return err
				}
			}
			removed = nil
		}
		for _, part := range []struct {
			refs []canopy.Ref
			add  bool
		}{{removed, false}, {added, true}} {
			for from := 0; from < len(part.refs); from += maxLinksWritten {
				some := part.refs[from:min(from+maxLinksWritten, len(part.refs))]
				if err := x.some(ctx, target, n, some, part.add, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *writer) clear(target string, n canopy.Attr) error {
	q := ldap.NewModifyRequest(target, nil)
	q.Replace(string(n), nil)
	return x.s.ldap.Modify(q)
}

// some adds or removes some links. When the directory refuses them together each half is tried by itself, down to those
// that it will not have.
func (x *writer) some(ctx context.Context, target string, n canopy.Attr, refs []canopy.Ref, add bool, r *canopy.Result) error {
	dns, err := refDNs(refs)
	if err != nil {
		return err
	}
	// With this control adding what is there and removing what is not is no error.
	q := ldap.NewModifyRequest(target, nil)
	if x.s.supports(oidPermissive) {
		q.Controls = []ldap.Control{ldap.NewControlString(oidPermissive, true, "")}
	}
	if add {
		q.Add(string(n), dns)
	} else {
		q.Delete(string(n), dns)
	}
	err = x.s.ldap.Modify(q)
	if err == nil || ctx.Err() != nil || !ofValues(err) {
		return err
	}
	if len(refs) > 1 {
		half := len(refs) / 2
		if err := x.some(ctx, target, n, refs[:half], add, r); err != nil {
			return err
		}
		return x.some(ctx, target, n, refs[half:], add, r)
	}
	if add && hasCode(err, ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultEntryAlreadyExists) || !add && hasCode(err, ldap.LDAPResultNoSuchAttribute) {
		return nil
	}
	if hasCode(err, ldap.LDAPResultNoSuchObject) {
		// The object itself, or the one that the link names?
		if _, gone := x.s.nowDN(ctx, target); gone != nil {
			return gone
		}
		if !add {
			return nil // a link to what is not there is not there
		}
	}
	if !add && hasCode(err, ldap.LDAPResultUnwillingToPerform) {
		if there, look := x.linked(ctx, target, n, dns[0]); look != nil || !there {
			return look // Samba will not remove what is not there
		}
	}
	_, code, text := verdict(err)
	r.Failed = append(r.Failed, canopy.FailedLink{Attr: n, Ref: refs[0], Code: code, Text: text})
	return nil
}

// linked tells whether an object has a link.
func (x *writer) linked(ctx context.Context, target string, n canopy.Attr, dn string) (bool, error) {
	there := false
	q := query{base: target, filter: "(" + string(n) + "=" + escapeFilter(dn) + ")", attrs: []string{string(attrGUID)}}
	err := x.s.one(ctx, q, func(*entry) error {
		there = true
		return nil
	})
	return there, err
}

// ofValues tells whether an error may be about single values, so that the others can be written without them.
func ofValues(err error) bool {
	return hasCode(err, ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultEntryAlreadyExists, ldap.LDAPResultNoSuchAttribute,
		ldap.LDAPResultNoSuchObject, ldap.LDAPResultConstraintViolation, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultInvalidAttributeSyntax,
		ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultOther)
}
