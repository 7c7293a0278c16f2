package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// keptPlans is how many plans keep their items; of older ones only the head stays.
const keptPlans = 20

// itemID numbers an item by its plan and its place, counted from 1.
func itemID(plan, place int64) int64 { return plan<<32 | place }

// The states of an item: as good as the plan, or stale.
const (
	itemGood  int64 = 0
	itemStale int64 = 1
)

// NewPlan keeps the head of a new plan and numbers it. Call it before the View that the plan is made from: what is
// marked as due after it makes the items that it touches stale. Plans that were still open are refused, replaced.
func (s *Store) NewPlan(ctx context.Context, p canopy.Plan) (canopy.PlanID, error) {
	if err := s.index(ctx); err != nil {
		return 0, err
	}
	var id int64
	err := s.update(ctx, func(t *tx) error {
		var err error
		if id, err = t.next(ctx, nounPlan); err != nil {
			return err
		}
		// A mark of its own, above what the plan before has left for this one.
		if _, err := t.take(ctx, nounMark, 2); err != nil {
			return err
		}
		mark := t.numbers[nounMark]
		if _, err := t.Exec(ctx, `UPDATE plan SET state = $1, decided = $2 WHERE state IN (0, 1, 2, 3)`, int64(canopy.PlanRefused),
			fmt.Sprintf("replaced by plan %d", id)); err != nil {
			return err
		}
		made := micro(p.Made)
		if made == 0 {
			made = t.now
		}
		if _, err := t.Exec(ctx, `INSERT INTO plan (id, run, state, sealed, made, rules, totals, guard, decided, mark, base, made_metas, items, applied, linked)
			VALUES ($1, $2, 0, FALSE, $3, $4, $5, $6, '', $7, 0, 0, 0, 0, 0)`, id, int64(p.Run), made, p.Rules, []byte("{}"), []byte("[]"), mark); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `DELETE FROM plan_item WHERE id < $1`, itemID(id-keptPlans+1, 0))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep a new plan: %w", err)
	}
	return canopy.PlanID(id), nil
}

// AddItems adds items to a plan that is being made.
func (s *Store) AddItems(ctx context.Context, plan canopy.PlanID, items []canopy.PlanItem) error {
	err := s.addItems(ctx, plan, items)
	if err != nil {
		return fmt.Errorf("keep items of plan %d: %w", plan, err)
	}
	return nil
}

func (s *Store) addItems(ctx context.Context, plan canopy.PlanID, items []canopy.PlanItem) error {
	if err := s.intern(ctx, wordsOfItems(items)); err != nil {
		return err
	}
	bodies, links := make([][]byte, len(items)), make([][]byte, len(items))
	lowest := int64(0)
	for i := range items {
		var err error
		if bodies[i], links[i], err = s.words.encodeItem(&items[i]); err != nil {
			return err
		}
		lowest = min(lowest, int64(items[i].Meta))
	}
	return s.update(ctx, func(t *tx) error {
		p, err := readPlan(ctx, t.Tx, int64(plan))
		if err != nil {
			return err
		}
		if p.sealed || p.state != canopy.PlanOpen {
			return p.conflict("it takes no more items")
		}
		w := t.writer("plan_item", db.Bulk{Table: "plan_item", Columns: []string{"id", "meta", "links", "state", "body"}})
		for i := range items {
			var flows any // NULL where there are none
			if links[i] != nil {
				flows = links[i]
			}
			if err := w.Add(ctx, itemID(int64(plan), p.items+int64(i)+1), int64(items[i].Meta), flows, itemGood, bodies[i]); err != nil {
				return err
			}
		}
		_, err = t.Exec(ctx, `UPDATE plan SET items = items + $1, made_metas = $2 WHERE id = $3`, len(items), max(p.madeMetas, -lowest), int64(plan))
		return err
	})
}

// SealPlan ends the making of a plan: its totals, what the guard says, and PlanOpen or PlanStopped.
func (s *Store) SealPlan(ctx context.Context, plan canopy.PlanID, totals canopy.Totals, breaches []canopy.Breach, state canopy.PlanState) error {
	sum, err := json.Marshal(totals)
	if err != nil {
		return fmt.Errorf("seal plan %d: %w", plan, err)
	}
	guard, err := json.Marshal(breaches)
	if err != nil {
		return fmt.Errorf("seal plan %d: %w", plan, err)
	}
	err = s.update(ctx, func(t *tx) error {
		p, err := readPlan(ctx, t.Tx, int64(plan))
		if err != nil {
			return err
		}
		if p.sealed || p.state != canopy.PlanOpen {
			return p.conflict("it is sealed already")
		}
		_, err = t.Exec(ctx, `UPDATE plan SET sealed = TRUE, totals = $1, guard = $2, state = $3 WHERE id = $4`, sum, guard, int64(state), int64(plan))
		return err
	})
	if err != nil {
		return fmt.Errorf("seal plan %d: %w", plan, err)
	}
	return nil
}

// planRow is a row of plan.
type planRow struct {
	id, run       int64
	state         canopy.PlanState
	sealed        bool
	made          int64
	rules         string
	totals, guard []byte
	decided       string
	mark          int64
	base          int64
	madeMetas     int64
	items         int64
	applied       int64
	linked        int64
}

const planColumns = `id, run, state, sealed, made, rules, totals, guard, decided, mark, base, made_metas, items, applied, linked`

func scanPlan(r *sql.Rows) (*planRow, error) {
	p := &planRow{}
	return p, r.Scan(&p.id, &p.run, &p.state, &p.sealed, &p.made, &p.rules, &p.totals, &p.guard, &p.decided, &p.mark, &p.base, &p.madeMetas,
		&p.items, &p.applied, &p.linked)
}

func readPlan(ctx context.Context, t *db.Tx, id int64) (*planRow, error) {
	var p *planRow
	err := t.Each(ctx, func(r *sql.Rows) (err error) {
		p, err = scanPlan(r)
		return err
	}, `SELECT `+planColumns+` FROM plan WHERE id = $1`, id)
	if err == nil && p == nil {
		err = &canopy.Error{Kind: canopy.NotFound, Code: "plan-unknown", Object: fmt.Sprintf("plan %d", id), Text: "there is no such plan",
			Next: "canopy plan list"}
	}
	return p, err
}

// meta is the number of a meta that the plan may have made.
func (p *planRow) meta(id canopy.MetaID) int64 {
	if id < 0 {
		return p.base - int64(id)
	}
	return int64(id)
}

func (p *planRow) conflict(text string) error {
	e := &canopy.Error{Kind: canopy.Conflict, Code: "plan-state", Object: fmt.Sprintf("plan %d", p.id), Text: text, Next: "make a new one: canopy plan"}
	switch {
	case !p.sealed:
		e.Text += ": it was not finished"
	case p.state == canopy.PlanStopped:
		e.Text += ": the guard stopped it"
		e.Next = fmt.Sprintf("look at it, then: canopy plan approve %d", p.id)
	case p.decided != "":
		e.Text += ": it is " + p.state.String() + ", " + p.decided
	default:
		e.Text += ": it is " + p.state.String()
	}
	return e
}

func (p *planRow) plan() (canopy.Plan, error) {
	out := canopy.Plan{ID: canopy.PlanID(p.id), Run: canopy.RunID(p.run), State: p.state, Made: moment(p.made), Rules: p.rules, Decided: p.decided,
		Applied: int(p.applied)}
	if err := json.Unmarshal(p.totals, &out.Totals); err != nil {
		return out, fmt.Errorf("plan %d: %w", p.id, err)
	}
	if err := json.Unmarshal(p.guard, &out.Guard); err != nil {
		return out, fmt.Errorf("plan %d: %w", p.id, err)
	}
	return out, nil
}

// Plan is the head of a plan; an error of kind NotFound when there is none.
func (s *Store) Plan(ctx context.Context, id canopy.PlanID) (canopy.Plan, error) {
	var out canopy.Plan
	err := s.read(ctx, func(t *db.Tx) error {
		p, err := readPlan(ctx, t, int64(id))
		if err != nil {
			return err
		}
		out, err = p.plan()
		return err
	})
	return out, err
}

// Plans are the last plans, the newest first.
func (s *Store) Plans(ctx context.Context, limit int) ([]canopy.Plan, error) {
	var out []canopy.Plan
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			p, err := scanPlan(r)
			if err != nil {
				return err
			}
			plan, err := p.plan()
			out = append(out, plan)
			return err
		}, `SELECT `+planColumns+` FROM plan ORDER BY id DESC LIMIT $1`, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return out, nil
}

// LatestPlan is the newest plan; an error of kind NotFound when there is none.
func (s *Store) LatestPlan(ctx context.Context) (canopy.Plan, error) {
	plans, err := s.Plans(ctx, 1)
	if err == nil && len(plans) == 0 {
		err = &canopy.Error{Kind: canopy.NotFound, Code: "plan-unknown", Object: "plan", Text: "there is no plan yet", Next: "canopy plan"}
	}
	if err != nil {
		return canopy.Plan{}, err
	}
	return plans[0], nil
}

// LastGround is what the last plan was made with that was carried out, whole or in part; "" when there was none.
func (s *Store) LastGround(ctx context.Context) (string, error) {
	var ground string
	err := s.read(ctx, func(t *db.Tx) error {
		_, err := t.One(ctx, []any{&ground}, `SELECT rules FROM plan WHERE state IN ($1, $2) ORDER BY id DESC LIMIT 1`, int64(canopy.PlanApplied), int64(canopy.PlanApplying))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look for the last plan: %w", err)
	}
	return ground, nil
}

// Items are a plan's items in order: at most limit after the first `after` ones. Joins and exports of metas that the
// plan makes name them with negative numbers until the plan is applied.
func (s *Store) Items(ctx context.Context, plan canopy.PlanID, after, limit int) ([]canopy.PlanItem, error) {
	var out []canopy.PlanItem
	err := s.read(ctx, func(t *db.Tx) error {
		p, err := readPlan(ctx, t, int64(plan))
		if err != nil {
			return err
		}
		return t.Each(ctx, func(r *sql.Rows) error {
			var body, links sql.RawBytes
			if err := r.Scan(&body, &links); err != nil {
				return err
			}
			item, err := s.words.decodeItem(body, links)
			item.Plan = plan
			if p.applied > 0 {
				item.Meta = canopy.MetaID(p.meta(item.Meta))
			}
			out = append(out, item)
			return err
		}, `SELECT body, links FROM plan_item WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`, itemID(int64(plan), int64(after)), itemID(int64(plan)+1, 0), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("read items of plan %d: %w", plan, err)
	}
	return out, nil
}

// DecidePlan approves (PlanApproved) or refuses (PlanRefused) a plan that is not applied yet; otherwise an error of kind
// Conflict.
func (s *Store) DecidePlan(ctx context.Context, id canopy.PlanID, state canopy.PlanState, who, why string) error {
	err := s.update(ctx, func(t *tx) error {
		p, err := readPlan(ctx, t.Tx, int64(id))
		if err != nil {
			return err
		}
		open := p.state == canopy.PlanOpen || p.state == canopy.PlanStopped || p.state == canopy.PlanApproved
		if state != canopy.PlanApproved && state != canopy.PlanRefused || !open || !p.sealed && state == canopy.PlanApproved {
			return p.conflict("nothing can be decided about it")
		}
		decided := who
		if why != "" {
			decided += ": " + why
		}
		_, err = t.Exec(ctx, `UPDATE plan SET state = $1, decided = $2 WHERE id = $3`, int64(state), decided, int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("decide about plan %d: %w", id, err)
	}
	return nil
}
