package tenant

import "context"

// wish is one caller's change that waits for its transaction.
type wish struct {
	fn   func(*tx) error
	err  error
	done chan struct{}
}

// together runs fn like update, in one transaction with what other callers want at the same moment, so that they share
// the wait for the disk. Each is for itself: one that fails leaves no trace and no other one fails with it. An answer is
// given when the transaction is kept. fn may run in another caller's goroutine.
func (t *Tenant) together(ctx context.Context, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &wish{fn: fn, done: make(chan struct{})}
	t.queue.Lock()
	t.waiting = append(t.waiting, w)
	first := len(t.waiting) == 1
	t.queue.Unlock()
	if !first {
		<-w.done
		return w.err
	}
	var taken []*wish
	// While the transaction before this one is being kept, others join; who comes later makes the next one.
	err := t.update(context.WithoutCancel(ctx), func(x *tx) error {
		taken = t.taken()
		for _, each := range taken {
			if each.err = x.alone(each.fn); x.broken != nil {
				return x.broken
			}
		}
		return nil
	})
	if taken == nil {
		taken = t.taken()
	}
	for _, each := range taken {
		if err != nil {
			each.err = err
		}
		close(each.done)
	}
	return w.err
}

// taken empties the queue.
func (t *Tenant) taken() []*wish {
	t.queue.Lock()
	defer t.queue.Unlock()
	taken := t.waiting
	t.waiting = nil
	return taken
}

// alone runs fn so that its failure undoes what it did, and nothing else.
func (x *tx) alone(fn func(*tx) error) error {
	seq, id, conf := x.seq, x.id, x.conf
	if x.broken = x.exec(`SAVEPOINT alone`); x.broken != nil {
		return x.broken
	}
	err := fn(x)
	if err != nil {
		x.seq, x.id, x.conf = seq, id, conf
		x.used, x.t.licensed = nil, nil
		if x.broken = x.exec(`ROLLBACK TO alone`); x.broken != nil {
			return err
		}
	}
	x.broken = x.exec(`RELEASE alone`)
	return err
}
