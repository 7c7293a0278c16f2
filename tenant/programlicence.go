package tenant

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// License gives and takes an object's licences for a program, all or none.
func (d *Directory) License(ctx context.Context, by Actor, id canopy.Anchor, add []Licence, remove []string) error {
	return d.change(ctx, "license", id, func(x *tx, r *record) error {
		if err := x.license(r, add, remove); err != nil {
			return err
		}
		return x.audit(by, "Change "+string(r.class)+" license", r, nil)
	})
}

// SKUs gives the tenant's products, as Admin does.
func (d *Directory) SKUs(ctx context.Context) ([]SubscribedSKU, error) { return d.t.Admin().SKUs(ctx) }
