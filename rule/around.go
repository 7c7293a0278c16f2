package rule

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// Around is what a run knows that no object holds.
type Around struct {
	Now int64 // in microseconds since 1970, the same all through a run; 0: not known
	// Secret is what chance is made of: the same rule and attribute get the same for the same object again, so that a plan can
	// be made twice, and nobody who does not know the secret can guess it. "": there is no chance.
	Secret string
}

// asking is an object for an expression that asks for what lies outside it.
type asking struct {
	*env
	world *expr.World
}

// World is what lies outside the object.
func (a asking) World() *expr.World { return a.world }

// world is what lies outside an object, as a flow sees it.
func (f *Flow) world(o *Object) *expr.World {
	switch {
	case o.Outside != nil:
		return o.Outside
	case o.Around == nil && o.Refused == nil:
		return nil
	case o.Around == nil:
		return &expr.World{Taken: f.taken(o)}
	}
	w := &expr.World{Now: o.Around.Now, Taken: f.taken(o)}
	name := string(o.Anchor)
	if vs := o.Attrs[canopy.AttrSourceAnchor]; name == "" && len(vs) > 0 {
		name = vs[0].Str()
	}
	if o.Around.Secret != "" && name != "" {
		rule := ""
		if f.rule != nil {
			rule = string(f.rule.ID)
		}
		w.Random = chanceOf(o.Around.Secret, rule, string(f.To), name)
	}
	return w
}

// taken tells whether somebody else has a candidate, by what must be unique of it.
func (f *Flow) taken(o *Object) func(expr.Value) (bool, error) {
	if o.Refused == nil {
		return nil
	}
	return func(v expr.Value) (bool, error) {
		for _, x := range fromExpr(v) {
			if c, _, ok := ClaimOf(f.Claim, x); ok && o.Refused(c) {
				return true, nil
			}
		}
		return false, nil
	}
}

// chanceOf is a sequence of random numbers that depends on the words alone.
func chanceOf(words ...string) func() uint64 {
	h := sha256.New()
	for _, w := range words {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(w))))
		h.Write([]byte(w))
	}
	seed := h.Sum(nil)
	count := uint64(0)
	return func() uint64 {
		count++
		sum := sha256.Sum256(binary.LittleEndian.AppendUint64(seed[:len(seed):len(seed)], count))
		return binary.LittleEndian.Uint64(sum[:])
	}
}
