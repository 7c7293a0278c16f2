package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sqlitedriver "modernc.org/sqlite"

	"github.com/canopy-sync/canopy"
)

// SQLite's primary result codes that people can act on.
const (
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
	codeShmSize  = 10 | 19<<8 // the file that readers and the writer share cannot grow
)

// fault classifies an error of the driver.
func (d *DB) fault(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e := (*canopy.Error)(nil); errors.As(err, &e) {
		return err
	}
	e := d.d.fault(err)
	if e == nil {
		return fmt.Errorf("%s: %w", headline(doing), err)
	}
	e.Object, e.Err = d.path, err
	return e
}

// fileFault classifies an error of SQLite.
func fileFault(err error) *canopy.Error {
	var s *sqlitedriver.Error
	if !errors.As(err, &s) {
		return nil
	}
	e := &canopy.Error{}
	code := s.Code() & 0xff
	if s.Code() == codeShmSize {
		code = codeFull
	}
	switch code {
	case codeFull:
		e.Kind, e.Code = canopy.Full, "store-full"
		e.Text, e.Next = "there is no space left for the store", "free some space and run again; what was recorded is kept, nothing is half done"
	case codeBusy:
		e.Kind, e.Code = canopy.Conflict, "store-busy"
		e.Text, e.Next = "another process writes to the store", "wait until it has ended, or stop it"
	case codeReadOnly, codeCantOpen:
		e.Kind, e.Code = canopy.Forbidden, "store-access"
		e.Text, e.Next = "the store cannot be opened or written", "check that the folder exists and that this account may write to it"
	case codeNotADB, codeCorrupt:
		e.Kind, e.Code = canopy.Invalid, "store-damaged"
		e.Text, e.Next = "this is not a store, or it is damaged", "check the path; restore a copy, or remove it and run a full import"
	case codeIO:
		e.Kind, e.Code = canopy.Unreachable, "store-disk"
		e.Text, e.Next = "the disk of the store does not read or write", "check the disk"
	default:
		return nil
	}
	return e
}

// headline is a statement's beginning on one line, for errors.
func headline(query string) string {
	q := strings.Join(strings.Fields(query), " ")
	if len(q) > 80 {
		q = strings.ToValidUTF8(q[:77], "") + "..."
	}
	return q
}
