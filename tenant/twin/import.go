package twin

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// Count is how often there is something.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Report says what an import filled in, and what it could not know.
type Report struct {
	Tenant    string `json:"tenant"`
	Initial   string `json:"initial"`
	Users     int    `json:"users"`
	Groups    int    `json:"groups"`
	Contacts  int    `json:"contacts"`
	Deleted   int    `json:"deletedUsers"`
	Links     int    `json:"links"`
	Mailboxes int    `json:"mailboxes"`
	// Derived says that recipients and mailboxes are what Exchange decides from the objects: there is no complete companion.
	Derived bool `json:"derived"`
	// Unanchored are synchronised objects whose source anchor is not known.
	Unanchored int `json:"unanchored"`
	// Foreign are links to what is no object of the tenant, such as devices.
	Foreign int `json:"foreignLinks"`
	// Unknown are licences of products that the tenant does not know, Left properties that it has no place for.
	Unknown []Count `json:"unknownProducts,omitempty"`
	Left    []Count `json:"leftOut,omitempty"`
	// Missing are kinds of which there are no files, Unfinished those whose last page says that there are more.
	Missing    []string `json:"missing,omitempty"`
	Unfinished []string `json:"unfinished,omitempty"`
}

// Progress is told how far a step is; total is 0 while it is not known.
type Progress func(step string, done, total int, end bool)

// Folder is a folder that was looked through and can be imported. The caller closes it.
type Folder struct{ r *reading }

// Open looks through a folder: what is there, but for the objects' values. What is wrong with it is an error that names the
// file and the line.
func Open(dir string) (*Folder, error) {
	r, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{r}, nil
}

// Close closes its files.
func (f *Folder) Close() error { return f.r.Close() }

// Initial is the initial domain of the tenant that it tells of.
func (f *Folder) Initial() string { return f.r.conf.Initial }

// Import fills a tenant from the folder, all or nothing. With replace it lets go what the tenant holds.
func (f *Folder) Import(ctx context.Context, t *tenant.Tenant, replace bool, tell Progress) (*Report, error) {
	r := f.r
	d := newDeriver(r.conf.Initial)
	out := &Report{Tenant: r.conf.ID, Initial: r.conf.Initial, Derived: !r.complete, Missing: r.missing()}
	for k := range r.unfinished {
		if r.unfinished[k] {
			out.Unfinished = append(out.Unfinished, string(k))
		}
	}
	slices.Sort(out.Unfinished)
	order := r.byNumber()
	moments := make([]tenant.Moment, len(order))
	for i, at := range order {
		e := r.entries[at]
		moments[i] = tenant.Moment{ID: e.id, Number: e.number, Made: e.made, Changed: e.changed}
		if e.extra.size == 0 {
			continue
		}
		if err := r.moment(e, &moments[i]); err != nil {
			return nil, err
		}
	}
	done, err := t.Admin().Fill(ctx, tenant.Filling{Replace: replace, Tenant: r.conf, Moments: moments, Objects: r.all(order, d, out, tell), Mailboxes: r.mailboxes(),
		Derive: !r.complete})
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", r.dir, err)
	}
	tell("import", done.Objects, done.Objects, true)
	out.Links, out.Foreign, out.Left, out.Unknown = done.Links, done.Foreign, counts(d.left), counts(d.unknown)
	if !r.complete {
		if _, err := t.Hurry(ctx, ""); err != nil {
			return nil, err
		}
	}
	boxes, err := t.Admin().Mailboxes(ctx)
	out.Mailboxes = len(boxes)
	return out, err
}

// moment reads from the companion when an object was made and changed.
func (r *reading) moment(e *entry, m *tenant.Moment) error {
	s, err := r.supplement(e)
	if err != nil {
		return err
	}
	if s.Made != nil {
		m.Made = *s.Made
	}
	if s.Changed != nil {
		m.Changed = *s.Changed
	}
	return nil
}

func (r *reading) supplement(e *entry) (*supplement, error) {
	text, err := r.read(e.extra)
	if err != nil {
		return nil, err
	}
	l, err := readLine(text)
	if err != nil {
		return nil, r.about(e.extra, e.id, err)
	}
	return &l.supplement, nil
}

// byNumber are the entries in the order of their numbers.
func (r *reading) byNumber() []int32 {
	order := make([]int32, len(r.entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return int(r.entries[a].number - r.entries[b].number) })
	return order
}

// all gives the objects, and counts them.
func (r *reading) all(order []int32, d *deriver, out *Report, tell Progress) iter.Seq2[*tenant.Whole, error] {
	return func(yield func(*tenant.Whole, error) bool) {
		anchors := map[string]canopy.Anchor{}
		for done, at := range order {
			w, err := r.whole(at, d)
			if err == nil && w.Anchor != "" {
				if other, twice := anchors[w.Anchor]; twice {
					err = r.about(r.entries[at].at, w.ID, &canopy.Error{Kind: canopy.Invalid, Attr: canopy.AttrSourceAnchor, Other: string(other),
						Text: "the source anchor " + w.Anchor + " is another object's too"})
				}
				anchors[w.Anchor] = w.ID
			}
			if err == nil {
				out.add(w)
			}
			if !yield(w, err) || err != nil {
				return
			}
			tell("import", done+1, len(order), false)
		}
	}
}

func (out *Report) add(w *tenant.Whole) {
	switch {
	case !w.Deleted.IsZero():
		out.Deleted++
	case w.Class == canopy.User:
		out.Users++
	case w.Class == canopy.Group:
		out.Groups++
	default:
		out.Contacts++
	}
	if w.Master == tenant.MasterForest && w.Anchor == "" {
		out.Unanchored++
	}
}

// derived is an object as Graph tells it, without its links.
func (r *reading) derived(at int32, d *deriver) (*tenant.Whole, error) {
	e := r.entries[at]
	text, err := r.read(e.at)
	if err != nil {
		return nil, err
	}
	w, err := d.object(e.class, text, e.managed, e.roles)
	if err != nil {
		return nil, r.about(e.at, e.id, err)
	}
	return w, nil
}

// whole is an object with what the companion says, and all its links.
func (r *reading) whole(at int32, d *deriver) (*tenant.Whole, error) {
	w, err := r.derived(at, d)
	if err != nil {
		return nil, err
	}
	e := r.entries[at]
	var special []tenant.WholeLink
	if e.extra.size > 0 {
		s, err := r.supplement(e)
		if err != nil {
			return nil, err
		}
		s.apply(w)
		special = s.Links
	}
	w.Number = e.number
	for _, t := range r.tiesOf(at) {
		if slices.ContainsFunc(special, func(l tenant.WholeLink) bool { return l.Attr == t.attr && l.To == t.to }) {
			continue
		}
		w.Links = append(w.Links, w.UsualLink(t.attr, t.to))
	}
	w.Links = append(w.Links, special...)
	return w, nil
}

// mailboxes gives those of the companion.
func (r *reading) mailboxes() iter.Seq2[*tenant.WholeMailbox, error] {
	return func(yield func(*tenant.WholeMailbox, error) bool) {
		for _, p := range r.boxes {
			text, err := r.read(p)
			var l *line
			if err == nil {
				l, err = readLine(text)
			}
			if err == nil {
				err = r.completeMailbox(l.Mailbox)
			}
			if err != nil {
				yield(nil, r.about(p, "", err))
				return
			}
			if !yield(l.Mailbox, nil) {
				return
			}
		}
	}
}

// completeMailbox fills in what a companion written by hand need not say: an active, personal mailbox, as old as its owner.
func (r *reading) completeMailbox(m *tenant.WholeMailbox) error {
	m.Owner = canopy.Anchor(strings.ToLower(string(m.Owner)))
	at, known := r.byID[m.Owner]
	wrong := func(name canopy.Attr, text string) error {
		return &canopy.Error{Kind: canopy.Invalid, Attr: name, Text: text}
	}
	m.Kind, m.State = cmp.Or(m.Kind, exchange.Personal), cmp.Or(m.State, exchange.Active)
	switch {
	case m.GUID.IsZero():
		return wrong("guid", "the mailbox has no GUID")
	case !known && m.Gone == 0:
		return wrong("owner", "the mailbox's owner "+string(m.Owner)+" is not among the objects")
	case !slices.Contains(mailboxKinds, m.Kind):
		return wrong("kind", "there are no mailboxes of the kind "+string(m.Kind))
	case !slices.Contains(mailboxStates, m.State):
		return wrong("state", "a mailbox is never "+string(m.State))
	}
	if m.Created.IsZero() && known {
		m.Created = r.entries[at].made
	}
	if m.Since.IsZero() {
		m.Since = m.Created
	}
	return nil
}

var (
	mailboxKinds  = []exchange.Kind{exchange.Personal, exchange.Shared, exchange.Room, exchange.Equipment, exchange.Archive}
	mailboxStates = []exchange.State{exchange.Active, exchange.Disconnected, exchange.SoftDeleted, exchange.Inactive, exchange.Purged}
)
