package ad

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// maxLinksWritten is how many links one request carries; AD refuses some thousands.
const maxLinksWritten = 1000

// Write carries out exports one after another.
func (c *Conn) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	if err := c.mayWrite(); err != nil {
		return nil, wrap(err, "write to", c.cfg.Name)
	}
	var results []canopy.Result
	err := c.with(ctx, func(s *session) error {
		f, err := c.factsOf(ctx, s, nil)
		if err != nil {
			return err
		}
		x := &writer{s: s, facts: f, w: wantsOf(f, nil, nil, c.cfg.MaxValue)}
		for i := range exports {
			e := &exports[i]
			var r canopy.Result
			if err := ctx.Err(); err != nil {
				r = canopy.Result{Kind: canopy.Later, Text: err.Error()}
			} else {
				r = x.export(ctx, e)
			}
			r.Export = e.ID
			results = append(results, r)
		}
		return nil
	})
	if err != nil {
		return nil, wrap(err, "write to", c.cfg.Name)
	}
	return results, nil
}

func (c *Conn) mayWrite() error {
	if c.cfg.Write {
		return nil
	}
	return &canopy.Error{Kind: canopy.Unsupported, Code: "ad-read-only", Object: string(c.cfg.Name), Text: "writing to this forest is switched off",
		Next: "set write: true for the forest in the configuration"}
}

// writer is one Write.
type writer struct {
	s     *session
	facts *facts
	w     *wants
}

// export carries out one export.
func (x *writer) export(ctx context.Context, e *canopy.Export) canopy.Result {
	r := canopy.Result{Anchor: e.Ref.Anchor, DN: e.Ref.DN}
	err := x.try(ctx, e, &r)
	if err == nil {
		return r
	}
	r.Kind, r.Code, r.Text = verdict(err)
	return r
}

func (x *writer) try(ctx context.Context, e *canopy.Export, r *canopy.Result) error {
	if e.Op == canopy.Add {
		return x.add(ctx, e, r)
	}
	target, err := refDN(e.Ref)
	if err != nil {
		return err
	}
	if e.Compare != nil {
		if err := x.compare(ctx, target, e.Compare); err != nil {
			return err
		}
	}
	switch e.Op {
	case canopy.Delete:
		return x.s.ldap.Del(ldap.NewDelRequest(target, nil))
	case canopy.Move:
		if target, err = x.move(ctx, target, e, r); err != nil {
			return err
		}
	case canopy.Modify, canopy.Add:
	default:
		return refusal("ad-operation", fmt.Sprintf("operation %q is not known", e.Op))
	}
	if err := x.modify(target, e); err != nil {
		return err
	}
	return x.links(ctx, target, e, r)
}

// refDN is the DN by which an object is written to.
func refDN(r canopy.Ref) (string, error) {
	if r.Anchor != "" {
		if _, err := anchorGUID(r.Anchor); err != nil {
			return "", err
		}
		return byGUID(r.Anchor), nil
	}
	d, err := ParseDN(r.DN)
	if err == nil && len(d) == 0 {
		err = refusal("ad-no-target", "the export names no object")
	}
	return d.String(), err
}

func refusal(code, text string) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: code, Text: text}
}

// addClasses are the object classes by which AD makes an object of a class; others are made by their own name.
func addClass(e *canopy.Export, d DN) string {
	if e.Class == canopy.Container {
		if d[0].Type == "OU" || d[0].Type == "ou" {
			return "organizationalUnit"
		}
		return "container"
	}
	return string(e.Class)
}

func (x *writer) add(ctx context.Context, e *canopy.Export, r *canopy.Result) error {
	d, err := ParseDN(e.Ref.DN)
	if err != nil {
		return err
	}
	if len(d) == 0 {
		return refusal("ad-no-dn", "an object can only be added with a DN")
	}
	q := ldap.NewAddRequest(d.String(), nil)
	q.Attribute(string(attrClass), []string{addClass(e, d)})
	for _, n := range e.Set.Names() {
		if len(e.Set[n]) == 0 {
			continue
		}
		vs, err := x.facts.encode(n, e.Set[n])
		if err != nil {
			return err
		}
		q.Attribute(string(n), vs)
	}
	if err := x.s.ldap.Add(q); err != nil {
		return x.orNoContainer(ctx, err, d.Parent())
	}
	r.DN = d.String()
	g, err := x.s.guidOf(ctx, r.DN)
	if err != nil {
		return err
	}
	r.Anchor = g.Anchor()
	return x.links(ctx, byGUID(r.Anchor), e, r)
}

// modify writes the attributes of an export, all in one request.
func (x *writer) modify(target string, e *canopy.Export) error {
	q := ldap.NewModifyRequest(target, nil)
	for _, n := range e.Set.Names() {
		vs, err := x.facts.encode(n, e.Set[n])
		if err != nil {
			return err
		}
		q.Replace(string(n), vs)
	}
	for _, n := range e.Clear {
		q.Replace(string(n), nil)
	}
	for _, n := range linkNames(e) {
		if l := e.Links[n]; l.Whole && len(l.Added) <= maxLinksWritten {
			vs, err := refDNs(l.Added)
			if err != nil {
				return err
			}
			q.Replace(string(n), vs)
		}
	}
	if len(q.Changes) == 0 {
		return nil
	}
	return x.s.ldap.Modify(q)
}

func linkNames(e *canopy.Export) []canopy.Attr {
	var names []canopy.Attr
	for n := range e.Links {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func refDNs(refs []canopy.Ref) ([]string, error) {
	all := make([]string, 0, len(refs))
	for _, r := range refs {
		dn, err := refDN(r)
		if err != nil {
			return nil, err
		}
		all = append(all, dn)
	}
	return all, nil
}

// move gives the object its new DN, and then has a DN for what follows.
func (x *writer) move(ctx context.Context, target string, e *canopy.Export, r *canopy.Result) (string, error) {
	d, err := ParseDN(e.DN)
	if err != nil {
		return "", err
	}
	if len(d) < 2 {
		return "", refusal("ad-no-dn", "an object can only be moved to a DN below a container")
	}
	now, err := x.s.nowDN(ctx, target)
	if err != nil {
		return "", err
	}
	if !now.Equal(d) || now.String() != d.String() {
		q := ldap.NewModifyDNRequest(now.String(), d[0].String(), true, "")
		if !now.Parent().Equal(d.Parent()) {
			q.NewSuperior = d.Parent().String()
		}
		if err := x.s.ldap.ModifyDN(q); err != nil {
			return "", x.orNoContainer(ctx, err, d.Parent())
		}
	}
	r.DN = d.String()
	if e.Ref.Anchor != "" {
		return target, nil
	}
	return r.DN, nil
}

// orNoContainer tells of an error that it comes from a container that is not there: the object itself is not gone.
func (x *writer) orNoContainer(ctx context.Context, err error, container DN) error {
	if !hasCode(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultOther) {
		return err
	}
	if g, look := x.s.guidOf(ctx, container.String()); look != nil || g != (GUID{}) {
		return err
	}
	return &canopy.Error{Kind: canopy.Invalid, Code: "ad-no-container", Object: container.String(), Text: "the container is not there, or the account may not see it",
		Next: "add the container first, or choose another one", Err: err}
}

// nowDN reads the DN that an object has now.
func (s *session) nowDN(ctx context.Context, target string) (DN, error) {
	var d DN
	err := s.one(ctx, query{base: target, filter: "(objectClass=*)", attrs: []string{string(attrGUID)}}, func(e *entry) error {
		var err error
		d, err = ParseDN(e.dn)
		return err
	})
	if err == nil && len(d) == 0 {
		err = ldap.NewError(ldap.LDAPResultNoSuchObject, errors.New("the object is not visible"))
	}
	return d, err
}

// compare tells whether the object still holds what the export expects. AD has no way to make this one step with the
// write.
func (x *writer) compare(ctx context.Context, target string, want canopy.Attrs) error {
	w := wantsOf(x.facts, nil, want.Names(), x.w.maxValue)
	var got canopy.Attrs
	err := x.s.one(ctx, query{base: target, filter: "(objectClass=*)", attrs: w.ask, controls: []ldap.Control{extendedDN()}}, func(e *entry) error {
		o := w.decode(e, false)
		if o.change.Failed != nil {
			return o.change.Failed
		}
		got = o.change.Attrs
		return w.place(o, &o.change)
	})
	if err != nil {
		return err
	}
	for _, n := range want.Names() {
		a := x.facts.attr(string(n))
		if a == nil {
			return &canopy.Error{Kind: canopy.Invalid, Code: "ad-unknown-attribute", Object: target, Attr: n, Text: "the attribute is unknown to the directory's schema",
				Next: "correct the attribute's name, or extend the schema"}
		}
		if !got[a.name].Equal(want[n]) {
			return &canopy.Error{Kind: canopy.Conflict, Code: "ad-changed", Object: target, Attr: n,
				Text: fmt.Sprintf("the directory holds %q and not %q any more", got[a.name].Strings(), want[n].Strings()), Next: "read the object again"}
		}
	}
	return nil
}
