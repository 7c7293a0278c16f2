package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"sync"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// words number the names that recur in bodies and link rows. A number is never changed or used again.
type words struct {
	mu   sync.RWMutex
	no   map[string]int64
	text []string // by number; 0 is no word
}

func (w *words) number(text string) (int64, error) {
	w.mu.RLock()
	no := w.no[text]
	w.mu.RUnlock()
	if no == 0 {
		return 0, fmt.Errorf("the word %q has no number", text)
	}
	return no, nil
}

// known is the number of a word, 0 when it was never written.
func (w *words) known(text string) int64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.no[text]
}

func (w *words) word(no int64) (string, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if no < 1 || no >= int64(len(w.text)) {
		return "", fmt.Errorf("the number %d has no word", no)
	}
	return w.text[no], nil
}

func (w *words) missing(texts iter.Seq[string]) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []string
	seen := map[string]bool{}
	for t := range texts {
		if w.no[t] == 0 && !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// read adds the words that were written since.
func (w *words) read(ctx context.Context, t *db.Tx) error {
	w.mu.RLock()
	have := len(w.text) - 1
	w.mu.RUnlock()
	var more []string
	err := t.Each(ctx, func(r *sql.Rows) error {
		var no int64
		var text string
		if err := r.Scan(&no, &text); err != nil {
			return err
		}
		if no != int64(have+len(more)+1) {
			return fmt.Errorf("word %d is missing", have+len(more)+1)
		}
		more = append(more, text)
		return nil
	}, `SELECT no, text FROM word WHERE no > $1 ORDER BY no`, have)
	if err != nil || len(more) == 0 {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, text := range more {
		if have+i+1 == len(w.text) { // nobody was faster
			w.text = append(w.text, text)
			w.no[text] = int64(have + i + 1)
		}
	}
	return nil
}

// intern gives words their numbers, in a transaction of its own before the one that writes bodies with them.
func (s *Store) intern(ctx context.Context, texts iter.Seq[string]) error {
	if len(s.words.missing(texts)) == 0 {
		return nil
	}
	err := s.db.Update(ctx, func(t *db.Tx) error {
		if err := s.words.read(ctx, t); err != nil {
			return err
		}
		missing := s.words.missing(texts)
		s.words.mu.RLock()
		next := int64(len(s.words.text))
		s.words.mu.RUnlock()
		for i, text := range missing {
			if _, err := t.Exec(ctx, `INSERT INTO word (no, text) VALUES ($1, $2)`, next+int64(i), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("number words: %w", err)
	}
	return s.db.Read(ctx, func(t *db.Tx) error { return s.words.read(ctx, t) })
}

// attrNames yields the names of attributes.
func attrNames[V any](maps ...map[canopy.Attr]V) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, m := range maps {
			for a := range m {
				if !yield(string(a)) {
					return
				}
			}
		}
	}
}
