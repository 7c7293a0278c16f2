package forest

// link is one value of a linked attribute, with the update sequence number of its last change. A removed value stays
// behind as such, so that DirSync can tell of it.
type link struct {
	to   *object // nil: a gap
	meta uint64  // usn<<1, lowest bit set: removed
}

func (l link) usn() uint64   { return l.meta >> 1 }
func (l link) removed() bool { return l.meta&1 != 0 }

// relation is the set of values of one linked attribute of one object, or of one back link. It is a log in the order of
// change, so that what changed since an update sequence number is found from its end, with an index once it is large.
type relation struct {
	attr *attribute
	log  []link
	at   map[*object]int32 // nil while small
	live int               // values that are neither removed nor gaps
	gaps int
}

// smallRelation is up to where a relation is searched from end to end.
const smallRelation = 24

func (r *relation) find(o *object) int {
	if r.at != nil {
		if i, ok := r.at[o]; ok {
			return int(i)
		}
		return -1
	}
	for i := range r.log {
		if r.log[i].to == o {
			return i
		}
	}
	return -1
}

func (r *relation) has(o *object) bool {
	i := r.find(o)
	return i >= 0 && !r.log[i].removed()
}

// put sets a value present or removed as of an update sequence number, which must not be lower than any before.
func (r *relation) put(o *object, usn uint64, removed bool) {
	if i := r.find(o); i >= 0 {
		if !r.log[i].removed() {
			r.live--
		}
		r.log[i] = link{}
		r.gaps++
	}
	meta := usn << 1
	if removed {
		meta |= 1
	} else {
		r.live++
	}
	r.log = append(r.log, link{o, meta})
	switch {
	case r.gaps > 16 && r.gaps > len(r.log)/2:
		r.compact()
	case r.at != nil:
		r.at[o] = int32(len(r.log) - 1)
	case len(r.log) > smallRelation:
		r.compact()
	}
}

// drop forgets a value without a trace.
func (r *relation) drop(o *object) {
	i := r.find(o)
	if i < 0 {
		return
	}
	if !r.log[i].removed() {
		r.live--
	}
	r.log[i] = link{}
	r.gaps++
	delete(r.at, o)
	if r.gaps > 16 && r.gaps > len(r.log)/2 {
		r.compact()
	}
}

// compact closes the gaps and builds the index anew.
func (r *relation) compact() {
	kept := r.log[:0]
	for _, l := range r.log {
		if l.to != nil {
			kept = append(kept, l)
		}
	}
	clear(r.log[len(kept):])
	r.log, r.gaps, r.at = kept, 0, nil
	if len(kept) <= smallRelation {
		return
	}
	r.at = make(map[*object]int32, len(kept)+len(kept)/4)
	for i, l := range kept {
		r.at[l.to] = int32(i)
	}
}

// last is the update sequence number of the last change.
func (r *relation) last() uint64 {
	for i := len(r.log) - 1; i >= 0; i-- {
		if r.log[i].to != nil {
			return r.log[i].usn()
		}
	}
	return 0
}

// since is the part of the log that holds every change after an update sequence number, and gaps.
func (r *relation) since(usn uint64) []link {
	i := len(r.log)
	for i > 0 && (r.log[i-1].to == nil || r.log[i-1].usn() > usn) {
		i--
	}
	return r.log[i:]
}

// each calls f for the present values until it returns false.
func (r *relation) each(f func(*object) bool) {
	for _, l := range r.log {
		if l.to != nil && !l.removed() && !f(l.to) {
			return
		}
	}
}
