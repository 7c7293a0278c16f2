package graphapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

const (
	// deltaLife is how long a delta token is good.
	deltaLife = 7 * 24 * time.Hour
	// presetDelta is how many objects a page of changes has.
	presetDelta = 100
	maxDeltaIDs = 50
)

// feedPlace is where a round of a delta query stands. A round gives first what was removed since the round before, up to
// End, and then the objects in the order of their changes.
type feedPlace struct {
	tenant.Feed
	From  int64 `json:"f"` // the objects up to this change were given by the round before
	End   int64 `json:"e"` // the last change when the round began
	First bool  `json:"i,omitempty"`
	Made  int64 `json:"t"` // when the round before ended, seconds
}

// delta answers with the changes of an entity's objects since a token, or with all objects when there is none.
func delta(name string) handler {
	return func(c *call) (response, error) {
		e := c.entities[name]
		if c.query.order != "" || c.query.search != "" || c.query.expand != "" || c.query.top != 0 {
			return response{}, unsupported("The query specified in the URI is not valid: $orderby, $search, $expand and $top are not supported with delta.")
		}
		known := e
		if e.class == "" { // of all types, of which each has its own properties
			known = c.entities["user"]
		}
		selects, err := known.selected(c.query.selects, true)
		if err != nil {
			return response{}, err
		}
		if id := known.property("id"); !slices.Contains(selects, id) {
			selects = append([]*property{id}, selects...)
		}
		types := c.deltaTypes(e)
		ids, err := c.deltaIDs(known)
		if types != nil {
			ids, err = nil, nil
		}
		if err != nil {
			return response{}, err
		}
		at, err := c.deltaPlace()
		if err != nil {
			return response{}, err
		}
		if strings.EqualFold(c.query.delta, "latest") {
			return c.deltaPage(e, nil, at, false)
		}
		f := &round{c: c, e: e, selects: selects, ids: ids, types: types, at: at}
		if err := f.run(); err != nil {
			return response{}, err
		}
		return c.deltaPage(e, f.items, f.at, f.more)
	}
}

// isof is a condition on the type of an object.
var isof = regexp.MustCompile(`(?i)^\(?\s*isof\(\s*'#?(?:microsoft\.)?(?:graph\.)?(\w+)'\s*\)\s*\)?$`)

// deltaTypes reads the types that the changes of all objects are limited to; nil when there is no such filter.
func (c *call) deltaTypes(e *entity) []string {
	if e.class != "" || c.query.filter == "" {
		return nil
	}
	var out []string
	for _, part := range regexp.MustCompile(`(?i)\s+or\s+`).Split(strings.TrimSpace(c.query.filter), -1) {
		m := isof.FindStringSubmatch(part)
		if m == nil {
			return nil
		}
		out = append(out, strings.ToLower(m[1]))
	}
	return out
}

// deltaIDs reads the only filter that a delta query takes: ids.
func (c *call) deltaIDs(e *entity) (map[canopy.Anchor]bool, error) {
	n, err := c.filterFor(e)
	if err != nil || n == nil {
		return nil, err
	}
	ids, anchors, keys, ok := e.named(n)
	if !ok || len(anchors)+len(keys) > 0 || n.Op == odata.And || len(ids) > maxDeltaIDs {
		return nil, unsupported("Only filters on up to %d ids are supported with delta.", maxDeltaIDs)
	}
	out := map[canopy.Anchor]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

// deltaPlace is where the request goes on.
func (c *call) deltaPlace() (feedPlace, error) {
	top, err := c.dir.Seq(c.ctx)
	if err != nil {
		return feedPlace{}, err
	}
	var at feedPlace
	switch {
	case c.query.skip != "":
		var p place
		if !unseal(c.query.skip, &p) || p.Feed == nil || p.Hash != c.query.hash() || p.Feed.Seq > top {
			return at, &problem{status: 400, code: codePage, message: "The specified page token value has expired and can no longer be included in your request."}
		}
		return *p.Feed, nil
	case strings.EqualFold(c.query.delta, "latest"):
		return feedPlace{Feed: tenant.Feed{Seq: top, Gone: top}, From: top, End: top}, nil
	case c.query.delta == "":
		return feedPlace{Feed: tenant.Feed{Gone: top}, End: top, First: true}, nil
	}
	var p place
	if !unseal(c.query.delta, &p) || p.Feed == nil {
		return at, &problem{status: 400, code: codeBad, message: "Badly formed token."}
	}
	at = *p.Feed
	forgotten, err := c.dir.Forgotten(c.ctx, at.Feed)
	switch {
	case err != nil:
		return at, err
	case forgotten, p.Hash != c.query.hash(), at.Seq > top, c.clock().Unix()-at.Made > int64(deltaLife/time.Second):
		// the token says nothing any more: everything is to be read again
		return at, &problem{status: http.StatusGone, code: "syncStateNotFound", message: "The sync state generation is not found; continuing with delta is not possible, a full synchronization is required.",
			location: c.link("$deltatoken", "")}
	}
	return feedPlace{Feed: at.Feed, From: at.Seq, End: top}, nil
}

// deltaPage is a page with the link to go on with.
func (c *call) deltaPage(e *entity, items []byte, at feedPlace, more bool) (response, error) {
	out := odata.AppendString([]byte(`{"@odata.context":`), c.root()+"/$metadata#"+e.set+e.chosen(c.query.selects))
	token, name := "$deltatoken", `,"@odata.deltaLink":`
	if more {
		token, name = "$skiptoken", `,"@odata.nextLink":`
	} else {
		at = feedPlace{Feed: tenant.Feed{Seq: max(at.Seq, at.End), Gone: at.End}, Made: c.clock().Unix()}
	}
	out = odata.AppendString(append(out, name...), c.link(token, seal(place{Feed: &at, Hash: c.query.hash()})))
	return jsonOf(http.StatusOK, append(append(append(out, `,"value":[`...), items...), "]}"...)), nil
}

// round is a page of a round under way.
type round struct {
	c       *call
	e       *entity
	selects []*property
	ids     map[canopy.Anchor]bool // only these; nil: all
	types   []string               // only these, folded; nil: all
	at      feedPlace
	items   []byte
	n       int
	more    bool
}

func (f *round) wants(id canopy.Anchor, class canopy.Class) bool {
	return (f.ids == nil || f.ids[id]) && (f.types == nil || slices.Contains(f.types, strings.ToLower(f.c.entityOf(class).name)))
}

func (f *round) begin() {
	if f.n++; f.n > 1 {
		f.items = append(f.items, ',')
	}
}

// run fills a page: first what was removed, then what changed.
func (f *round) run() error {
	if !f.at.First {
		gone, err := f.c.dir.Removals(f.c.ctx, f.e.class, f.at.Gone, f.c.query.most()+1)
		if err != nil {
			return err
		}
		for _, r := range gone {
			if r.Seq > f.at.End {
				break // the next round's
			}
			if f.n == f.c.query.most() {
				f.more = true
				return nil
			}
			if f.at.Gone = r.Seq; !f.wants(r.ID, r.Class) {
				continue
			}
			reason := "deleted"
			if r.Soft {
				reason = "changed"
			}
			f.begin()
			f.items = append(f.items, `{"id":"`+string(r.ID)+`","@removed":{"reason":"`+reason+`"}}`...)
		}
	}
	var failed error
	seen := 0
	err := f.c.dir.Changed(f.c.ctx, f.e.class, f.at.Seq, func(i *tenant.Item) bool {
		if seen++; f.n == f.c.query.most() || seen > maxScan {
			f.more = true
			return false
		}
		f.at.Seq = i.Seq
		if f.wants(i.ID, i.Class) {
			failed = f.object(i)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return err
}

// object writes a changed object with the links that were asked for.
func (f *round) object(i *tenant.Item) error {
	f.begin()
	if f.e.class == "" {
		out, err := f.c.appendMixed(f.items, &listing{e: f.e}, i)
		f.items = out
		return err
	}
	out, err := f.c.append(f.items, &listing{e: f.e, selects: f.selects, licensed: f.e.asksLicensing(f.selects, nil)}, i, "")
	if err != nil {
		return err
	}
	out = out[:len(out)-1] // before the closing brace
	for _, name := range f.linked() {
		news, err := f.c.dir.LinksSince(f.c.ctx, i, ties[name].Attr, f.at.From)
		if err != nil {
			return err
		}
		if len(news) > 0 {
			out = f.appendNews(out, name, news)
		}
	}
	f.items = append(out, '}')
	return nil
}

// linked are the navigations whose changes are told: members of groups always unless there is a $select, the manager of
// a user when it is selected.
func (f *round) linked() []string {
	var out []string
	for _, name := range []string{"members", "owners", "manager"} {
		asked := slices.ContainsFunc(f.c.query.selects, func(s string) bool { return strings.EqualFold(s, name) })
		if asked && (name == "manager") == (f.e.class != canopy.Group) || name == "members" && f.e.class == canopy.Group && len(f.c.query.selects) == 0 {
			out = append(out, name)
		}
	}
	return out
}

func (f *round) appendNews(out []byte, name string, news []tenant.LinkNews) []byte {
	out = append(odata.AppendString(append(out, ','), name+"@delta"), `:[`...)
	for n, l := range news {
		if n > 0 {
			out = append(out, ',')
		}
		kind := f.c.entityOf(l.Class).name
		if l.Class == "" {
			kind = "directoryObject"
		}
		out = append(out, `{"@odata.type":"#microsoft.graph.`+kind+`","id":"`+string(l.To)+`"`...)
		if !l.Held {
			out = append(out, `,"@removed":{"reason":"deleted"}`...)
		}
		out = append(out, '}')
	}
	return append(out, ']')
}
