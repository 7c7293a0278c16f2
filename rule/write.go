package rule

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
)

// Format is the rule as a file's text, which Load reads as the same rule. What the rule has of another by FlowsOf is
// named, not repeated.
func (r *Rule) Format() []byte {
	top := mapping(
		"id", text(string(r.ID)), "name", text(r.Name), "text", textIf(r.Text), "direction", text(r.Direction.String()), "connector", text(r.Connector),
		"source", texts(r.Source), "target", text(string(r.Target)), "link", text(r.Link.String()), "precedence", wholeNode(r.Precedence),
		"disabled", truthIf(r.Disabled), "dialect", textIf(r.Dialect), "final", truthIf(r.final), "scope", scopeNode(r.Scope), "join", r.joinNode(),
		"match", matchNode(r.Match), "flowsOf", textIf(string(r.FlowsOf)), "flows", r.flowsNode())
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(top); err != nil {
		panic(err) // nodes of our own making
	}
	return b.Bytes()
}

// mapping makes a node of names and values; a nil value is left out.
func mapping(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1].(*yaml.Node); v != nil {
			n.Content = append(n.Content, text(pairs[i].(string)), v)
		}
	}
	return n
}

func inline(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}

// text is a scalar that stays a text: what would read as a number or truth is quoted.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") || strings.TrimSpace(s) != s {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func textIf(s string) *yaml.Node {
	if s == "" {
		return nil
	}
	return text(s)
}

func wholeNode(i int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(i)}
}

func truthIf(b bool) *yaml.Node {
	if !b {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
}

func listOf(items []*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

// texts is one text, or a list of several; nil when there is none.
func texts[T ~string](list []T) *yaml.Node {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return text(string(list[0]))
	}
	items := make([]*yaml.Node, len(list))
	for i, s := range list {
		items[i] = text(string(s))
	}
	return inline(listOf(items))
}

// groups is a list of lists.
func groups[T any](all [][]T, one func(*T) *yaml.Node) *yaml.Node {
	if len(all) == 0 {
		return nil
	}
	out := listOf(nil)
	for _, group := range all {
		g := listOf(nil)
		for i := range group {
			g.Content = append(g.Content, inline(one(&group[i])))
		}
		out.Content = append(out.Content, g)
	}
	return out
}

func scopeNode(scope [][]Condition) *yaml.Node {
	return groups(scope, func(c *Condition) *yaml.Node {
		return mapping("attr", text(string(c.Attr)), "op", text(string(c.Op)), "value", texts(c.Values), "caseSensitive", truthIf(c.CaseSensitive), "because", textIf(c.Because))
	})
}

func (r *Rule) joinNode() *yaml.Node {
	if r.configured {
		return text("configured")
	}
	return groups(r.Join, func(j *JoinOn) *yaml.Node {
		return mapping("source", text(string(j.Source)), "target", text(string(j.Target)), "caseSensitive", truthIf(j.CaseSensitive))
	})
}

func matchNode(keys []MatchKey) *yaml.Node {
	if len(keys) == 0 {
		return nil
	}
	out := listOf(nil)
	for _, k := range keys {
		out.Content = append(out.Content, inline(mapping("name", text(k.Name), "from", text(string(k.From)), "of", text(string(k.Of)), "also", texts(k.Also))))
	}
	return out
}

// flowsNode is the list of flows; those that are alike but for their attributes are one item.
func (r *Rule) flowsNode() *yaml.Node {
	if r.FlowsOf != "" || len(r.Flows) == 0 {
		return nil
	}
	out := listOf(nil)
	for i := 0; i < len(r.Flows); {
		n := 1
		for i+n < len(r.Flows) && alike(&r.Flows[i], &r.Flows[i+n]) {
			n++
		}
		out.Content = append(out.Content, r.flowNode(r.Flows[i:i+n]))
		i += n
	}
	return out
}

// alike tells whether two flows can stand in one item: both keep the attribute's name, and differ in nothing else.
func alike(a, b *Flow) bool {
	return a.From != "" && a.From == a.To && b.From == b.To && a.Trim == b.Trim && a.Merge == b.Merge && a.Once == b.Once && a.Claim == b.Claim &&
		slices.Equal(a.Held, b.Held) && a.Final == b.Final && a.Link == b.Link
}

func (r *Rule) flowNode(flows []Flow) *yaml.Node {
	f := &flows[0]
	var merge, same, to, from *yaml.Node
	if f.Merge != Update {
		merge = text(merges[f.Merge])
	}
	if f.From != "" && f.From == f.To {
		names := make([]canopy.Attr, len(flows))
		for i := range flows {
			names[i] = flows[i].To
		}
		same = texts(names)
	} else {
		to, from = text(string(f.To)), textIf(string(f.From))
	}
	n := mapping("to", to, "same", same, "from", from, "constant", constantNode(f.Constant), "expression", textIf(f.Expression),
		"trim", truthIf(f.Trim), "merge", merge, "once", truthIf(f.Once), "claim", textIf(string(f.Claim)), "held", texts(f.Held),
		"final", truthIf(f.Final && !r.final), "link", truthIf(f.Link))
	if len(f.Expression) < 80 && len(flows) < 8 {
		return inline(n)
	}
	return n
}

func constantNode(v *canopy.Value) *yaml.Node {
	if v == nil {
		return nil
	}
	switch v.Type() {
	case canopy.Boolean:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.True())}
	case canopy.Integer:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Num(), 10)}
	case canopy.String, canopy.Time, canopy.Binary, canopy.Reference:
	}
	return text(v.Str())
}

// Switch is a file's text that switches a rule which is defined elsewhere.
func Switch(id canopy.RuleID, disabled bool) []byte {
	return []byte("id: " + string(id) + "\ndisabled: " + strconv.FormatBool(disabled) + "\n")
}

// Known tells what is known of an attribute's name on a side: a connector kind, or "meta". The name has the schema's
// spelling.
func Known(side string, a canopy.Attr) (name canopy.Attr, kind canopy.Type, multi, ok bool) {
	x, ok := knownNames().of(side, a)
	return x.name, x.kind, x.multi, ok
}

// knownNames is the list of names, read once.
var knownNames = sync.OnceValue(func() names { return readNames(attributeList) })

// Files are rule files in memory, as Options takes them.
type Files map[string][]byte

// Open opens a file, or the folder that all lie in.
func (f Files) Open(name string) (fs.File, error) {
	if name == "." {
		return &memoryFile{info: memoryInfo{name: ".", dir: true}}, nil
	}
	b, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{info: memoryInfo{name: path.Base(name), size: len(b)}, Reader: bytes.NewReader(b)}, nil
}

// ReadDir lists the files by name.
func (f Files) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var out []fs.DirEntry
	for n, b := range f {
		out = append(out, fs.FileInfoToDirEntry(memoryInfo{name: n, size: len(b)}))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

type memoryFile struct {
	*bytes.Reader
	info memoryInfo
}

func (m *memoryFile) Read(p []byte) (int, error) {
	if m.Reader == nil {
		return 0, io.EOF
	}
	return m.Reader.Read(p)
}
func (m *memoryFile) Stat() (fs.FileInfo, error) { return m.info, nil }
func (m *memoryFile) Close() error               { return nil }

type memoryInfo struct {
	name string
	size int
	dir  bool
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return int64(i.size) }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.dir }
func (i memoryInfo) Sys() any           { return nil }
func (i memoryInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
