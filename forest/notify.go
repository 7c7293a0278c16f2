package forest

import (
	"context"
	"sync"
)

// watcher gathers the objects that change, for one change notification.
type watcher struct {
	mu      sync.Mutex
	changed []*object
	wake    chan struct{} // holds one signal at most
}

// notice is called under the directory's write lock.
func (w *watcher) notice(o *object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.changed); n == 0 || w.changed[n-1] != o {
		w.changed = append(w.changed, o)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []*object {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.changed
	w.changed = nil
	return list
}

// register begins a change notification; what changes from now on is not lost.
func (d *directory) register() *watcher {
	w := &watcher{wake: make(chan struct{}, 1)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[w] = struct{}{}
	return w
}

// release ends a change notification; nil is none.
func (d *directory) release(w *watcher) {
	if w != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers, w)
	}
}

// watch sends the changed objects of a search until it is abandoned or the connection ends.
func (c *conn) watch(ctx context.Context, w *watcher, id int64, s *search) {
	d := c.server.dir
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		var e encoder
		d.mu.RLock()
		for _, o := range w.take() {
			if s.in(o) && s.filter.match(o) == yes {
				d.entry(&e, id, o, s.sel)
			}
		}
		d.mu.RUnlock()
		if len(e.b) > 0 && c.send(e.b) != nil {
			return
		}
	}
}
