package ad

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

// maxPage is how many bytes of attributes a controller may put into one DirSync answer.
const maxPage = 10 << 20

// maxPending is how many objects are gathered before questions about them are asked, together.
const maxPending = 200

// flags are those of the DirSync control: links come as differences, and without the right to replicate what comes is
// what the account may read.
func (w way) flags() int64 {
	if w == waySecurity {
		return ldap.DirSyncIncrementalValues | ldap.DirSyncObjectSecurity
	}
	return ldap.DirSyncIncrementalValues
}

// readByDirSync reads one naming context by the DirSync control and gives its new cookie.
func (r *reader) readByDirSync(ctx context.Context, base DN) ([]byte, error) {
	q := query{base: base.String(), scope: ldap.ScopeWholeSubtree, filter: r.filter(), attrs: r.w.ask}
	var cookie []byte
	if !r.full() {
		cookie = r.old.Cookies[base.Key()]
		// A deleted object matches no more than its own class, and not even that everywhere.
		q.filter = "(|(isDeleted=TRUE)" + q.filter + ")"
	}
	for {
		q.controls = []ldap.Control{ldap.NewRequestControlDirSync(r.way.flags(), maxPage, cookie), extendedDN()}
		d, err := r.stream.search(ctx, q, func(e *entry) error { return r.take(ctx, r.w.decode(e, true)) })
		if err != nil {
			return nil, err
		}
		if err := r.settle(ctx); err != nil {
			return nil, err
		}
		r.first = false
		var more bool
		if more, cookie, err = dirSyncEnd(d); err != nil {
			return nil, err
		}
		if !more {
			return cookie, nil
		}
	}
}

// dirSyncEnd reads what the controller says at the end of a page.
func dirSyncEnd(d *done) (more bool, cookie []byte, err error) {
	value := d.controls[oidDirSync]
	if value == nil {
		return false, nil, fmt.Errorf("%w: an answer to DirSync without its control", errMessage)
	}
	n, cookie, err := numbersAndCookie(value, 2)
	if err != nil {
		return false, nil, fmt.Errorf("read the DirSync control: %w", err)
	}
	return n[0] != 0, cookie, nil
}

// readByUSN reads one naming context by the numbers of updates. Every object that changed comes whole.
func (r *reader) readByUSN(ctx context.Context, base DN) error {
	q := query{base: base.String(), scope: ldap.ScopeWholeSubtree, filter: r.filter(), attrs: append([]string{"uSNCreated"}, r.w.ask...),
		controls: []ldap.Control{extendedDN()}}
	if !r.full() {
		q.filter = fmt.Sprintf("(&(uSNChanged>=%d)(|(isDeleted=TRUE)%s))", r.old.USN+1, q.filter)
		q.controls = append(q.controls, showDeleted())
	}
	return r.stream.paged(ctx, q, r.c.cfg.PageSize, func(e *entry) error { return r.take(ctx, r.w.decode(e, false)) },
		func() error { return r.settle(ctx) })
}

// take puts an object with those that wait to be settled.
func (r *reader) take(ctx context.Context, o *object) error {
	if o.guid == (GUID{}) {
		return nil // the account may not even see what it is
	}
	r.pending = append(r.pending, o)
	if len(r.pending) < maxPending {
		return nil
	}
	return r.settle(ctx)
}
