package tenant

import (
	"errors"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
)

// keyAnchor is the kind of what foresee knows of source anchors; no claim has it.
const keyAnchor = "anchor:"

// foresee looks up in a few questions which of the anchors and claims of exports nobody has, so that each export by
// itself need not ask. What is stored later in the transaction is taken out again.
func (x *tx) foresee(exports []canopy.Export) error {
	if len(exports) == 1 {
		return nil
	}
	var anchors, claims []string
	for i := range exports {
		e := &exports[i]
		if e.Op == canopy.Add && e.SourceAnchor != "" {
			anchors = append(anchors, e.SourceAnchor)
		}
		for _, c := range claimsOf(e.Class, e.Set, nil) {
			if !strings.HasPrefix(c.key, keyName) {
				claims = append(claims, c.key)
			}
		}
	}
	x.free = make(map[string]bool, len(anchors)+len(claims))
	return errors.Join(x.unheld(keyAnchor, anchors, `SELECT anchor FROM object WHERE anchor IN `),
		x.unheld("", claims, `SELECT key FROM claim WHERE key IN `))
}

// unheld notes which of the names the query, which ends before its list, does not find.
func (x *tx) unheld(kind string, names []string, query string) error {
	const most = 256
	query += `(?` + strings.Repeat(",?", most-1) + `)`
	args := make([]any, most)
	for ; len(names) > 0; names = names[min(most, len(names)):] {
		part := names[:min(most, len(names))]
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		for _, n := range part {
			x.free[kind+n] = true
		}
		err := x.rows(func(r scanner) error {
			var name string
			err := r.Scan(&name)
			delete(x.free, kind+name)
			return err
		}, query, args...)
		if err != nil {
			return fmt.Errorf("look for what is taken: %w", err)
		}
	}
	return nil
}
