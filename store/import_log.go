package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/canopy-sync/canopy"
)

// log writes what happened to an entry, but for the objects of a first full read. What a target adds of its own to what it
// was sent is told in the row that says that it has kept it.
func (im *importing) log(ctx context.Context, w *work) error {
	told := w.changed && w.op != "" && im.cur.Complete
	if w.kept != nil && told && w.op == "modify" && (w.oldDN == "" || w.oldDN == w.dn) {
		w.kept.Changes = differences(w.old, w.attrs)
		told = false
	}
	if w.kept != nil {
		if err := im.t.logRow(ctx, *w.kept); err != nil {
			return err
		}
	}
	if !told {
		return nil
	}
	row := LogRow{Run: im.req.Run, Entry: canopy.EntryID(w.id), Meta: canopy.MetaID(w.meta), Connector: im.c.ID, Step: LogImport, Op: w.op, Text: w.dn}
	if row.Text == "" {
		row.Text = w.oldDN
	}
	if row.Text == "" {
		row.Text = firstText(w.attrs.Text(canopy.AttrDisplayName), w.attrs.Text(canopy.AttrUPN), w.old.Text(canopy.AttrDisplayName))
	}
	if w.op == "modify" {
		row.Changes = differences(w.old, w.attrs)
		if w.oldDN != w.dn && w.oldDN != "" {
			row.Text = w.oldDN + " is now " + w.dn
		}
	}
	return im.t.logRow(ctx, row)
}

// differences are the changes from one set of attributes to another, by name.
func differences(old, now canopy.Attrs) []canopy.AttrChange {
	var out []canopy.AttrChange
	for name, v := range old {
		if len(v) > 0 && !v.Equal(now[name]) {
			out = append(out, canopy.AttrChange{Attr: name, Old: v, New: now[name]})
		}
	}
	for name, v := range now {
		if len(v) > 0 && len(old[name]) == 0 {
			out = append(out, canopy.AttrChange{Attr: name, New: v})
		}
	}
	slices.SortFunc(out, func(a, b canopy.AttrChange) int {
		// What was there before comes first.
		return cmp.Or(cmp.Compare(min(len(b.Old), 1), min(len(a.Old), 1)), cmp.Compare(a.Attr, b.Attr))
	})
	return out
}
