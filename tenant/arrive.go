package tenant

import (
	"errors"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// arriveAtOnce is how many objects are looked up together before their changes arrive.
const arriveAtOnce = 128

// arrivals are what a few questions told of objects whose changes arrive at Exchange together. Each is told once: what comes
// after may have changed it.
type arrivals struct {
	records    map[int64]*record
	recipients map[int64]*Recipient   // nil: it has none
	boxless    map[int64]bool         // owners of no mailbox
	free       map[exchange.GUID]bool // GUIDs that no mailbox and no recipient has
}

// bring lets the changes of some objects arrive.
func (x *tx) bring(ids []int64) error {
	defer func() { x.coming = arrivals{} }()
	if err := x.expect(ids); err != nil {
		return fmt.Errorf("look for what arrives at Exchange: %w", err)
	}
	// The rows go first: what is found out meanwhile can bring an object back.
	err := among(ids, func(list string, args []any) error {
		return x.exec(`DELETE FROM forward WHERE object IN `+list, args...)
	})
	if err != nil {
		return fmt.Errorf("take changes from the queue: %w", err)
	}
	for _, id := range ids {
		if err := x.arrive(id); err != nil {
			return err
		}
	}
	return nil
}

// expect looks up what is to be known of objects that arrive.
func (x *tx) expect(ids []int64) error {
	c := arrivals{map[int64]*record{}, map[int64]*Recipient{}, map[int64]bool{}, map[exchange.GUID]bool{}}
	for _, id := range ids {
		c.recipients[id], c.boxless[id] = nil, true
	}
	err := among(ids, func(list string, args []any) error {
		return errors.Join(
			x.rows(func(s scanner) error {
				r, err := scanRecord(s)
				if err == nil {
					r.loaded()
					c.records[r.id] = r
				}
				return err
			}, `SELECT `+recordColumns+` FROM object WHERE id IN `+list, args...),
			x.rows(func(s scanner) error {
				var id int64
				n, err := scanRecipient(beside{s, &id})
				c.recipients[id] = n
				return err
			}, `SELECT object, body FROM recipient WHERE object IN `+list, args...),
			x.rows(func(s scanner) error {
				var id int64
				err := s.Scan(&id)
				delete(c.boxless, id)
				return err
			}, `SELECT owner FROM mailbox WHERE owner IN `+list, args...))
	})
	if err != nil {
		return err
	}
	x.coming = c
	return x.expectGUIDs()
}

// expectGUIDs looks up which of the mailbox GUIDs that arrive nobody has.
func (x *tx) expectGUIDs() error {
	var names []string
	for _, r := range x.coming.records {
		v := r.values()
		for _, name := range []canopy.Attr{"msExchMailboxGuid", "msExchArchiveGuid"} {
			if g := binaryGUID(v, name); !g.IsZero() {
				x.coming.free[g] = true
				names = append(names, g.String())
			}
		}
	}
	taken := func(s scanner) error {
		var text string
		if err := s.Scan(&text); err != nil {
			return err
		}
		g, err := exchange.ParseGUID(text)
		delete(x.coming.free, g)
		return err
	}
	return among(names, func(list string, args []any) error {
		return errors.Join(x.rows(taken, `SELECT guid FROM mailbox WHERE guid IN `+list, args...),
			x.rows(taken, `SELECT guid FROM recipient WHERE guid <> '' AND guid IN `+list, args...))
	})
}

// beside scans a row whose first column goes elsewhere.
type beside struct {
	scanner
	first any
}

func (b beside) Scan(dest ...any) error { return b.scanner.Scan(append([]any{b.first}, dest...)...) }

// mostAmong is how many values one list of IN has at most.
const mostAmong = 256

// among cuts values into lists for IN. Sizes are rounded up to a power of two, so that a few statements serve all.
func among[T any](values []T, each func(list string, args []any) error) error {
	for ; len(values) > 0; values = values[min(mostAmong, len(values)):] {
		size := 4
		for size < min(mostAmong, len(values)) {
			size *= 2
		}
		args := make([]any, size)
		for i := range args {
			args[i] = values[min(i, len(values)-1)]
		}
		if err := each(`(?`+strings.Repeat(",?", size-1)+`)`, args); err != nil {
			return err
		}
	}
	return nil
}
