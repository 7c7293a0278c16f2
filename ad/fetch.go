package ad

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// fetchSize is how many objects are asked for at once.
const fetchSize = 50

// fetch reads objects whole. Those that are not there, or not of the classes wanted, are left out.
func (r *reader) fetch(ctx context.Context, guids []GUID) (map[GUID]*object, error) {
	if len(guids) == 0 {
		return nil, nil
	}
	s, err := r.asker(ctx)
	if err != nil {
		return nil, err
	}
	return s.fetch(ctx, r.w, guids)
}

func (s *session) fetch(ctx context.Context, w *wants, guids []GUID) (map[GUID]*object, error) {
	found := make(map[GUID]*object, len(guids))
	for some := range slices.Chunk(guids, fetchSize) {
		for _, b := range w.facts.bases {
			q := query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: anyOf(some), attrs: w.ask, controls: []ldap.Control{extendedDN()}}
			_, err := s.search(ctx, q, func(e *entry) error {
				if o := w.decode(e, false); o.known {
					found[o.guid] = o
				}
				return nil
			})
			if err != nil {
				return nil, fault(err, s.server, b.String())
			}
		}
	}
	for _, o := range found {
		if err := s.completeLinks(ctx, o); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// completeLinks reads the rest of the links of which only a part came.
func (s *session) completeLinks(ctx context.Context, o *object) error {
	for _, p := range o.ranged {
		l := o.change.Links[p.attr.name]
		for next := p.next; next >= 0; {
			ask := fmt.Sprintf("%s;range=%d-*", p.attr.name, next)
			q := query{base: byGUID(o.change.Anchor), filter: "(objectClass=*)", attrs: []string{ask}, controls: []ldap.Control{extendedDN()}}
			next = -1
			err := s.one(ctx, q, func(e *entry) error {
				for i := range e.attrs {
					f := &e.attrs[i]
					name, option, _ := strings.Cut(f.name, ";")
					_, to, ok := rangeOf(option)
					if !ok || name != string(p.attr.name) {
						continue
					}
					for _, v := range e.of(f) {
						ref, err := refOf(v)
						if err != nil {
							o.fail(p.attr.name, err)
							return nil
						}
						l.Added = append(l.Added, ref)
					}
					if to >= 0 {
						next = to + 1
					}
				}
				return nil
			})
			if hasCode(err, ldap.LDAPResultNoSuchObject) {
				break // gone meanwhile, which the next read tells
			}
			if err != nil {
				return fault(err, s.server, o.dn)
			}
		}
		o.change.Links[p.attr.name] = l
	}
	o.ranged = nil
	return nil
}

// learnClasses finds the classes of objects that came without: an answer to DirSync has only what changed.
func (r *reader) learnClasses(ctx context.Context, all []*object) error {
	var guids []GUID
	for _, o := range all {
		if !o.classes && !o.deleted {
			guids = append(guids, o.guid)
		}
	}
	if len(guids) == 0 {
		return nil
	}
	s, err := r.asker(ctx)
	if err != nil {
		return err
	}
	found := map[GUID]*object{}
	for some := range slices.Chunk(guids, maxPending) {
		for _, b := range r.w.facts.bases {
			q := query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: anyOf(some), attrs: []string{string(attrGUID), string(attrClass)}}
			_, err := s.search(ctx, q, func(e *entry) error {
				o := r.w.decode(e, false)
				found[o.guid] = o
				return nil
			})
			if err != nil {
				return fault(err, s.server, b.String())
			}
		}
	}
	for _, o := range all {
		if f := found[o.guid]; f != nil && !o.classes {
			o.change.Class, o.known = f.change.Class, f.known
		}
	}
	return nil
}
