package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Licences of groups are given in the background: a change of a group's members or licences notes whom it concerns, and
// what each is to have is decided later from how things are then. So a group and its members may come in any order.

// dueAtOnce is how many users are looked at in one transaction.
const dueAtOnce = 200

// groupLicensing is who gives and takes the licences of groups.
var groupLicensing = Actor{Name: "Group-Based Licensing"}

// owe notes that a user's licences are to be looked at again.
func (x *tx) owe(user int64) { x.owed = append(x.owed, user) }

// memberChanged notes the member of a group with licences.
func (x *tx) memberChanged(group, member int64) error {
	if x.t.licensed == nil {
		x.t.licensed = map[int64]bool{}
		err := x.rowsNow(func(s scanner) error {
			var id int64
			err := s.Scan(&id)
			x.t.licensed[id] = true
			return err
		}, `SELECT DISTINCT object FROM licence WHERE state = 'group'`)
		if err != nil {
			return fmt.Errorf("look for groups with licences: %w", err)
		}
	}
	if x.t.licensed[group] {
		x.owe(member)
	}
	return nil
}

// lookAgain notes all members of a group.
func (x *tx) lookAgain(group int64) error {
	x.t.owing = true
	return x.exec(`INSERT OR IGNORE INTO due (object, at) SELECT target, ? FROM link WHERE owner = ? AND attr = 'member' AND state = 1
		UNION SELECT object, ? FROM licence WHERE source = ?`, x.now.UnixMicro(), group, x.now.UnixMicro(), group)
}

// writeOwed stores whom the transaction owes a look.
func (x *tx) writeOwed() error {
	for part := range slices.Chunk(x.owed, 100) {
		args := make([]any, 0, 2*len(part))
		for _, id := range part {
			args = append(args, id, x.now.UnixMicro())
		}
		x.t.owing = true
		if err := x.exec(`INSERT OR IGNORE INTO due (object, at) VALUES (?, ?)`+strings.Repeat(`, (?, ?)`, len(part)-1), args...); err != nil {
			return fmt.Errorf("note whose licences are due: %w", err)
		}
	}
	x.owed = nil
	return nil
}

// licenseDue looks at the licences of at most limit users who are due, and tells how many there were.
func (x *tx) licenseDue(limit int) (int, error) {
	if !x.t.owing {
		return 0, nil
	}
	var users []int64
	err := x.rows(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		users = append(users, id)
		return err
	}, `SELECT object FROM due WHERE at <= ? ORDER BY at, object LIMIT ?`, x.now.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("look for whose licences are due: %w", err)
	}
	if len(users) == 0 {
		return 0, x.row(`SELECT EXISTS (SELECT 1 FROM due)`).Scan(&x.t.owing)
	}
	for _, id := range users {
		r, err := x.byNumber(id)
		if err == nil && r != nil && r.deleted == 0 && r.class == canopy.User {
			err = x.licenseByGroups(r)
		}
		if err = errors.Join(err, x.exec(`DELETE FROM due WHERE object = ?`, id)); err != nil {
			return 0, fmt.Errorf("give the licences of groups: %w", err)
		}
	}
	return len(users), nil
}

// bundle is what one group gives its members: all or nothing.
type bundle struct {
	group  int64
	grants []grant
	held   bool // the user has it already
}

// licenseByGroups decides which licences of groups a user has, and why not.
func (x *tx) licenseByGroups(r *record) error {
	rows, err := x.licenceRows(r.id)
	if err != nil {
		return err
	}
	bundles, err := x.bundles(r.id, rows)
	if err != nil {
		return err
	}
	refused := map[int64]string{}
	had := exchangePlan(r)
	for {
		after, err := x.byGroups(r, rows, bundles, refused)
		if err != nil {
			return err
		}
		if slices.EqualFunc(rows, after, func(a, b licenceRow) bool {
			return a.sku == b.sku && a.source == b.source && a.state == b.state && slices.Equal(a.off, b.off)
		}) {
			return nil
		}
		before := skuNames(r.licences)
		if err := x.relicense(r, rows, after); err != nil {
			return err
		}
		err = x.settleLicensed(r, had)
		var no *refusal
		if !errors.As(err, &no) {
			if err != nil {
				return err
			}
			return x.audit(groupLicensing, "Change user license", r, []Modified{{Attr: "assignedLicense", Old: before, New: skuNames(r.licences)}})
		}
		// Somebody else has an address that a mailbox needs: no new group gives anything.
		fresh := false
		for _, b := range bundles {
			if !b.held && refused[b.group] == "" {
				refused[b.group], fresh = CodeUniqueness, true
			}
		}
		if !fresh {
			return x.licenseAnyway(r, after, rows)
		}
		rows = after
	}
}

// licenseAnyway stores a user without the addresses that others have; where even that is refused, all stays as it was.
func (x *tx) licenseAnyway(r *record, after, before []licenceRow) error {
	err := x.decide(r, true)
	if err == nil {
		return x.save(r)
	}
	if no := (*refusal)(nil); errors.As(err, &no) {
		return x.relicense(r, after, before)
	}
	return err
}

// bundles are what the user's groups give: first what the user has already, then by the groups' age. A group within a group
// gives nothing.
func (x *tx) bundles(user int64, rows []licenceRow) ([]bundle, error) {
	var out []bundle
	err := x.rows(func(s scanner) error {
		var group int64
		var g grant
		var off string
		if err := s.Scan(&group, &g.sku, &off); err != nil {
			return err
		}
		if g.source = group; off != "" {
			g.off = strings.Split(off, ",")
		}
		if len(out) == 0 || out[len(out)-1].group != group {
			held := slices.ContainsFunc(rows, func(h licenceRow) bool { return h.source == group && h.state == licenceActive })
			out = append(out, bundle{group: group, held: held})
		}
		out[len(out)-1].grants = append(out[len(out)-1].grants, g)
		return nil
	}, `SELECT m.owner, g.sku, g.off FROM link m JOIN licence g ON g.object = m.owner AND g.state = 'group'
		WHERE m.target = ? AND m.attr = 'member' AND m.state = 1 ORDER BY m.owner, g.sku`, user)
	if err != nil {
		return nil, fmt.Errorf("read the licences of the user's groups: %w", err)
	}
	slices.SortStableFunc(out, func(a, b bundle) int {
		switch {
		case a.held == b.held:
			return 0
		case a.held:
			return -1
		}
		return 1
	})
	return out, nil
}

// byGroups are the user's rows when the groups have given what they can. refused are groups that are known to fail.
func (x *tx) byGroups(r *record, rows []licenceRow, bundles []bundle, refused map[int64]string) ([]licenceRow, error) {
	var after []licenceRow
	for _, h := range rows {
		if h.source == 0 {
			after = append(after, h)
		}
	}
	for _, b := range bundles {
		s, err := x.situation(r, rows, active(after), b.grants)
		if err != nil {
			return nil, err
		}
		if s.location == "" {
			s.location = x.conf.Location
		}
		no := licensable(s)
		if no == nil && refused[b.group] != "" {
			no = about(b.grants[0], refuse(refused[b.group], "", ""))
		}
		for _, g := range b.grants {
			h := licenceRow{grant: g, state: licenceActive}
			switch {
			case no != nil && no.other == g.sku:
				h.state = no.code
			case no != nil:
				h.state = CodeOther // of a group all or nothing is given
			}
			after = append(after, h)
		}
	}
	after = leftovers(r.name(), rows, after)
	slices.SortFunc(after, func(a, b licenceRow) int {
		if a.source != b.source {
			return int(a.source - b.source)
		}
		return strings.Compare(a.sku, b.sku)
	})
	return after, nil
}

// leftovers keeps, as given directly, what a group does not give any more and another licence depends on.
func leftovers(who string, before, after []licenceRow) []licenceRow {
	for _, h := range before {
		if h.source == 0 || h.state != licenceActive {
			continue
		}
		if slices.ContainsFunc(active(after), func(g grant) bool { return g.sku == h.sku }) {
			continue
		}
		if no := consistent(who, active(after), nil); no == nil || no.code != CodeDependency {
			break
		}
		kept := h
		kept.source = 0
		if consistent(who, append(active(after), kept.grant), nil) == nil {
			after = append(after, kept)
		}
	}
	return after
}

// Reprocess looks again at the licences that groups give: to one user, to all members of a group, or with id "" to everybody
// who has licences from groups or an error; and waits until it is done. It tells how many were looked at.
func (a *Admin) Reprocess(ctx context.Context, id canopy.Anchor) (int, error) {
	err := a.t.update(ctx, func(x *tx) error {
		const activity = "Reprocess group licenses"
		if id == "" {
			x.t.owing = true
			err := x.exec(`INSERT OR IGNORE INTO due (object, at) SELECT DISTINCT object, ? FROM licence WHERE source <> 0`, x.now.UnixMicro())
			return errors.Join(err, x.audit(a.by, activity, nil, nil))
		}
		r, err := x.byObjectID(id)
		switch {
		case err != nil:
			return err
		case r == nil:
			return refuse(CodeNotFound, "", "there is no such object")
		case r.class == canopy.Group:
			return errors.Join(x.lookAgain(r.id), x.audit(a.by, activity, r, nil))
		}
		x.owe(r.id)
		return x.audit(a.by, activity, r, nil)
	})
	n := 0
	if err == nil {
		n, err = a.t.License(ctx)
	}
	return n, a.told("reprocess the licences of", id, err)
}

// License gives and takes what is due of the licences of groups, and tells for how many users it looked.
func (t *Tenant) License(ctx context.Context) (int, error) {
	n := 0
	for {
		part := 0
		err := t.update(ctx, func(x *tx) error {
			var err error
			part, err = x.licenseDue(dueAtOnce)
			return err
		})
		if n += part; err != nil || part < dueAtOnce {
			return n, err
		}
	}
}

// LicencesWaiting counts the users whose licences of groups are still to be looked at.
func (a *Admin) LicencesWaiting(ctx context.Context) (n int, err error) {
	err = a.t.file.read.QueryRowContext(ctx, `SELECT count(*) FROM due`).Scan(&n)
	return n, classify(err)
}
