package graphapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// valueListing is what is asked of a collection that is made on the spot.
type valueListing struct {
	e       *entity
	filter  *odata.Node
	selects []*property
}

func (c *call) valueListing(e *entity) (*valueListing, error) {
	l := &valueListing{e: e}
	var err error
	if l.selects, err = e.selected(c.query.selects, false); err != nil {
		return nil, err
	}
	l.filter, err = c.filterFor(e)
	return l, err
}

func (l *valueListing) holds(v odata.Value) bool {
	return l.filter == nil || l.filter.Holds(func(path []string) odata.Value {
		v := v
		for _, name := range path {
			v = v.Field(name)
		}
		return v
	})
}

// appendValue writes the selected properties of a value.
func (l *valueListing) appendValue(out []byte, v odata.Value) []byte {
	out = append(out, '{')
	for n, p := range l.selects {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(odata.AppendString(out, p.name), ':')
		p := *p
		p.get = func(*tenant.Item) odata.Value { return v.Field(p.name) }
		out = p.of(nil).AppendJSON(out)
	}
	return append(out, '}')
}

// values answers with a page of a small collection.
func (c *call) values(e *entity, list []odata.Value) (response, error) {
	l, err := c.valueListing(e)
	if err != nil {
		return response{}, err
	}
	if err := c.sortValues(e, list); err != nil {
		return response{}, err
	}
	list = slices.DeleteFunc(list, func(v odata.Value) bool { return !l.holds(v) })
	from, err := c.query.from()
	if err != nil {
		return response{}, err
	}
	at := min(int(from.Number), len(list))
	page := list[at:min(at+c.query.size(), len(list))]
	out := odata.AppendString([]byte(`{"@odata.context":`), c.root()+"/$metadata#"+e.set+e.chosen(c.query.selects))
	if c.query.count && c.query.skip == "" {
		out = odata.OfInt(int64(len(list))).AppendJSON(append(out, `,"@odata.count":`...))
	}
	if at+len(page) < len(list) {
		next := place{At: tenant.Position{Number: int64(at + len(page))}, Hash: c.query.hash()}
		out = odata.AppendString(append(out, `,"@odata.nextLink":`...), c.link("$skiptoken", seal(next)))
	}
	out = append(out, `,"value":[`...)
	for n, v := range page {
		if n > 0 {
			out = append(out, ',')
		}
		out = l.appendValue(out, v)
	}
	return jsonOf(http.StatusOK, append(out, "]}"...)), nil
}

func (c *call) sortValues(e *entity, list []odata.Value) error {
	if c.query.order == "" {
		return nil
	}
	orders, err := odata.ParseOrder(c.query.order)
	if err != nil {
		return &problem{status: 400, code: codeSyntax, message: "Invalid $orderby clause: " + err.Error() + "."}
	}
	p := e.property(orders[0].Path[0])
	if p == nil || p.kind >= odata.List || len(orders) > 1 {
		return unsupported("Sorting not supported for current query.")
	}
	slices.SortStableFunc(list, func(a, b odata.Value) int {
		x, y := a.Field(p.name), b.Field(p.name)
		order := cmp.Or(cmp.Compare(x.Num, y.Num), strings.Compare(strings.ToLower(x.Text), strings.ToLower(y.Text)))
		if orders[0].Desc {
			return -order
		}
		return order
	})
	return nil
}

// value answers with one of them: the one whose property is key.
func (c *call) value(e *entity, list []odata.Value, key string) (response, error) {
	name := "id"
	if n, v, ok := strings.Cut(key, "="); ok && strings.HasPrefix(v, "'") {
		name, key = n, unquoted(v)
	}
	selects, err := e.selected(c.query.selects, false)
	if err != nil {
		return response{}, err
	}
	for _, v := range list {
		if strings.EqualFold(v.Field(name).Text, key) {
			rest := (&valueListing{e: e, selects: selects}).appendValue(nil, v)
			out := odata.AppendString([]byte(`{"@odata.context":`), c.root()+"/$metadata#"+e.contextOf(c.query.selects))
			return jsonOf(http.StatusOK, append(append(out, ','), rest[1:]...)), nil
		}
	}
	return response{}, missing(key)
}

// source makes a collection.
type source func(c *call) ([]odata.Value, error)

func listOf(name string, from source) handler {
	return func(c *call) (response, error) {
		list, err := from(c)
		if err != nil {
			return response{}, err
		}
		return c.values(c.entities[name], list)
	}
}

func oneOf(name string, from source) handler {
	return func(c *call) (response, error) {
		list, err := from(c)
		if err != nil {
			return response{}, err
		}
		return c.value(c.entities[name], list, c.vars[0])
	}
}

func countOfList(name string, from source) handler {
	return func(c *call) (response, error) {
		list, err := from(c)
		if err != nil {
			return response{}, err
		}
		l, err := c.valueListing(c.entities[name])
		if err != nil {
			return response{}, err
		}
		return number(int64(len(slices.DeleteFunc(list, func(v odata.Value) bool { return !l.holds(v) })))), nil
	}
}

// f is a field.
func f(name string, v odata.Value) odata.Field { return odata.Field{Name: name, Value: v} }
