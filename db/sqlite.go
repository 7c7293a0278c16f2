package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/canopy-sync/canopy"
)

// A page that many transactions change is carried from the log into the file once, when the log has walBytes, instead of
// once for each few megabytes of it.
const (
	pageBytes = 8192
	walBytes  = 64 << 20
)

// file keeps a database in a file.
var file = dialect{
	begin:    []string{"BEGIN IMMEDIATE"},
	snapshot: []string{"BEGIN", "SELECT count(*) FROM migration"}, // a deferred transaction has no snapshot before its first read
	open:     openFile, first: shapeFile, last: analyzeLast, fault: fileFault,
	analyze:  statistics[:],
	question: true,
	own:      map[string]string{"BIGINT PRIMARY KEY": "INTEGER PRIMARY KEY"},
	comment:  "/*sqlite",
}

// openFile opens the reading or the writing connections.
func openFile(d *DB, path string, write bool) (*sql.DB, error) {
	if write {
		more := fmt.Sprintf("&_txlock=immediate&_pragma=journal_size_limit(%d)&_pragma=wal_autocheckpoint(%d)", walBytes, walBytes/pageBytes)
		return sql.Open("sqlite", d.dsn(d.opt.CacheMiB, more))
	}
	if d.opt.ReadOnly {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, &canopy.Error{Kind: canopy.NotFound, Code: "store-missing", Object: path, Text: "there is no store yet",
				Next: "run: canopy run, or canopy lab"}
		}
	} else {
		touch(path)
	}
	return sql.Open("sqlite", d.dsn(d.opt.CacheMiB/4, "&_pragma=query_only(1)"))
}

// touch makes the file for its owner's eyes only, as SQLite by itself would not; what SQLite puts beside it has the
// file's own mode. One that is there stays as it is. Where it cannot be made, opening says so.
func touch(path string) {
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		f.Close()
	}
}

// dsn is the driver's name for the file. It sets nothing that has to be set once only.
func (d *DB) dsn(cacheMiB int, more string) string {
	u := url.URL{Path: d.path}
	wait := "NORMAL"
	if d.opt.Volatile {
		wait = "OFF"
	}
	return "file:" + u.EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)&_pragma=synchronous(" + wait + ")" +
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-" + strconv.Itoa(max(2, cacheMiB)*1024) + ")" + more
}

// shapeFile sets what a file has to be told once: the page size only takes before the first table, the journal mode
// stays in it.
func shapeFile(ctx context.Context, d *DB, conn *sql.Conn) error {
	for _, pragma := range []string{"PRAGMA page_size = " + strconv.Itoa(pageBytes), "PRAGMA journal_mode = WAL"} {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return d.fault("open", err)
		}
	}
	return nil
}
