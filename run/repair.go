package run

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// RepairOptions say how somebody's mailboxes are repaired.
type RepairOptions struct {
	Dir    string // the state directory, which keeps how far it has come
	Config *Config
	// Hurry lets what is on its way to Exchange arrive at once.
	Hurry bool
	// Wait waits for a moment; nil: by the machine's clock.
	Wait func(ctx context.Context, until time.Time) error
	// Each is told of each step before it is taken; its error stops the repair there. nil: nobody is.
	Each func(onprem.Step) error
}

// owed is a licence or a membership that a repair took away.
type owed struct {
	SKU   string        `json:"sku,omitempty"`
	Off   []string      `json:"off,omitempty"`
	Group canopy.Anchor `json:"group,omitempty"` // the tenant's, that gives the licence
	Name  string        `json:"name,omitempty"`
}

// repairRecord is what the state directory keeps of a repair until it is done.
type repairRecord struct {
	User      canopy.Anchor   `json:"user"`
	Name      string          `json:"name"`
	Owed      []owed          `json:"owed"`
	Taken     bool            `json:"taken"`
	Returning bool            `json:"returning"`
	Given     bool            `json:"given"`
	Cycles    map[string]bool `json:"cycles"`
}

// repair is one repair under way.
type repair struct {
	l    *Local
	o    *RepairOptions
	p    *OnPrem
	user *tenant.Object
	here *onprem.Object // nil when no forest has it
	at   int
	file string
	rec  repairRecord
	old  bool // it was begun before
}

// OnPrem is the forests' side of Exchange on the same forests and tenant. It is not closed by itself.
func (l *Local) OnPrem(cfg *Config) *OnPrem {
	p := &OnPrem{cfg: cfg, tenant: l.Tenant}
	for i := range l.Sources {
		p.forests = append(p.forests, l.Sources[i].Connector)
	}
	return p
}

// Repair takes the second mailbox of somebody who has one in a forest and another in the cloud: takes the licences away, makes
// Exchange forget the mailbox, synchronises, and gives the licences back only when the cloud knows the forest's mailbox.
// What is in the cloud's mailbox is lost. It goes on where an earlier one was stopped or killed.
func (l *Local) Repair(ctx context.Context, user string, o RepairOptions) ([]onprem.Step, error) {
	o.complete()
	r, err := l.beginRepair(ctx, user, &o)
	if err != nil {
		return nil, err
	}
	var steps []onprem.Step
	for {
		state, err := r.look(ctx)
		if err != nil {
			return steps, err
		}
		step, err := state.Next()
		if err != nil {
			return steps, err
		}
		if err := o.Each(step); err != nil {
			return steps, err
		}
		steps = append(steps, step)
		if step.Do == onprem.StepDone {
			return steps, r.end()
		}
		if err := r.take(ctx, step); err != nil {
			return steps, fmt.Errorf("%s: %s: %w", r.rec.Name, step.Do, err)
		}
	}
}

func (o *RepairOptions) complete() {
	if o.Each == nil {
		o.Each = func(onprem.Step) error { return nil }
	}
	if o.Wait == nil {
		o.Wait = func(ctx context.Context, until time.Time) error {
			t := time.NewTimer(time.Until(until))
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// NextRepair says what a repair would do next, and does nothing.
func (l *Local) NextRepair(ctx context.Context, user string, o RepairOptions) (onprem.Step, error) {
	r, err := l.beginRepair(ctx, user, &o)
	if err != nil {
		return onprem.Step{}, err
	}
	state, err := r.look(ctx)
	if err != nil {
		return onprem.Step{}, err
	}
	return state.Next()
}

// beginRepair finds the user, the forest's object, and what an earlier repair has noted.
func (l *Local) beginRepair(ctx context.Context, user string, o *RepairOptions) (*repair, error) {
	u, err := l.Tenant.Admin().Find(ctx, user)
	if err != nil {
		return nil, err
	}
	r := &repair{l: l, o: o, p: l.OnPrem(o.Config), user: u, file: filepath.Join(o.Dir, "repair-"+string(u.ID)+".json"),
		rec: repairRecord{User: u.ID, Name: u.Cloud.Text("cloudUserPrincipalName"), Cycles: map[string]bool{}}}
	text, err := os.ReadFile(r.file)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r.rec)
	}
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "repair-file", Object: r.file, Text: "what an earlier repair noted cannot be read", Err: err, Next: "look at the file: it names the licences that are to be given back"}
	}
	r.old = true
	return r, nil
}

// look sees how things stand.
func (r *repair) look(ctx context.Context) (*onprem.Repairing, error) {
	if _, err := r.l.Tenant.Tick(ctx); err != nil {
		return nil, err
	}
	admin := r.l.Tenant.Admin()
	var err error
	if r.user, err = admin.Get(ctx, r.rec.User); err != nil {
		return nil, err
	}
	s := &onprem.Repairing{User: r.rec.Name, Synced: r.user.Synced, Licensed: r.user.HasExchangePlan(), Begun: r.old, Owed: len(r.rec.Owed), Taken: r.rec.Taken, Returning: r.rec.Returning,
		Given: r.rec.Given, Cycles: r.rec.Cycles}
	if s.Synced {
		if err := r.find(ctx); err != nil {
			return nil, err
		}
	}
	if r.here != nil && r.here.Details().Mailbox() {
		s.Here = r.here.MailboxGUID()
	}
	v, err := admin.Recipient(ctx, string(r.rec.User), tenant.Everybody)
	if canopy.KindOf(err) == canopy.NotFound {
		s.Waiting = true // it has never arrived
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Waiting, s.Known, s.Had = !v.Waiting.IsZero(), v.SyncedGUID, v.Previous == exchange.UserMailbox && !v.Details.Mailbox()
	if v.Details.Mailbox() {
		s.Mailbox = v.ExchangeGUID
	}
	return s, nil
}

// find reads the forest's object of the user, by its anchor or its sign-in name.
func (r *repair) find(ctx context.Context) error {
	r.here = nil
	for i := range r.p.forests {
		for _, req := range []canopy.SearchRequest{{Anchor: anchorOf(r.user.SourceAnchor)}, {Name: r.rec.Name}} {
			if req.Anchor == "" && req.Name == "" {
				continue
			}
			req.Classes, req.Attrs, req.Limit = recipientClasses, onprem.Asked, 10
			found, err := r.p.forests[i].Search(ctx, req)
			if err != nil {
				return err
			}
			for n := range found {
				if o := onprem.Of(r.p.cfg.Forests[i].Name, &found[n]); found[n].Failed == nil && o.SourceAnchor() == r.user.SourceAnchor {
					r.here, r.at = o, i
					return nil
				}
			}
		}
	}
	return nil
}

// anchorOf is the objectGUID that a source anchor may be; "" where it is none.
func anchorOf(source string) canopy.Anchor {
	octets, err := base64.StdEncoding.DecodeString(source)
	if err != nil {
		return ""
	}
	g, ok := recipient.GUIDOf(octets)
	if !ok {
		return ""
	}
	return canopy.Anchor(g.String())
}

// take takes one step.
func (r *repair) take(ctx context.Context, s onprem.Step) error {
	switch s.Do {
	case onprem.StepWait:
		return r.wait(ctx)
	case onprem.StepUnlicense:
		return r.unlicense(ctx)
	case onprem.StepClear:
		if err := r.note(func(*repairRecord) {}); err != nil { // it has begun, also for who has no licence
			return err
		}
		return r.l.Tenant.Admin().ClearPrevious(ctx, string(r.rec.User))
	case onprem.StepCycle:
		return r.cycle(ctx, s.For)
	case onprem.StepLicense:
		return r.license(ctx)
	}
	return nil
}

func (r *repair) wait(ctx context.Context) error {
	if r.o.Hurry {
		_, err := r.l.Tenant.Hurry(ctx, r.rec.User)
		return err
	}
	f, err := r.l.Tenant.Tick(ctx)
	if err != nil || f.Next.IsZero() {
		return err
	}
	return r.o.Wait(ctx, f.Next)
}

func (r *repair) cycle(ctx context.Context, after string) error {
	report, err := r.l.Cycle(ctx, Options{})
	if err != nil {
		return err
	}
	if len(report.Stopped) > 0 {
		return &canopy.Error{Kind: canopy.Unsafe, Code: "guard", Object: fmt.Sprintf("plan %d", report.Plan), Text: report.Stopped[0].Text,
			Next: fmt.Sprintf("canopy plan show %d, canopy plan approve %d, canopy run --plan %d; then repair again", report.Plan, report.Plan, report.Plan)}
	}
	for _, i := range report.Failures() {
		return &canopy.Error{Kind: canopy.Unreachable, Code: "not-read", Object: string(i.Connector), Text: i.Error, Next: "repair again when it can be read"}
	}
	return r.note(func(n *repairRecord) { n.Cycles[after] = true })
}

// note writes down how far the repair has come.
func (r *repair) note(change func(*repairRecord)) error {
	change(&r.rec)
	text, err := json.MarshalIndent(&r.rec, "", "  ")
	if err == nil {
		err = os.WriteFile(r.file+".new", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(r.file+".new", r.file)
	}
	if err != nil {
		return fmt.Errorf("note the repair: %w", err)
	}
	r.old = true
	return nil
}

func (r *repair) end() error {
	if err := os.Remove(r.file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("end the repair: %w", err)
	}
	return nil
}

// unlicense notes the licences that carry a mailbox, and takes them away.
func (r *repair) unlicense(ctx context.Context) error {
	if !r.old {
		list, err := r.owes(ctx)
		if err != nil {
			return err
		}
		if err := r.note(func(n *repairRecord) { n.Owed = list }); err != nil {
			return err
		}
	}
	for _, w := range r.rec.Owed {
		var err error
		switch {
		case w.Group != "":
			err = r.member(ctx, w, false)
		case slices.Contains(r.user.Licences, w.SKU):
			err = r.l.Tenant.Admin().License(ctx, r.rec.User, nil, []string{w.SKU})
		}
		if err != nil {
			return err
		}
	}
	return r.note(func(n *repairRecord) { n.Taken = true })
}

// owes are the licences of the user that carry a mailbox, and the groups that give one.
func (r *repair) owes(ctx context.Context) ([]owed, error) {
	states, err := r.l.Tenant.Admin().LicenceStates(ctx, r.rec.User)
	if err != nil {
		return nil, err
	}
	var list []owed
	for _, s := range states {
		if !tenant.CarriesMailbox(s.SKU, s.Off) {
			continue
		}
		if s.Group == "" {
			list = append(list, owed{SKU: s.SKU, Off: s.Off})
			continue
		}
		g, err := r.l.Tenant.Admin().Get(ctx, s.Group)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(list, func(w owed) bool { return w.Group == s.Group }) {
			list = append(list, owed{Group: s.Group, Name: g.Attrs.Text(canopy.AttrDisplayName)})
		}
	}
	return list, nil
}

// license gives back what was taken.
func (r *repair) license(ctx context.Context) error {
	if err := r.note(func(n *repairRecord) { n.Returning = true }); err != nil {
		return err
	}
	for _, w := range r.rec.Owed {
		var err error
		if w.Group != "" {
			err = r.member(ctx, w, true)
		} else {
			err = r.l.Tenant.Admin().License(ctx, r.rec.User, []tenant.Licence{{SKU: w.SKU, Off: w.Off}}, nil)
		}
		if err != nil {
			return err
		}
	}
	return r.note(func(n *repairRecord) { n.Given = true })
}

// member makes the user a member of a group that gives a licence, or ends it: in the tenant, or in the forest that the group
// is synchronised from.
func (r *repair) member(ctx context.Context, w owed, in bool) error {
	admin := r.l.Tenant.Admin()
	g, err := admin.Get(ctx, w.Group)
	if err != nil {
		return err
	}
	switch there := slices.Contains(r.user.Groups, w.Group); {
	case g.Synced:
		return r.forestMember(ctx, g, in)
	case in && !there:
		return admin.AddToGroup(ctx, w.Group, r.rec.User)
	case !in && there:
		return admin.RemoveFromGroup(ctx, w.Group, r.rec.User)
	}
	return nil
}

// forestMember changes the membership of a group that lives in a forest: that of the user's account.
func (r *repair) forestMember(ctx context.Context, g *tenant.Object, in bool) error {
	name := g.Attrs.Text(canopy.AttrDisplayName)
	cannot := func(text, next string) error {
		return &canopy.Error{Kind: canopy.Conflict, Code: "licensing-group", Object: name, Text: text, Next: next}
	}
	if r.here == nil {
		return cannot("the group gives the licence, and no forest has the account of "+r.rec.Name, "take the user out of the group by hand, then repair again")
	}
	forest := r.p.forests[r.at]
	found, err := forest.Search(ctx, canopy.SearchRequest{Anchor: anchorOf(g.SourceAnchor), Classes: []canopy.Class{canopy.Group}, Attrs: []canopy.Attr{canopy.AttrMember}, Limit: 1})
	if err != nil {
		return err
	}
	if anchorOf(g.SourceAnchor) == "" || len(found) == 0 {
		return cannot("the group gives the licence, and "+string(r.here.Forest)+" does not have it", "take the user out of the group by hand, then repair again")
	}
	is := slices.ContainsFunc(found[0].Links[canopy.AttrMember].Added, func(ref canopy.Ref) bool {
		return ref.Anchor == r.here.Anchor || strings.EqualFold(ref.DN, r.here.DN)
	})
	if is == in {
		return nil
	}
	change := canopy.LinkChange{Removed: []canopy.Ref{{Anchor: r.here.Anchor}}}
	if in {
		change = canopy.LinkChange{Added: change.Removed}
	}
	results, err := forest.Write(ctx, []canopy.Export{{Op: canopy.Modify, Class: canopy.Group, Ref: canopy.Ref{Anchor: found[0].Anchor}, Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: change}}})
	if err != nil {
		return err
	}
	if res := results[0]; res.Kind != canopy.Done || len(res.Failed) > 0 {
		return cannot(strings.TrimSpace(res.Code+" "+res.Text), "correct the cause, then repair again")
	}
	return nil
}
