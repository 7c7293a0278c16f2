package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// What the log shows of long values, and of many.
const (
	logText   = 512
	logValues = 50
)

// brief shortens values for the log.
func brief(vs canopy.Values) canopy.Values {
	out := vs
	if len(vs) > logValues {
		out = append(slices.Clone(vs[:logValues]), canopy.Text(fmt.Sprintf("(%d more)", len(vs)-logValues)))
	}
	for i, v := range out {
		if n := len(v.Str()); n > logText {
			if &out[0] == &vs[0] {
				out = slices.Clone(vs)
			}
			out[i] = canopy.Text(fmt.Sprintf("(%d characters)", n))
		}
	}
	return out
}

// areBrief tells whether brief would leave all values as they are.
func areBrief(changes []canopy.AttrChange) bool {
	for _, c := range changes {
		for _, vs := range []canopy.Values{c.Old, c.New} {
			if len(vs) > logValues || slices.ContainsFunc(vs, func(v canopy.Value) bool { return len(v.Str()) > logText }) {
				return false
			}
		}
	}
	return true
}

// encodeChanges gives the body of changes, with long values shortened for the log.
func (w *words) encodeChanges(changes []canopy.AttrChange, short bool) ([]byte, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	b := append(make([]byte, 0, 64*len(changes)), bodyVersion)
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, c := range changes {
		no, err := w.number(string(c.Attr))
		if err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, uint64(no))
		if short {
			c.Old, c.New = brief(c.Old), brief(c.New)
		}
		b = appendValues(b, c.Old)
		b = appendValues(b, c.New)
		if b, err = w.appendOrigin(b, c.Origin); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (w *words) decodeChanges(body []byte) ([]canopy.AttrChange, error) {
	if len(body) == 0 {
		return nil, nil
	}
	r := reader{b: body, w: w}
	r.version()
	var out []canopy.AttrChange
	for range r.count() {
		if r.err != nil {
			break
		}
		out = append(out, canopy.AttrChange{Attr: canopy.Attr(r.word()), Old: r.values(), New: r.values(), Origin: r.origin()})
	}
	return out, r.end()
}
