package db

import (
	"context"
	"database/sql"
	"strings"

	"github.com/canopy-sync/canopy"
)

// dialect is what one database does otherwise than the other. The SQL of the product is one text for both.
type dialect struct {
	begin    []string // a writing transaction
	snapshot []string // a reading one, with its first read
	analyze  []string // look at the tables, so that the right indexes are chosen
	question bool     // placeholders are "?" where they stand in order
	// open gives the connections for reading or writing.
	open func(d *DB, path string, write bool) (*sql.DB, error)
	// first is done with the writing connection before the migrations, and with one that takes the place of a lost one;
	// last before it is closed.
	first func(ctx context.Context, d *DB, conn *sql.Conn) error
	last  func(ctx context.Context, s *session)
	// lost tells whether the driver's connection is of no more use; nil: it never is.
	lost func(conn any) bool
	// fault classifies an error of the driver; nil: it is none that people can act on.
	fault func(err error) *canopy.Error
	// own are its own words for those of the migrations; comment begins what stands in them, or in a statement, for it
	// alone.
	own     map[string]string
	comment string
}

// schema puts a migration's text into the database's own words.
func (l *dialect) schema(text string) string {
	for word, own := range l.own {
		text = strings.ReplaceAll(text, word, own)
	}
	return l.words(text)
}

// words lets in what stands in a text for this database alone.
func (l *dialect) words(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, l.comment)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		own, after, _ := strings.Cut(rest, "*/")
		b.WriteString(own)
		text = after
	}
}
