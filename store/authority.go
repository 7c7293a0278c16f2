package store

import (
	"context"
	"iter"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// authority keeps what a target's own administrators master of an object, so that it is not sent.
func (im *importing) authority(ctx context.Context, w *work) error {
	all, exchange := isTrue(canopy.AttrCloudManaged, w.attrs), isTrue(canopy.AttrExchangeManaged, w.attrs)
	if !im.c.target() || all == isTrue(canopy.AttrCloudManaged, w.old) && exchange == isTrue(canopy.AttrExchangeManaged, w.old) {
		return nil
	}
	if err := im.t.flush(ctx); err != nil {
		return err
	}
	if _, err := im.t.Exec(ctx, `DELETE FROM authority WHERE entry = $1`, w.id); err != nil {
		return err
	}
	var attrs []int64
	if all {
		attrs = append(attrs, 0)
	}
	for _, name := range im.req.Exchange {
		if !exchange {
			break
		}
		no, err := im.t.s.words.number(string(name))
		if err != nil {
			return err
		}
		attrs = append(attrs, no)
	}
	table := im.t.writer("authority", db.Bulk{Table: "authority", Columns: []string{"entry", "attr"}, Conflict: []string{"entry", "attr"}})
	for _, no := range attrs {
		if err := table.Add(ctx, w.id, no); err != nil {
			return err
		}
	}
	return im.t.flush(ctx, "authority")
}

// texts gives attributes as words.
func texts(attrs []canopy.Attr) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range attrs {
			if !yield(string(a)) {
				return
			}
		}
	}
}
