package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// ImportWish says where the people of a list are made, and how.
type ImportWish struct {
	Forest    string
	Parent    string // the DN of the container
	Mailboxes bool   // who has a mailbox in the cloud becomes a remote mailbox
}

// Imported is what became of a row of a list.
type Imported struct {
	onprem.Row
	onprem.Match
	Object  string          `json:"object,omitempty"` // the forest's
	User    canopy.Anchor   `json:"user,omitempty"`   // the tenant's
	Anchor  string          `json:"sourceAnchor,omitempty"`
	Done    []string        `json:"done,omitempty"` // created, repaired, matched
	Problem *canopy.Error   `json:"-"`
	Error   string          `json:"error,omitempty"`
	Code    string          `json:"code,omitempty"`
	Stamp   []onprem.Change `json:"stamp,omitempty"`

	cloud *onprem.Cloud
	here  *onprem.Object
	at    int
}

// failed keeps why a row was not done; what is no error of a row ends all.
func (i *Imported) failed(err error) error {
	var e *canopy.Error
	if !errors.As(err, &e) || e.Kind == canopy.Unreachable || e.Kind == canopy.Credentials || e.Code == "ad-read-only" {
		return fmt.Errorf("line %d: %w", i.Line, err)
	}
	i.Problem, i.Error, i.Code = e, err.Error(), e.Code
	return nil
}

// PlanImport decides for each row what is to be done, and does nothing.
func (p *OnPrem) PlanImport(ctx context.Context, w ImportWish, rows []onprem.Row) ([]*Imported, error) {
	if p.tenant == nil {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "no-tenant", Text: "there is no tenant whose users could be matched", Next: "canopy plan makes one, and so does canopy lab"}
	}
	at, err := p.place(w)
	if err != nil {
		return nil, err
	}
	all := make([]*Imported, len(rows))
	for n := range rows {
		i := &Imported{Row: rows[n], at: at}
		all[n] = i
		if err := p.planRow(ctx, w, i); err != nil {
			if err := i.failed(err); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// place is the forest of the list.
func (p *OnPrem) place(w ImportWish) (int, error) {
	where, err := p.chosen(w.Forest)
	if err != nil {
		return 0, err
	}
	for _, i := range where {
		if len(where) == 1 || p.under(i, w.Parent) {
			return i, nil
		}
	}
	return 0, &canopy.Error{Kind: canopy.Invalid, Code: "which-forest", Object: w.Parent, Text: "nothing says in which forest the accounts are to be made", Next: "name it with --forest"}
}

func (p *OnPrem) planRow(ctx context.Context, w ImportWish, i *Imported) error {
	var err error
	if i.cloud, err = p.cloudUser(ctx, i.UPN); err != nil {
		return err
	}
	if i.here, err = p.already(ctx, i.at, i.UPN); err != nil {
		return err
	}
	s := p.tenant.Admin().Switches()
	i.Match, err = onprem.DecideMatch(&i.Row, i.cloud, i.here, onprem.Switches{BlockSoftMatch: s.BlockSoftMatch, BlockHardMatch: s.BlockHardMatchTakeover, SoftMatchOnUPN: s.SoftMatchOnUPN})
	if err != nil {
		return err
	}
	i.User = i.cloud.ID
	if i.here != nil {
		i.Object, i.Anchor = i.here.DN, i.here.SourceAnchor()
		return nil
	}
	made, err := p.Decide(ctx, p.wish(w, i))
	if err != nil {
		return err
	}
	i.Object, i.Stamp = made.Object, made.Changes
	return nil
}

func (p *OnPrem) wish(w ImportWish, i *Imported) Wish {
	return Wish{Forest: string(p.cfg.Forests[i.at].Name), Parent: w.Parent, Ask: onprem.AskFor(&i.Row, i.cloud, w.Mailboxes)}
}

// cloudUser is a user of the tenant; nil for none.
func (p *OnPrem) cloudUser(ctx context.Context, upn string) (*onprem.Cloud, error) {
	admin := p.tenant.Admin()
	o, err := admin.Find(ctx, upn)
	if canopy.KindOf(err) == canopy.NotFound || err == nil && (o.Class != canopy.User || canopy.Fold(o.Cloud.Text("cloudUserPrincipalName")) != canopy.Fold(upn)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &onprem.Cloud{ID: o.ID, UPN: o.Cloud.Text("cloudUserPrincipalName"), Anchor: o.SourceAnchor, Synced: o.Synced, Roles: o.Roles, Alias: o.Cloud.Text("cloudAlias"),
		Display: o.Attrs.Text(canopy.AttrDisplayName), GivenName: o.Attrs.Text("givenName"), Surname: o.Attrs.Text("surname"), Addresses: o.Cloud["cloudProxyAddresses"].Strings()}
	v, err := admin.Recipient(ctx, string(o.ID), tenant.WithMailbox)
	if canopy.KindOf(err) == canopy.NotFound {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	c.Mailbox, c.Kind = v.ExchangeGUID, exchange.Personal
	for _, m := range v.Mailboxes {
		if m.GUID == v.ExchangeGUID {
			c.Kind = m.Kind
		}
	}
	return c, nil
}

// already is the forest's object with the sign-in name; nil for none.
func (p *OnPrem) already(ctx context.Context, at int, upn string) (*onprem.Object, error) {
	found, err := p.forests[at].Search(ctx, canopy.SearchRequest{Name: upn, Classes: recipientClasses, Attrs: onprem.Asked, Limit: 10})
	if err != nil {
		return nil, err
	}
	for n := range found {
		o := onprem.Of(p.cfg.Forests[at].Name, &found[n])
		if found[n].Failed == nil && canopy.Fold(o.Attrs.Text(canopy.AttrUPN)) == canopy.Fold(upn) {
			return o, nil
		}
	}
	return nil, nil
}

// Import makes the accounts that are missing, and repairs the anchors of the users that would not match otherwise. Each row
// stands by itself: one that was done before is found again. Synchronisation then takes the users over.
func (p *OnPrem) Import(ctx context.Context, w ImportWish, rows []*Imported) error {
	for _, i := range rows {
		if i.Problem != nil || i.How == "" {
			continue
		}
		if err := p.importRow(ctx, w, i); err != nil {
			if err := i.failed(err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *OnPrem) importRow(ctx context.Context, w ImportWish, i *Imported) error {
	if i.Create {
		s, err := p.Do(ctx, p.wish(w, i))
		if err != nil {
			return err
		}
		i.Done = append(i.Done, "created")
		if i.here, err = p.already(ctx, i.at, i.UPN); err != nil {
			return err
		}
		if i.here == nil {
			return &canopy.Error{Kind: canopy.NotFound, Code: "not-seen", Object: s.Object, Text: fmt.Sprintf("line %d: the account was made, and the forest does not show it", i.Line), Next: "run the same command again"}
		}
		i.Object, i.Anchor = i.here.DN, i.here.SourceAnchor()
	}
	if !i.Repair {
		return nil
	}
	if err := p.tenant.Admin().SetAttributes(ctx, i.User, canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts(i.Anchor)}); err != nil {
		return err
	}
	i.Done = append(i.Done, "repaired")
	return nil
}

// Matched says after a cycle which rows' users are synchronised from the forest's objects.
func (l *Local) Matched(ctx context.Context, rows []*Imported) error {
	for _, i := range rows {
		if i.Problem != nil {
			continue
		}
		o, err := l.Tenant.Admin().Get(ctx, i.User)
		if err != nil {
			return err
		}
		if o.Synced && o.SourceAnchor == i.Anchor {
			i.Done = append(i.Done, "matched")
			continue
		}
		_ = i.failed(&canopy.Error{Kind: canopy.Conflict, Code: "not-matched", Object: i.UPN, Text: fmt.Sprintf("line %d: synchronisation did not take the user over", i.Line),
			Next: "is the container in scope? canopy explain " + i.UPN + " and canopy log say more"}) // it is an error of the row
	}
	return nil
}
