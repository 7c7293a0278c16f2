package forest

import (
	"context"
	"strconv"
)

// chunk is how many objects are looked at under one hold of the lock, and flushAt how many octets are sent at once.
const (
	chunk   = 64
	flushAt = 64 << 10
)

// stream sends entries for the objects that are left until there are none (done), or most of them or the client's limit
// is reached and there is one more. ended says that nothing more is to be sent: abandoned, disconnected, or a fault.
func (c *conn) stream(ctx context.Context, m *message, at *page, s *search, most int, write func(*encoder, *object) bool) (ended, done bool) {
	d := c.server.dir
	drop := m.drop
	e := encoder{b: make([]byte, 0, flushAt+flushAt/4)}
	sent := 0
	for {
		full := false
		d.mu.RLock()
		n := 0
		for n < len(at.left) && n < chunk && !full && len(e.b) < flushAt {
			begin := len(e.b)
			if write(&e, at.left[n]) {
				if most > 0 && sent == most || s.limit > 0 && at.sent == s.limit {
					e.b, full = e.b[:begin], true
					break
				}
				sent++
				at.sent++
				if drop > 0 && sent == drop {
					d.mu.RUnlock()
					_ = c.send(e.b)
					c.net.Close()
					return true, false
				}
			}
			n++
		}
		at.left = at.left[n:]
		d.mu.RUnlock()
		if len(e.b) >= flushAt || full || len(at.left) == 0 {
			if c.send(e.b) != nil {
				return true, false
			}
			e.b = e.b[:0]
		}
		if ctx.Err() != nil {
			return true, false
		}
		if full || len(at.left) == 0 {
			return false, !full
		}
	}
}

// keepPage keeps what is left of a paged search and names it; takePage finds it again.
func (c *conn) keepPage(at *page) string {
	c.pageMu.Lock()
	defer c.pageMu.Unlock()
	c.lastPage++
	name := "page" + strconv.Itoa(c.lastPage)
	c.pages[name] = at
	return name
}

func (c *conn) takePage(name string) *page {
	c.pageMu.Lock()
	defer c.pageMu.Unlock()
	at := c.pages[name]
	delete(c.pages, name)
	return at
}

// changeNotification sends what changes until the client has enough.
func (c *conn) changeNotification(ctx context.Context, m *message, s *search) {
	if !c.watching(m.id) {
		c.answer(m, refuse(adminLimitExceeded, "00002024: LdapErr: comment: too many notifications on this connection"))
		return
	}
	c.watch(ctx, m.watcher, m.id, s)
}

// dirSync answers a search with the DirSync control.
func (c *conn) dirSync(ctx context.Context, m *message, s *search) {
	d, behave := c.server.dir, &c.server.opt.Behave
	given := m.find(dirSyncOID)
	flags := integersOf(given.value, 2)[0] & 0xffffffff
	var raw string
	if given.value != nil && len(given.value.Children) == 3 {
		raw = octetsOf(given.value.Children[2])
	}
	at, ok := decodeCookie([]byte(raw))
	switch secure := flags&flagObjectSecurity != 0; {
	case m.find(pagedOID) != nil:
		c.answer(m, refuse(operationsError, "00002020: LdapErr: comment: DirSync and paging cannot be combined"))
		return
	case !ok:
		c.answer(m, refuse(unavailableCritical, "0000202C: LdapErr: comment: Error processing control: the DirSync cookie is not one of a domain controller"))
		return
	case s.base.parent != nil && secure:
		c.answer(m, refuse(unwilling, "00002112: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s is not the head of a naming context", s.base.distinguished()))
		return
	case s.base.parent != nil:
		c.answer(m, refuse(insufficientRights, "00002105: SecErr: problem 4003 (INSUFF_ACCESS_RIGHTS): %s is not the head of a naming context", s.base.distinguished()))
		return
	case !secure && !s.view.lifted && !s.view.rights.Replicate:
		c.answer(m, refuse(insufficientRights, "00002105: SecErr: problem 4003 (INSUFF_ACCESS_RIGHTS): the account lacks the right DS-Replication-Get-Changes on %s", s.base.distinguished()))
		return
	}
	if at.server != d.self {
		at = cookie{server: d.self}
	}
	s.scope, s.limit = 2, 0
	d.mu.RLock()
	left := &page{left: s.base.nc.since(at.objects)}
	if behave.DirSyncPage > 0 {
		for _, o := range left.left {
			left.order = append(left.order, o.changed)
		}
	}
	highest := d.usn
	changes := d.newChanges(s.attrs, s.view, flags, at)
	d.mu.RUnlock()
	changes.ext = s.sel.ext
	ended, done := c.stream(ctx, m, left, s, behave.DirSyncPage, func(e *encoder, o *object) bool {
		return s.in(o) && s.filter.match(o) == yes && d.delta(e, m.id, o, changes)
	})
	if ended {
		return
	}
	c.finishDirSync(m, at, left, highest, done)
}

func (c *conn) finishDirSync(m *message, at cookie, left *page, highest uint64, done bool) {
	d := c.server.dir
	more := int64(0)
	d.mu.RLock()
	if done {
		at.objects, at.values = max(highest, at.objects), max(highest, at.values)
	} else {
		more = 1
		at.objects = left.order[len(left.order)-len(left.left)] - 1
	}
	b := at.encode(d.clock())
	d.mu.RUnlock()
	c.answer(m, nil, control(dirSyncOID, func(e *encoder) {
		seq := e.open(0x30)
		e.integer(0x02, more)
		e.integer(0x02, 0)
		e.octets(string(b))
		e.close(seq)
	}))
}
