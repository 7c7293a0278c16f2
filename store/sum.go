package store

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
)

// linkSum tells a set of links by its size and a sum of hashes: the same set has the same sum, whatever the order, and
// one link more or less changes it by that link's hash.
type linkSum struct {
	attr  int64
	count int64
	lo    uint64
	hi    uint64
}

// linkSums are an entry's, by the attributes' numbers, without empty ones.
type linkSums []linkSum

func refHash(ref canopy.Ref) xxh3.Uint128 {
	if ref.Anchor != "" {
		return xxh3.HashString128(string(ref.Anchor))
	}
	return xxh3.HashString128("\x00" + canopy.Fold(ref.DN))
}

func (l *linkSum) add(ref canopy.Ref, n int64) {
	h := refHash(ref)
	l.count += n
	if n > 0 {
		l.lo, l.hi = l.lo+h.Lo, l.hi+h.Hi
	} else {
		l.lo, l.hi = l.lo-h.Lo, l.hi-h.Hi
	}
}

func (s linkSums) find(attr int64) linkSum {
	for _, x := range s {
		if x.attr == attr {
			return x
		}
	}
	return linkSum{attr: attr}
}

// set gives the sums with one replaced.
func (s linkSums) set(x linkSum) linkSums {
	i := slices.IndexFunc(s, func(y linkSum) bool { return y.attr == x.attr })
	switch {
	case i >= 0 && x.count == 0:
		return slices.Delete(s, i, i+1)
	case i >= 0:
		s[i] = x
	case x.count != 0:
		s = append(s, x)
		slices.SortFunc(s, func(a, b linkSum) int { return int(a.attr - b.attr) })
	}
	return s
}

func (s linkSums) encode() []byte {
	if len(s) == 0 {
		return nil
	}
	b := []byte{bodyVersion}
	for _, x := range s {
		b = binary.AppendUvarint(b, uint64(x.attr))
		b = binary.AppendUvarint(b, uint64(x.count))
		b = binary.LittleEndian.AppendUint64(b, x.lo)
		b = binary.LittleEndian.AppendUint64(b, x.hi)
	}
	return b
}

func decodeSums(b []byte) (linkSums, error) {
	if len(b) == 0 {
		return nil, nil
	}
	r := reader{b: b}
	r.version()
	var s linkSums
	for r.err == nil && len(r.b) > 0 {
		x := linkSum{attr: int64(r.uvarint()), count: int64(r.uvarint())}
		if len(r.b) < 16 {
			r.fail()
			break
		}
		x.lo, x.hi = binary.LittleEndian.Uint64(r.b), binary.LittleEndian.Uint64(r.b[8:])
		r.b = r.b[16:]
		s = append(s, x)
	}
	return s, r.end()
}
