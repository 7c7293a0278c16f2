package run

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
)

// Evaluation is what an expression gave for one object.
type Evaluation struct {
	Object string       // its name; "" for none
	Class  canopy.Class // of the entry or meta
	Value  expr.Value
	Read   []ReadValue // what it read, in the order of the text
}

// ReadValue is what an expression read of an object.
type ReadValue struct {
	Use   expr.Use
	Value expr.Value
}

// Try evaluates an expression for an object of the store: an entry, or with ofMeta its meta as outbound rules see it. It
// writes nothing. An error of the evaluation names the object and wraps an *expr.Error.
func (l *Local) Try(ctx context.Context, p *expr.Program, object string, ofMeta bool) (*Evaluation, error) {
	f, err := l.One(ctx, object)
	if err != nil {
		return nil, err
	}
	o, err := l.seen(ctx, f, ofMeta)
	if err != nil {
		return nil, err
	}
	o.Outside = &expr.World{Now: l.Clock().UnixMicro(), Random: chance, Taken: l.taken(ctx, f)}
	name := o.DN
	if name == "" {
		name = f.Name
	}
	x, err := Evaluate(p, o)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "expression", Object: name, Text: "cannot be computed", Err: err, Next: "mend the object, or the expression"}
	}
	x.Object = name
	return x, nil
}

// Evaluate evaluates an expression for an object, and lists what it reads.
func Evaluate(p *expr.Program, o *rule.Object) (*Evaluation, error) {
	env := rule.Env(o)
	v, err := p.Eval(env)
	if err != nil {
		return nil, err
	}
	x := &Evaluation{Class: o.Class, Value: v}
	for _, u := range p.Uses() {
		read := env.Attr(u.Attr)
		if u.How == expr.UseCount {
			read = expr.Num(env.Count(u.Attr))
		}
		x.Read = append(x.Read, ReadValue{Use: u, Value: read})
	}
	return x, nil
}

// seen is an object as rules see it.
func (l *Local) seen(ctx context.Context, f store.Found, ofMeta bool) (*rule.Object, error) {
	if ofMeta {
		if f.Meta == 0 {
			return nil, &canopy.Error{Kind: canopy.NotFound, Code: "not-joined", Object: f.Name, Text: "it is joined to no meta", Next: "leave --meta out: the expression is tried on the entry"}
		}
		m, err := l.Store.Meta(ctx, f.Meta)
		if err != nil {
			return nil, err
		}
		return rule.MetaObject(m, l.values(&l.Target)), nil
	}
	e, err := l.Store.Entry(ctx, f.Entry)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.Sources, func(s Space) bool { return s.ID == f.Connector })
	if i < 0 {
		return rule.EntryObject(e, l.values(&l.Target)), nil
	}
	return rule.EntryObject(e, l.values(&l.Sources[i])), nil
}

// taken tells of values by which an object of the target is found, other than the one that is looked at.
func (l *Local) taken(ctx context.Context, of store.Found) func(expr.Value) (bool, error) {
	return func(v expr.Value) (bool, error) {
		found, err := l.Store.Find(ctx, v.Str())
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(found, func(f store.Found) bool {
			return f.Connector == l.Target.ID && f.Entry != of.Entry && (f.Meta == 0 || f.Meta != of.Meta)
		}), nil
	}
}

// chance is a number of which all bits are random.
func chance() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Outside is what lies outside an object when there is no store: the clock and chance.
func Outside(nowMicro int64) *expr.World { return &expr.World{Now: nowMicro, Random: chance} }
