package rule

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin are the built-in rules' files.
func Builtin() fs.FS {
	sub, err := fs.Sub(builtin, "builtin")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// Options say what is loaded.
type Options struct {
	// FS are the places of rule files, *.yaml and *.yml at their top. A rule of a later place replaces the one of the same
	// id of an earlier place; a file with nothing but id and disabled switches it. A place that does not exist is empty.
	FS []fs.FS
	// People are the criteria of "join: configured": "mail" (also ""), "sid", "none" or "attribute:NAME".
	People string
}

// Load reads and checks rules. An error is a *canopy.Error of kind Invalid; when rules are at fault it wraps Faults, all
// of them.
func Load(o Options) (*Set, error) {
	l := &loader{rules: map[canopy.RuleID]*Rule{}, names: knownNames()}
	for i, f := range o.FS {
		if err := l.place(f, i); err != nil {
			return nil, err
		}
	}
	l.flowsOf()
	if err := l.people(o.People); err != nil {
		return nil, err
	}
	s := &Set{byID: l.rules}
	for _, id := range slices.Sorted(maps.Keys(l.rules)) {
		s.rules = append(s.rules, l.rules[id])
	}
	slices.SortStableFunc(s.rules, func(a, b *Rule) int { return a.Precedence - b.Precedence })
	l.check(s)
	if len(l.faults) > 0 {
		slices.SortStableFunc(l.faults, func(a, b Fault) int {
			if c := strings.Compare(a.File, b.File); c != 0 {
				return c
			}
			return a.Line - b.Line
		})
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: l.faults[0].File,
			Text: fmt.Sprintf("the rules have %d faults", len(l.faults)), Next: "mend the rule files", Err: l.faults}
	}
	s.warnings, s.chooses = l.warnings, l.chooses
	for _, r := range s.rules {
		r.ready()
		for _, g := range r.Join {
			for _, on := range g {
				if j := (joinAttr{on.Target, on.CaseSensitive}); !r.Disabled && !slices.Contains(s.joins, j) {
					s.joins = append(s.joins, j)
				}
			}
		}
	}
	s.hide()
	s.hash = hashOf(s.rules)
	return s, nil
}

// loader is a set of rules while it is put together.
type loader struct {
	rules    map[canopy.RuleID]*Rule
	names    names
	faults   Faults
	warnings []canopy.Finding
	chooses  bool
}

func (l *loader) fault(r *Rule, line int, format string, args ...any) {
	if line == 0 {
		line = r.Line
	}
	f := Fault{File: r.File, Line: line, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(l.faults, f) {
		l.faults = append(l.faults, f)
	}
}

func (l *loader) warn(r *Rule, line int, a canopy.Attr, text, next string) {
	if line == 0 {
		line = r.Line
	}
	f := canopy.Finding{Code: "RuleOdd", Severity: canopy.Warning, Object: fmt.Sprintf("%s:%d", r.File, line), Attr: a, Other: string(r.ID), Text: text, Next: next}
	if !slices.Contains(l.warnings, f) {
		l.warnings = append(l.warnings, f)
	}
}

// place reads the files of one place over what was read before.
func (l *loader) place(f fs.FS, place int) error {
	entries, err := fs.ReadDir(f, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &canopy.Error{Kind: canopy.Invalid, Text: "the rule files cannot be listed", Err: err}
	}
	here := map[canopy.RuleID]string{}
	for _, e := range entries {
		ext := path.Ext(e.Name())
		if e.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		text, err := fs.ReadFile(f, e.Name())
		if err != nil {
			return &canopy.Error{Kind: canopy.Invalid, Object: e.Name(), Text: "the rule file cannot be read", Err: err}
		}
		in := &reader{file: e.Name()}
		r, partial := in.read(text)
		l.faults = append(l.faults, in.faults...)
		if r == nil || r.ID == "" {
			continue
		}
		if other, ok := here[r.ID]; ok {
			l.fault(r, 0, "the rule %s is in %s as well", r.ID, other)
			continue
		}
		here[r.ID] = e.Name()
		r.written, r.place = string(text), place
		l.put(r, partial)
	}
	return nil
}

func (l *loader) put(r *Rule, partial bool) {
	if !partial {
		l.rules[r.ID] = r
		return
	}
	before := l.rules[r.ID]
	if before == nil {
		l.fault(r, 0, "there is no rule %s to switch; a rule of its own has a name, a direction and so on", r.ID)
		return
	}
	before.Disabled = r.Disabled
}

// flowsOf gives rules the flows of the rules that they name.
func (l *loader) flowsOf() {
	for _, r := range l.rules {
		if r.FlowsOf == "" {
			continue
		}
		from := l.rules[r.FlowsOf]
		switch {
		case from == nil:
			l.fault(r, 0, "there is no rule %s whose flows to have", r.FlowsOf)
		case from.FlowsOf != "":
			l.fault(r, 0, "the rule %s has the flows of another itself; name %s", r.FlowsOf, from.FlowsOf)
		default:
			r.Flows, r.Dialect = slices.Clone(from.Flows), from.Dialect
		}
	}
	for _, r := range l.rules {
		for i := range r.Flows {
			r.Flows[i].rule = r
			r.Flows[i].Final = r.Flows[i].Final || r.final
		}
	}
}

// The criteria of the choice "sid": an account, and the mailbox that names it as its owner.
const (
	attrSID       canopy.Attr = "objectSid"
	attrSIDString canopy.Attr = "objectSidString"
	attrMaster    canopy.Attr = "msExchMasterAccountSid"
	attrRTC       canopy.Attr = "msRTCSIP-OriginatorSid"
)

// people fills in the configured join criteria.
func (l *loader) people(choice string) error {
	var groups [][]JoinOn
	name, isAttr := strings.CutPrefix(choice, "attribute:")
	switch {
	case choice == "" || choice == "mail":
		groups = [][]JoinOn{{{Source: canopy.AttrMail, Target: canopy.AttrMail}}}
	case choice == "sid":
		groups = [][]JoinOn{{{Source: attrSID, Target: attrSIDString}}, {{Source: attrMaster, Target: attrSIDString}}, {{Source: attrSID, Target: attrMaster}},
			{{Source: attrRTC, Target: attrSIDString}}, {{Source: attrSID, Target: attrRTC}}}
	case choice == "none":
	case isAttr && name != "":
		source, target, ok := l.filled(canopy.Attr(name))
		if !ok {
			return &canopy.Error{Kind: canopy.Invalid, Attr: canopy.Attr(name), Text: "people cannot be joined by it: no inbound rule brings it to the metaverse",
				Next: "choose another attribute, or add a flow for it"}
		}
		groups = [][]JoinOn{{{Source: source, Target: target}}}
	default:
		return &canopy.Error{Kind: canopy.Invalid, Object: "join", Text: fmt.Sprintf("%q is no way to join people", choice), Next: "choose mail, sid, none or attribute:NAME"}
	}
	for _, r := range l.rules {
		if r.configured {
			r.Join = groups
		}
	}
	return nil
}

// filled finds the metaverse attribute that an attribute of people comes to under its own or another name.
func (l *loader) filled(a canopy.Attr) (source, target canopy.Attr, ok bool) {
	if x, known := l.names.of(adKind, a); known {
		a = x.name
	}
	for _, id := range slices.Sorted(maps.Keys(l.rules)) {
		r := l.rules[id]
		if r.Direction != In || r.Target != canopy.Person || r.Disabled {
			continue
		}
		for i := range r.Flows {
			switch f := &r.Flows[i]; {
			case f.Link:
			case f.To == a && f.Expression != nullWord:
				return a, a, true
			case f.From == a && target == "":
				source, target = a, f.To
			}
		}
	}
	return source, target, target != ""
}

// nullWord is the expression of flows that only stop others.
const nullWord = "AuthoritativeNull"

// ready makes what evaluation needs.
func (r *Rule) ready() {
	r.fills = map[canopy.Attr][]int{}
	for i := range r.Flows {
		f := &r.Flows[i]
		f.stops = f.Expression == nullWord
		if f.Constant != nil {
			f.constant = canopy.Values{*f.Constant}
		}
		r.fills[f.To] = append(r.fills[f.To], i)
	}
}

// hashOf is a hash of everything that decides.
func hashOf(rules []*Rule) string {
	h := sha256.New()
	for _, r := range rules {
		c := *r
		c.File, c.Line, c.Text, c.Name = "", 0, "", ""
		c.Flows = slices.Clone(r.Flows)
		for i := range c.Flows {
			c.Flows[i].Line = 0
		}
		b, err := json.Marshal(c)
		if err != nil {
			panic(err) // a rule is plain data
		}
		h.Write(append(b, '\n'))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
