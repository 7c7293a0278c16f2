package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// maxFile is the size of a rule file that is taken, in bytes.
const maxFile = 1 << 20

// Fault is something wrong in a rule file.
type Fault struct {
	File string
	Line int // 0: the file as a whole
	Text string
}

func (f Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Text
}

// Faults are all that is wrong in a set of rules, by file and line.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// reader reads one rule file and notes what is wrong in it.
type reader struct {
	file   string
	faults Faults
}

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.faults = append(r.faults, Fault{File: r.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// read makes a rule of a file's text. partial says that the file names nothing but id and disabled: it switches a rule
// that is defined elsewhere.
func (r *reader) read(text []byte) (out *Rule, partial bool) {
	if len(text) > maxFile {
		r.fault(nil, "has %d bytes, at most %d are taken", len(text), maxFile)
		return nil, false
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		r.fault(nil, "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, false
	}
	if err := decoder.Decode(&second); err == nil {
		r.fault(&second, "a file has one rule; a second one begins here")
		return nil, false
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.fault(&doc, "a rule is a list of names and values")
		return nil, false
	}
	return r.rule(doc.Content[0])
}

var ruleKeys = []string{"id", "name", "text", "direction", "connector", "source", "target", "link", "precedence", "disabled", "dialect", "scope", "join", "match",
	"flows", "flowsOf", "final"}

// dialects are the names of the expression languages.
var dialects = dialectNames()

func dialectNames() []string {
	var out []string
	for _, d := range expr.Dialects() {
		out = append(out, d.Name)
	}
	return out
}

func (r *reader) rule(n *yaml.Node) (*Rule, bool) {
	m := r.fields(n, ruleKeys)
	out := &Rule{File: r.file, Line: n.Line}
	out.ID = canopy.RuleID(r.text(m["id"]))
	out.Disabled = r.truth(m["disabled"])
	if _, ok := m["disabled"]; len(m) == 2 && ok && out.ID != "" {
		return out, true
	}
	for _, k := range []string{"id", "name", "direction", "connector", "source", "target", "precedence"} {
		if m[k] == nil {
			r.fault(n, "%s is missing", k)
		}
	}
	out.Name, out.Text = r.text(m["name"]), strings.TrimSpace(r.text(m["text"]))
	out.Direction = Direction(r.choice(m["direction"], directions[:]))
	out.Connector = r.text(m["connector"])
	for _, c := range r.texts(m["source"]) {
		out.Source = append(out.Source, canopy.Class(c))
	}
	out.Target = canopy.Class(r.text(m["target"]))
	out.Link = LinkType(r.choice(m["link"], linkTypes[:]))
	out.Precedence = int(r.number(m["precedence"]))
	if m["dialect"] != nil {
		out.Dialect = dialects[r.choice(m["dialect"], dialects)]
	}
	out.FlowsOf = canopy.RuleID(r.text(m["flowsOf"]))
	out.final = r.truth(m["final"])
	r.scope(m["scope"], out)
	r.join(m["join"], out)
	for _, x := range r.items(m["match"]) {
		f := r.fields(x, []string{"name", "from", "of", "also"})
		k := MatchKey{Name: r.text(f["name"]), From: canopy.Attr(r.text(f["from"])), Of: canopy.Attr(r.text(f["of"]))}
		for _, a := range r.texts(f["also"]) {
			k.Also = append(k.Also, canopy.Attr(a))
		}
		if !slices.Contains([]string{"anchor", "address", "upn"}, k.Name) || k.From == "" || k.Of == "" {
			r.fault(x, "a match has a name (anchor, address or upn), from and of")
		}
		out.Match = append(out.Match, k)
	}
	for _, x := range r.items(m["flows"]) {
		r.flow(x, out)
	}
	if out.FlowsOf != "" && len(out.Flows) > 0 {
		r.fault(m["flowsOf"], "a rule has flows, or those of another rule, not both")
	}
	return out, false
}

func (r *reader) scope(n *yaml.Node, out *Rule) {
	for _, g := range r.items(n) {
		var group []Condition
		for _, x := range r.items(g) {
			f := r.fields(x, []string{"attr", "op", "value", "caseSensitive", "because"})
			c := Condition{Attr: canopy.Attr(r.text(f["attr"])), Op: Op(r.text(f["op"])), Values: r.texts(f["value"]), Because: r.text(f["because"]), CaseSensitive: r.truth(f["caseSensitive"])}
			if c.Attr == "" {
				r.fault(x, "a condition has an attr")
			}
			if wrong := c.compile(); wrong != "" {
				r.fault(x, "%s", suggestOp(wrong, c.Op))
			}
			group = append(group, c)
		}
		if len(group) == 0 {
			r.fault(g, "a group of conditions has at least one")
		}
		out.Scope = append(out.Scope, group)
	}
}

func suggestOp(wrong string, op Op) string {
	if _, known := positive[op]; known {
		return wrong
	}
	all := make([]string, 0, len(positive))
	for o := range positive {
		all = append(all, string(o))
	}
	slices.Sort(all)
	if near := expr.Nearest(string(op), all); near != "" {
		return wrong + "; is " + near + " meant?"
	}
	return wrong + "; there are " + strings.Join(all, ", ")
}

func (r *reader) join(n *yaml.Node, out *Rule) {
	if n != nil && n.Kind == yaml.ScalarNode {
		out.configured = n.Value == "configured"
		if !out.configured {
			r.fault(n, "join is a list of groups of criteria, or the word configured")
		}
		return
	}
	for _, g := range r.items(n) {
		var group []JoinOn
		for _, x := range r.items(g) {
			f := r.fields(x, []string{"source", "target", "caseSensitive"})
			on := JoinOn{Source: canopy.Attr(r.text(f["source"])), Target: canopy.Attr(r.text(f["target"])), CaseSensitive: r.truth(f["caseSensitive"])}
			if on.Source == "" || on.Target == "" {
				r.fault(x, "a join criterion has a source and a target attribute")
			}
			group = append(group, on)
		}
		if len(group) == 0 {
			r.fault(g, "a group of join criteria has at least one")
		}
		out.Join = append(out.Join, group)
	}
}

var flowKeys = []string{"to", "same", "from", "constant", "expression", "trim", "merge", "once", "claim", "held", "final", "link"}

// flow reads one item of the flows, which may stand for several: "same" lists attributes that keep their names, and "to"
// may list attributes that get the same constant or expression.
func (r *reader) flow(n *yaml.Node, out *Rule) {
	m := r.fields(n, flowKeys)
	f := Flow{Line: n.Line, Trim: r.truth(m["trim"]), Merge: Merge(r.choice(m["merge"], merges[:])), Once: r.truth(m["once"]),
		Claim: canopy.ClaimKind(r.text(m["claim"])), Final: r.truth(m["final"]), Link: r.truth(m["link"]),
		From: canopy.Attr(r.text(m["from"])), Expression: strings.TrimSpace(r.text(m["expression"])), Constant: r.constant(m["constant"])}
	for _, h := range r.texts(m["held"]) {
		f.Held = append(f.Held, canopy.Attr(h))
	}
	sources := 0
	for _, k := range []string{"same", "from", "constant", "expression"} {
		if m[k] != nil {
			sources++
		}
	}
	same, to := r.texts(m["same"]), r.texts(m["to"])
	switch {
	case sources != 1:
		r.fault(n, "a flow has exactly one of same, from, constant and expression; this has %d", sources)
		return
	case m["same"] != nil && m["to"] != nil:
		r.fault(n, "a flow has same, or to, not both")
		return
	case len(same)+len(to) == 0:
		r.fault(n, "a flow says to which attribute")
		return
	case f.From != "" && len(to) > 1:
		r.fault(n, "a flow from one attribute goes to one")
		return
	}
	for _, a := range same {
		f.To, f.From = canopy.Attr(a), canopy.Attr(a)
		out.Flows = append(out.Flows, f)
	}
	for _, a := range to {
		f.To = canopy.Attr(a)
		out.Flows = append(out.Flows, f)
	}
}

// fields are a mapping's values by name.
func (r *reader) fields(n *yaml.Node, known []string) map[string]*yaml.Node {
	m := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "names and values are expected here: %s", strings.Join(known, ", "))
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, k.Value):
			text := fmt.Sprintf("the name %q is unknown", k.Value)
			if near := expr.Nearest(k.Value, known); near != "" {
				text += "; is " + near + " meant?"
			}
			r.fault(k, "%s", text)
		case m[k.Value] != nil:
			r.fault(k, "%s is there twice", k.Value)
		case v.Kind == yaml.AliasNode || v.Anchor != "":
			r.fault(v, "anchors and aliases are not taken in rule files")
		default:
			m[k.Value] = v
		}
	}
	return m
}

// items are a list's items; none for an absent one.
func (r *reader) items(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "a list is expected here")
		return nil
	}
	return n.Content
}

func (r *reader) scalar(n *yaml.Node) (string, bool) {
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fault(n, "a single value is expected here")
		return "", false
	}
	return n.Value, true
}

func (r *reader) text(n *yaml.Node) string {
	s, _ := r.scalar(n)
	return s
}

// texts are one value, or a list of them.
func (r *reader) texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		if s, ok := r.scalar(n); ok {
			return []string{s}
		}
		return nil
	}
	var out []string
	for _, x := range n.Content {
		if s, ok := r.scalar(x); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) truth(n *yaml.Node) bool {
	s, ok := r.scalar(n)
	if ok && s != "true" && s != "false" {
		r.fault(n, "true or false is expected here, not %q", s)
	}
	return s == "true"
}

func (r *reader) number(n *yaml.Node) int64 {
	s, ok := r.scalar(n)
	if !ok {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil || v < 0 {
		r.fault(n, "a whole number is expected here, not %q", s)
	}
	return v
}

// choice is the place of a word among those that are possible; 0 for an absent one.
func (r *reader) choice(n *yaml.Node, words []string) int {
	s, ok := r.scalar(n)
	if !ok {
		return 0
	}
	i := slices.Index(words, s)
	if i < 0 {
		r.fault(n, "one of %s is expected here, not %q", strings.Join(words, ", "), s)
		return 0
	}
	return i
}

// constant is a value of the type that it is written as.
func (r *reader) constant(n *yaml.Node) *canopy.Value {
	s, ok := r.scalar(n)
	if !ok {
		return nil
	}
	v := canopy.Text(s)
	switch n.Tag {
	case "!!bool":
		v = canopy.Bool(s == "true")
	case "!!int":
		i, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			r.fault(n, "%q is not a whole number of 64 bits", s)
			return nil
		}
		v = canopy.Int(i)
	default:
		if s == "" {
			r.fault(n, "a constant is not empty")
			return nil
		}
	}
	return &v
}
