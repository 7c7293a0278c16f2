package db

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/canopy-sync/canopy"
)

// server keeps a database in a schema of a PostgreSQL server: the one that search_path of its address names, else the
// account's first.
var server = dialect{
	begin:    []string{"BEGIN"},
	snapshot: []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT count(*) FROM migration"},
	analyze:  []string{"ANALYZE"},
	lost:     lostServer,
	open:     openServer, first: claimServer, last: func(context.Context, *session) {}, fault: serverFault,
	own:     map[string]string{" TEXT": ` TEXT COLLATE "C"`},
	comment: "/*postgres",
}

// writerLock is the advisory lock, beside the schema's own number, of the process that writes.
const writerLock = "1667329647"

// IsAddress tells whether a database is named by the address of a server and not by a file.
func IsAddress(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// withoutPassword is an address as it may be shown.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "postgres://"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	if q.Has("password") {
		q.Del("password")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// secured is an address that insists on TLS with a proven certificate, unless it says otherwise or stays on this machine.
func secured(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	host := cmp.Or(q.Get("host"), u.Hostname())
	if q.Has("sslmode") || host == "" || strings.HasPrefix(host, "/") || host == "localhost" {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return address
	}
	q.Set("sslmode", "verify-full")
	u.RawQuery = q.Encode()
	return u.String()
}

// openServer makes the reading or the writing connections; none is opened yet.
func openServer(d *DB, address string, write bool) (*sql.DB, error) {
	conf, err := pgx.ParseConfig(secured(address))
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "store-address", Object: d.path, Text: "this is no address of a PostgreSQL database",
			Next: "write it as postgres://account@host:5432/database"}
	}
	if d.opt.Password != "" {
		conf.Password = d.opt.Password
	}
	conf.RuntimeParams["application_name"] = "canopy"
	conf.RuntimeParams["timezone"] = "UTC"
	if !write {
		conf.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if d.opt.Volatile {
		conf.RuntimeParams["synchronous_commit"] = "off"
	}
	return stdlib.OpenDB(*conf), nil
}

// claimServer makes this process the one that writes. The server gives the claim back when the connection ends, however
// it ends; a process that claims again after that must find that nobody else wrote meanwhile, since it keeps some of what
// is stored in memory.
func claimServer(ctx context.Context, d *DB, conn *sql.Conn) error {
	var schema sql.NullString
	if err := conn.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return d.fault("open", err)
	}
	if !schema.Valid {
		return &canopy.Error{Kind: canopy.NotFound, Code: "store-schema", Object: d.path, Text: "the database has no schema that this account may use",
			Next: "create the schema that search_path names, or grant the account its use"}
	}
	for _, q := range []string{"SET lock_timeout = " + strconv.FormatInt(cmp.Or(d.opt.Wait, 10*time.Second).Milliseconds(), 10), `SELECT pg_advisory_lock(` + writerLock + `, hashtext(current_schema()))`, "SET lock_timeout = 0"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return d.fault("open", err)
		}
	}
	return d.fault("open", claimTerm(ctx, d, conn))
}

// claimTerm counts the claims of the schema.
func claimTerm(ctx context.Context, d *DB, conn *sql.Conn) error {
	if d.term == 0 {
		for _, q := range []string{`CREATE TABLE IF NOT EXISTS writer (term BIGINT NOT NULL)`, `INSERT INTO writer (term) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM writer)`} {
			if _, err := conn.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return conn.QueryRowContext(ctx, `UPDATE writer SET term = term + 1 RETURNING term`).Scan(&d.term)
	}
	var now int64
	if err := conn.QueryRowContext(ctx, `SELECT term FROM writer`).Scan(&now); err != nil {
		return err
	}
	if now != d.term {
		return &canopy.Error{Kind: canopy.Conflict, Code: "store-taken", Object: d.path, Text: "another process has written to the store since the connection was lost",
			Next: "run again"}
	}
	return nil
}

// lostServer tells whether a connection to the server has ended.
func lostServer(conn any) bool {
	c, ok := conn.(*stdlib.Conn)
	return !ok || c.Conn().IsClosed()
}

// A failure class is the beginning of SQLSTATE codes, with what people can do about it. The first that fits counts.
var serverFaults = []struct {
	state      string
	kind       canopy.ErrorKind
	code       string
	text, next string
}{
	{"53100", canopy.Full, "store-full", "there is no space left for the store", "free some space on the database server and run again; what was recorded is kept, nothing is half done"},
	{"53300", canopy.Unreachable, "store-server", "the database server has no connection left", "raise its max_connections, or stop other programs"},
	{"28", canopy.Credentials, "store-account", "the database server does not let this account in", "check account, password and the server's pg_hba.conf"},
	{"3D000", canopy.NotFound, "store-missing", "there is no such database", "create it, and give the account all rights on it"},
	{"42P01", canopy.NotFound, "store-missing", "there is no store yet", "run: canopy run"},
	{"42501", canopy.Forbidden, "store-access", "the account may not do this in the database", "give it all rights on the schema"},
	{"25006", canopy.Forbidden, "store-access", "the database takes no writes", "name the primary server, not a standby"},
	{"55P03", canopy.Conflict, "store-busy", "another process writes to the store", "wait until it has ended, or stop it"},
	{"40", canopy.Conflict, "store-busy", "another process works on the same tables", "run again"},
	{"57P", canopy.Unreachable, "store-server", "the database server is stopping or starting", "run again when it is up; what was recorded is kept"},
	{"08", canopy.Unreachable, "store-server", "the database server does not answer", "run again when it is up; what was recorded is kept"},
	{"58", canopy.Unreachable, "store-disk", "the database server's disk does not read or write", "check the server's log"},
}

// serverFault classifies an error of PostgreSQL.
func serverFault(err error) *canopy.Error {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		for _, f := range serverFaults {
			if strings.HasPrefix(p.Code, f.state) {
				return &canopy.Error{Kind: f.kind, Code: f.code, Text: f.text, Next: f.next}
			}
		}
		return nil
	}
	var c *pgconn.ConnectError
	var n net.Error
	if errors.As(err, &c) || errors.As(err, &n) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &canopy.Error{Kind: canopy.Unreachable, Code: "store-server", Text: "the database server does not answer",
			Next: "check that it is up, and its address; then run again: what was recorded is kept"}
	}
	return nil
}
