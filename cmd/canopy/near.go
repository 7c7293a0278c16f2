package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
)

// closest keeps, of the words that it is shown, those that a mistyped one may have meant: the nearest first, at most three.
type closest struct {
	word  string
	limit int
	near  []near
}

type near struct {
	word string
	far  int
}

func newClosest(word string) *closest {
	return &closest{word: word, limit: max(1, min(4, utf8.RuneCountInString(word)/4))}
}

// add shows it a word, as far away as its letters are.
func (c *closest) add(known string) {
	if n := utf8.RuneCountInString(known) - utf8.RuneCountInString(c.word); n > c.limit || -n > c.limit {
		return
	}
	if d := distance(c.word, known); d <= c.limit {
		c.put(known, d)
	}
}

func (c *closest) put(known string, far int) {
	if slices.ContainsFunc(c.near, func(n near) bool { return strings.EqualFold(n.word, known) }) {
		return
	}
	c.near = append(c.near, near{known, far})
	slices.SortStableFunc(c.near, func(a, b near) int { return a.far - b.far })
	c.near = c.near[:min(3, len(c.near))]
}

// words are those that it kept.
func (c *closest) words() []string {
	out := make([]string, len(c.near))
	for i, n := range c.near {
		out[i] = n.word
	}
	return out
}

// nearest are the words of known that a mistyped one may have meant, the nearest first, at most three.
func nearest(word string, known []string) []string {
	c := newClosest(word)
	for _, k := range known {
		c.add(k)
	}
	return c.words()
}

// meant asks whether one of the nearest words was meant, and else tells all that there are, when they are few.
func meant(word string, known []string) string {
	if near := nearest(word, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	if len(known) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(known, ", ")
}

// one finds the one object that a person named.
func (a *App) one(ctx context.Context, l *run.Local, text string) (store.Found, error) {
	f, err := l.One(ctx, text)
	return f, a.suggest(ctx, l, err)
}

// suggest adds to the error about an unknown object those whose names are nearest, and gives other errors on.
func (a *App) suggest(ctx context.Context, l *run.Local, err error) error {
	var e *canopy.Error
	if !errors.As(err, &e) || e.Code != "object-unknown" {
		return err
	}
	c := newClosest(e.Object)
	folded := canopy.Fold(e.Object)
	if names := l.Store.Names(ctx, func(name string) {
		n := canopy.Fold(name)
		if strings.HasPrefix(n, folded+"@") || strings.HasPrefix(n, "cn="+folded+",") {
			c.put(name, 0) // the address without its domain, or the name alone
			return
		}
		c.add(name)
	}); names != nil {
		return errors.Join(err, names)
	}
	if len(c.near) == 0 {
		return err
	}
	better := *e
	better.Next = fmt.Sprintf("did you mean %s? Else %s", strings.Join(c.words(), " or "), e.Next)
	return &better
}

// knownForests is an error of usage for a name that is no forest's.
func knownForests(l *run.Local, flag string, names []string) error {
	var known []string
	for _, s := range l.Sources {
		known = append(known, string(s.ID))
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return usageError{fmt.Errorf("--%s %s: the configuration has no forest of this name; %s", flag, n, meant(n, known))}
		}
	}
	return nil
}
