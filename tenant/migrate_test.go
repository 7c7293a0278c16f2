package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/canopy-sync/canopy"
)

// old makes a file of a layout, with one licensed user and one group, as the version that knew that layout did.
func old(t *testing.T, path string, at int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range steps[:at] {
		do(s.tables)
	}
	own := newBody()
	own.attrs = attrs("sourceAnchor", "QQ==", "userPrincipalName", "anna@contoso.com", "usageLocation", "AT")
	do(`INSERT INTO object (id, oid, class, anchor, synced, label, own, cloud, roles, licences, born, seq)
		VALUES (1, 'id1', 'user', 'QQ==', 1, 'anna@contoso.com', ?, ?, '', 'ENTERPRISEPACK', 1, 1)`, own.encode(), newBody().encode())
	do(`INSERT INTO claim (key, object) VALUES ('upn:anna@contoso.com', 1)`)
	do(`UPDATE counter SET seq = 1, id = 1`)
	do(`INSERT INTO setting (name, value) VALUES ('tenant', '{"tenant":"t1","initial":"contoso.onmicrosoft.com",
		"domains":[{"name":"contoso.onmicrosoft.com","verified":true},{"name":"contoso.com","verified":true}],"policy":"fail","switches":{"softMatchOnUpn":true}}')`)
	do(fmt.Sprintf(`PRAGMA user_version = %d`, at))
}

// TestLayouts: a file of every older layout opens with all that it holds, and works.
func TestLayouts(t *testing.T) {
	t.Parallel()
	for at := 1; at < len(steps); at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tenant.db")
			old(t, path, at)
			c := newClock()
			w := &world{t: t, path: path, time: c, opt: Options{Clock: c.Now, NewID: ids(), Durability: Volatile}}
			w.open()
			defer w.Close()
			o := w.get("id1")
			if o.Attrs.Text(canopy.AttrUPN) != "anna@contoso.com" || len(o.Licences) != 1 || o.Licences[0] != "ENTERPRISEPACK" {
				t.Errorf("got %+v", o)
			}
			w.done(modify("id1", "title", "Clerk"))
			diff(t, "addresses", w.get("id1").Cloud[cloudProxies].Strings(), []string{"SMTP:anna@contoso.com", "smtp:anna@" + initial})
			w.done(remove("id1"))
			w.reopen()
			var version int
			if err := w.file.read.QueryRowContext(context.Background(), `PRAGMA user_version`).Scan(&version); err != nil || version != len(steps) {
				t.Errorf("layout %d (%v), want %d", version, err, len(steps))
			}
		})
	}
}
