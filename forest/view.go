package forest

import "strings"

// view is what one account may see and do.
type view struct {
	attrs   []bool    // hidden, by attribute id; nil hides none
	objects []*object // hidden with what is below them
	deleted bool      // deleted objects may be seen
	lifted  bool      // DirSync without the object-security flag sees everything
	writes  bool
	admin   bool
	rights  Rights
}

// viewOf is the view of an account; nil is nobody.
func (d *directory) viewOf(who *object, b *Behave) *view {
	if who == nil {
		return &view{}
	}
	r := d.rights[who]
	v := &view{rights: r, admin: lastRID(who.sid) == 500 && strings.HasPrefix(who.sid[2:], d.sid[2:])}
	v.deleted, v.writes = v.admin || r.Deleted, v.admin || r.Write
	v.lifted = v.admin || r.Replicate && b.Lifts
	if v.admin {
		return v
	}
	for _, name := range b.HideAttrs {
		if a := d.schema.attr(name); a != nil {
			if v.attrs == nil {
				v.attrs = make([]bool, len(d.schema.attrs))
			}
			v.attrs[a.id] = true
		}
	}
	for _, dn := range b.HideObjects {
		if o, _, _ := d.find(dn); o != nil {
			v.objects = append(v.objects, o)
		}
	}
	return v
}

// lift is the view of somebody whom the replication right shows everything.
func (v *view) lift() *view {
	return &view{deleted: true, lifted: true, writes: v.writes, rights: v.rights}
}

func (v *view) hides(a *attribute) bool { return v.attrs != nil && v.attrs[a.id] }

// shows tells whether an object is neither hidden nor a deleted one that may not be seen.
func (v *view) shows(o *object) bool {
	if o.deleted && !v.deleted {
		return false
	}
	for _, top := range v.objects {
		if o.below(top) {
			return false
		}
	}
	return true
}
