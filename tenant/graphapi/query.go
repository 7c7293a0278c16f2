package graphapi

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// query are the options of a request, as they were written.
type query struct {
	options  []option
	eventual bool // ConsistencyLevel: eventual
	count    bool
	top      int // 0: not said
	selects  []string
	filter   string
	order    string
	search   string
	expand   string
	skip     string // $skiptoken
	delta    string // $deltatoken
	ref      string // @id: the object that a link leads to
	upsert   bool   // Prefer: create-if-missing
	page     int    // Prefer: odata.maxpagesize; 0: not said
}

type option struct{ name, value string }

const (
	presetTop = 100
	maxTop    = 999
)

// readQuery reads the options. Names may lack their $, and what is not known is left alone.
func readQuery(raw string, h http.Header) (query, error) {
	q := query{eventual: strings.EqualFold(h.Get("ConsistencyLevel"), "eventual")}
	q.prefer(h.Values("Prefer"))
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil {
			return q, &problem{status: 400, code: codeSyntax, message: "The query string '" + part + "' is not valid."}
		}
		name = "$" + strings.ToLower(strings.TrimPrefix(name, "$"))
		if err := q.set(name, value); err != nil {
			return q, err
		}
		q.options = append(q.options, option{name, value})
	}
	if err := q.consistent(); err != nil {
		return q, err
	}
	return q, nil
}

// prefer reads how long a page is wanted.
func (q *query) prefer(values []string) {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			q.upsert = q.upsert || strings.EqualFold(name, "create-if-missing")
			if !strings.EqualFold(strings.TrimPrefix(strings.ToLower(name), "odata."), "maxpagesize") {
				continue
			}
			if n, err := strconv.Atoi(strings.Trim(value, `" `)); err == nil && n > 0 {
				q.page = min(n, maxTop)
			}
		}
	}
}

func (q *query) set(name, value string) error {
	switch name {
	case "$select":
		q.selects = odata.ParseSelect(value)
	case "$filter":
		q.filter = value
	case "$orderby":
		q.order = value
	case "$search":
		q.search = value
	case "$expand":
		q.expand = value
	case "$skiptoken":
		q.skip = value
	case "$deltatoken":
		q.delta = value
	case "$@id":
		q.ref = value
	case "$count":
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return &problem{status: 400, code: codeSyntax, message: "Invalid value '" + value + "' for $count query option found. Valid values are 'true' and 'false'."}
		}
		q.count = strings.EqualFold(value, "true")
	case "$consistencylevel": // also taken as an option, as the real service does
		q.eventual = q.eventual || strings.EqualFold(value, "eventual")
	case "$top":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return &problem{status: 400, code: codeSyntax, message: "Invalid value '" + value + "' for $top query option found. The $top query option requires a positive integer value."}
		}
		q.top = min(n, maxTop)
	case "$skip":
		return bad("$skip is not supported on this resource; follow @odata.nextLink.")
	}
	return nil
}

// consistent refuses options that do not go together.
func (q *query) consistent() error {
	switch {
	case q.search != "" && !q.eventual:
		return unsupported("Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'")
	case q.expand != "" && q.eventual && (q.count || q.search != "") && !strings.Contains(strings.ToLower(q.expand), "$levels"):
		return unsupported("$expand is not supported with advanced query parameters.")
	}
	return nil
}

// advanced tells whether the request asks for the advanced queries.
func (q *query) advanced() bool { return q.eventual && q.count }

func (q *query) size() int {
	switch {
	case q.top == 0 && q.page == 0:
		return presetTop
	case q.top == 0 || q.page > 0 && q.page < q.top:
		return q.page
	}
	return q.top
}

// most is how many objects a page of changes has.
func (q *query) most() int {
	if q.page > 0 {
		return q.page
	}
	return presetDelta
}

// place is what a $skiptoken holds: where to go on, and the options that it belongs to.
type place struct {
	At   tenant.Position `json:"a"`
	Feed *feedPlace      `json:"f,omitempty"`
	Hash uint32          `json:"h"`
}

// hash ties a token to its options.
func (q *query) hash() uint32 {
	h := fnv.New32a()
	for _, o := range []string{strings.ToLower(strings.Join(q.selects, ",")), q.filter, q.order, q.search} {
		_, _ = h.Write([]byte(o + "\n")) // never fails
	}
	return h.Sum32()
}

// seal makes a token.
func seal(p any) string {
	text, _ := json.Marshal(p) // numbers and text
	return base64.RawURLEncoding.EncodeToString(text)
}

func unseal(token string, p any) bool {
	text, err := base64.RawURLEncoding.DecodeString(token)
	return err == nil && json.Unmarshal(text, p) == nil
}

// from is where the page begins.
func (q *query) from() (tenant.Position, error) {
	if q.skip == "" {
		return tenant.Position{}, nil
	}
	var p place
	if !unseal(q.skip, &p) || p.Hash != q.hash() || p.At.Number < 0 {
		return p.At, &problem{status: 400, code: codePage, message: "The specified page token value has expired and can no longer be included in your request."}
	}
	return p.At, nil
}

// link is the request's own address with another token; drop are options that it does not keep.
func (c *call) link(token, value string, drop ...string) string {
	var b strings.Builder
	b.WriteString(c.base + c.path + "?")
	for _, o := range c.query.options {
		if o.name == "$skiptoken" || o.name == "$deltatoken" || contains(drop, o.name) {
			continue
		}
		b.WriteString(o.name + "=" + url.QueryEscape(o.value) + "&")
	}
	b.WriteString(token + "=" + value)
	return b.String()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
