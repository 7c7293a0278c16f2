package connect

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fields reads several parameters as texts.
func (s *scripted) fields(k *call, into map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(into)) {
		t, err := s.text(k, name)
		if err != nil {
			return err
		}
		*into[name] = t
	}
	return nil
}

func (s *scripted) newRule(k *call, into string) error {
	if err := k.only("name", "identifier", "description", "direction", "precedence", "sourceobjecttype", "targetobjecttype", "connector", "linktype",
		"softdeleteexpiryinterval", "immutabletag", "disabled", "enablepasswordsync"); err != nil {
		return err
	}
	r := &Rule{Place: k.place}
	var direction, precedence, off, passwords string
	if err := s.fields(k, map[string]*string{"name": &r.Name, "identifier": &r.ID, "description": &r.Description, "direction": &direction, "precedence": &precedence,
		"sourceobjecttype": &r.Source, "targetobjecttype": &r.Target, "connector": &r.Connector, "linktype": &r.Link, "softdeleteexpiryinterval": &r.SoftDelete,
		"immutabletag": &r.Tag, "disabled": &off, "enablepasswordsync": &passwords}); err != nil {
		return err
	}
	_, isOff := k.args["disabled"]
	_, isSync := k.args["enablepasswordsync"]
	r.Disabled, r.PasswordSync = isOff && off != "false", isSync && passwords != "false"
	r.ID, r.Connector = guid(r.ID), guid(r.Connector)
	if strings.Trim(r.SoftDelete, "0:.") == "" {
		r.SoftDelete = ""
	}
	var err error
	if r.Inbound, err = inbound(k.place, direction); err != nil {
		return err
	}
	if r.Precedence, err = strconv.Atoi(precedence); err != nil {
		return invalid(k.place, "the rule %q has the precedence %q, which is no whole number", "write a number", r.Name, precedence)
	}
	s.vars[into] = thing{rule: r}
	return nil
}

// of is the rule that a command is about, kept under another variable where the command says so.
func (s *scripted) of(k *call, into string) (*Rule, error) {
	w := k.args["synchronizationrule"]
	t := s.vars[w.text]
	if w.kind != ref || t.rule == nil {
		return nil, invalid(k.place, "%s is about a rule that the script does not make: $%s", "export the whole rule", k.name, w.text)
	}
	if into != "" {
		s.vars[into] = t
	}
	return t.rule, nil
}

func (s *scripted) flow(k *call, into string) error {
	if err := k.only("source", "destination", "flowtype", "valuemergetype", "expression", "executeonce"); err != nil {
		return err
	}
	r, err := s.of(k, into)
	if err != nil {
		return err
	}
	f := Flow{Place: k.place}
	var kind, expression, once string
	if err := s.fields(k, map[string]*string{"destination": &f.To, "flowtype": &kind, "valuemergetype": &f.Merge, "expression": &expression, "executeonce": &once}); err != nil {
		return err
	}
	_, isOnce := k.args["executeonce"]
	f.Once = isOnce && once != "false"
	if f.From, err = s.texts(k, "source"); err != nil {
		return err
	}
	switch fold(kind) {
	case "direct":
		f.Kind = Direct
	case "constant":
		f.Kind, f.Text, f.From = Constant, strings.Join(f.From, ","), nil
	case "expression":
		f.Kind, f.Text = Expression, strings.TrimSpace(expression)
	default:
		return invalid(k.place, "the flow type %q is none of Direct, Constant, Expression", "mend the script", kind)
	}
	r.Flows = append(r.Flows, f)
	return nil
}

// object reads a condition.
func (s *scripted) object(k *call, into string) error {
	kind, err := s.text(k, "typename")
	if err != nil {
		return err
	}
	args, err := s.texts(k, "argumentlist")
	if err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(fold(kind), ".scopecondition") && len(args) == 3:
		s.vars[into] = thing{scope: &Scope{Place: k.place, Attr: args[0], Value: args[1], Operator: args[2]}}
	case strings.HasSuffix(fold(kind), ".joincondition") && (len(args) == 3 || len(args) == 2):
		j := &Join{Place: k.place, Source: args[0], Target: args[1], CaseSensitive: len(args) == 3 && truth(args[2])}
		s.vars[into] = thing{join: j}
	default:
		return invalid(k.place, "%q with %d arguments is neither a scope condition nor a join condition", "write it as the rule editor exports it", kind, len(args))
	}
	return nil
}

// group are the variables that a condition group names.
func (s *scripted) group(k *call, name string) []word {
	w := k.args[name]
	if w.kind == list {
		return w.list
	}
	return []word{w}
}

func (s *scripted) scopes(k *call, into string) error {
	r, err := s.of(k, into)
	if err != nil {
		return err
	}
	var group []Scope
	for _, w := range s.group(k, "scopeconditions") {
		t := s.vars[w.text]
		if w.kind != ref || t.scope == nil {
			return invalid(k.place, "$%s is no scope condition of this script", "export the whole rule", w.text)
		}
		group = append(group, *t.scope)
	}
	r.Scope = append(r.Scope, group)
	return nil
}

func (s *scripted) joins(k *call, into string) error {
	r, err := s.of(k, into)
	if err != nil {
		return err
	}
	var group []Join
	for _, w := range s.group(k, "joinconditions") {
		t := s.vars[w.text]
		if w.kind != ref || t.join == nil {
			return invalid(k.place, "$%s is no join condition of this script", "export the whole rule", w.text)
		}
		group = append(group, *t.join)
	}
	r.Join = append(r.Join, group)
	return nil
}

// add takes the finished rule.
func (s *scripted) add(k *call, _ string) error {
	r, err := s.of(k, "")
	if err != nil {
		return err
	}
	if err := r.whole(); err != nil {
		return err
	}
	s.to.Rules = append(s.to.Rules, *r)
	return nil
}
