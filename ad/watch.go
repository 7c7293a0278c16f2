package ad

import (
	"context"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// watchFirst is the first pause before Watch connects again; each further one is twice as long, up to a limit.
const watchFirst = time.Second

// probeEvery is how often a connection that only waits is asked for a sign of life.
const probeEvery = time.Minute

// Watch has the controller announce changes on a connection of its own. After a connection was lost it calls changed,
// since something may have been missed. It returns ctx's error, or the first one that trying again does not mend.
func (c *Conn) Watch(ctx context.Context, changed func()) error {
	pause := watchFirst
	for again := false; ; again = true {
		began := c.cfg.Clock()
		err := c.watch(ctx, again, changed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if canopy.KindOf(err) != canopy.Unreachable {
			return wrap(err, "watch", c.cfg.Name)
		}
		if c.cfg.Clock().Sub(began) > c.cfg.WatchLimit {
			pause = watchFirst // it had worked for long
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, c.cfg.WatchLimit)
	}
}

// watch waits for changes on one connection until it ends.
func (c *Conn) watch(ctx context.Context, again bool, changed func()) error {
	s, err := c.dial(ctx, "")
	if err != nil {
		return err
	}
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer func() { _ = s.close() }() // what it waited for may still come
	bases, err := c.basesOf(s)
	if err != nil {
		return err
	}
	news := make(chan struct{}, 1)
	ended := make(chan error, len(bases))
	for _, b := range bases {
		st, err := s.wire.open(&query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: "(objectClass=*)", attrs: []string{string(attrGUID)},
			controls: []ldap.Control{ldap.NewControlMicrosoftNotification()}})
		if err != nil {
			return fault(err, s.server, b.String())
		}
		s.wire.idle.end() // no answer is owed
		defer s.wire.idle.begin()
		defer s.wire.close(st)
		waiting.Go(func() { ended <- s.announce(ctx, st, news) })
	}
	return fault(s.untilEnd(ctx, again, news, ended, changed), s.server, "")
}

// announce puts a word into news for each object that changed. News that nobody has taken yet stand for later ones too.
func (s *session) announce(ctx context.Context, st *stream, news chan<- struct{}) error {
	for {
		msg, err := s.wire.receive(ctx, st)
		if err != nil {
			return err
		}
		tag, op, controls, err := operation(msg)
		if err != nil {
			return err
		}
		if tag == tagDone {
			if _, err := parseDone(op, controls); err != nil {
				return err
			}
			return noticeOf(nil)
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// untilEnd calls changed for the news, and asks for a sign of life now and then.
func (s *session) untilEnd(ctx context.Context, again bool, news <-chan struct{}, ended <-chan error, changed func()) error {
	if again {
		changed()
	}
	t := time.NewTicker(probeEvery)
	defer t.Stop()
	for {
		select {
		case <-news:
			changed()
		case err := <-ended:
			return err
		case <-t.C:
			if err := s.refresh(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
