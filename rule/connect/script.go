package connect

import (
	"maps"
	"slices"
	"strings"
)

// scripted is a script while it is gone through.
type scripted struct {
	file string
	to   *Export
	vars map[string]thing
}

// thing is what a variable stands for; exactly one is set.
type thing struct {
	word  *word
	rule  *Rule
	scope *Scope
	join  *Join
}

// call is a command's parameters by folded name; a switch has a word without text.
type call struct {
	name  string
	place string
	args  map[string]word
}

// script reads rules in the form in which the rule editor exports them.
func (r *reader) script(file string, raw []byte) error {
	raw, err := text(file, raw)
	if err != nil {
		return err
	}
	l := &lexer{file: file, src: []rune(strings.ReplaceAll(string(raw), "\r\n", "\n")), line: 1}
	commands, err := l.commands()
	if err != nil {
		return err
	}
	s := &scripted{file: file, to: r.e, vars: map[string]thing{}}
	for _, c := range commands {
		if err := s.command(c); err != nil {
			return err
		}
	}
	return nil
}

// quiet are commands that say nothing of rules.
var quiet = []string{"get-adsyncrule", "import-module", "write-host", "write-output", "out-null", "remove-variable", "set-adsyncscheduler",
	"start-adsyncsynccycle", "clear-host", "param", "start-transcript", "stop-transcript", "set-strictmode"}

func (s *scripted) command(c command) error {
	place := (&node{file: s.file, line: c.line}).place()
	words := c.words
	if at := slices.IndexFunc(words, func(w word) bool { return w.kind == pipe }); at >= 0 {
		for _, w := range words[at+1:] {
			if w.kind == bare && !slices.Contains(quiet, fold(w.text)) {
				return invalid(place, "the result is given on to %s, and scripts are read, not run", "write the commands one after the other, as the rule editor exports them", w.text)
			}
		}
		words = words[:at]
	}
	var into string
	if len(words) > 2 && words[0].kind == ref && words[1].kind == equals {
		into, words = words[0].text, words[2:]
		if len(words) == 1 && (words[0].kind == quote || words[0].kind == bare || words[0].kind == ref) {
			return s.assign(into, words[0], place)
		}
	}
	if len(words) == 0 || words[0].kind != bare {
		s.unknown(place, words)
		return nil
	}
	k := &call{name: fold(words[0].text), place: place, args: map[string]word{}}
	do := s.does(k.name)
	if do == nil {
		if !slices.Contains(quiet, k.name) {
			s.unknown(place, words)
		}
		return nil
	}
	if err := k.fill(words[1:]); err != nil {
		return err
	}
	if o, ok := k.args["outvariable"]; ok {
		into = fold(strings.TrimPrefix(o.text, "+"))
		delete(k.args, "outvariable")
	}
	return do(k, into)
}

// does is what a command does, nil when it says nothing of rules.
func (s *scripted) does(name string) func(*call, string) error {
	switch name {
	case "new-adsyncrule":
		return s.newRule
	case "add-adsyncattributeflowmapping":
		return s.flow
	case "new-object":
		return s.object
	case "add-adsyncscopeconditiongroup":
		return s.scopes
	case "add-adsyncjoinconditiongroup":
		return s.joins
	case "add-adsyncrule":
		return s.add
	}
	return nil
}

// assign gives a variable a value that is written out.
func (s *scripted) assign(name string, w word, place string) error {
	if w.kind == ref {
		switch t, ok := s.vars[w.text]; {
		case ok:
			s.vars[name] = t
			return nil
		case w.text != "true" && w.text != "false" && w.text != "null":
			return invalid(place, "the variable $%s has no value here", "write what it stands for", w.text)
		}
	}
	s.vars[name] = thing{word: &w}
	return nil
}

func (s *scripted) unknown(place string, words []word) {
	var said []string
	for _, w := range words {
		said = append(said, w.text)
	}
	if len(said) > 0 {
		s.to.Unknown = addUnknown(s.to.Unknown, Unknown{Place: place, Path: "script/" + said[0], Text: short(strings.Join(said, " ")), Count: 1})
	}
}

// fill sorts a command's words into parameters and their values.
func (k *call) fill(words []word) error {
	for i := 0; i < len(words); {
		if words[i].kind != param {
			return invalid(k.place, "%s has %q where a parameter is expected", "write it as the rule editor exports it, with the names of all parameters", k.name, words[i].text)
		}
		name := words[i].text
		if _, twice := k.args[name]; twice {
			return invalid(k.place, "%s has -%s twice", "take one out", k.name, name)
		}
		i++
		var values []word
		grouped := false
		for i < len(words) && words[i].kind != param {
			switch w := words[i]; w.kind {
			case open, closed, comma:
				grouped = true
			case bare, quote, ref:
				values = append(values, w)
			case param, list, pipe, equals:
				return invalid(k.place, "%s: the value of -%s is not understood", "write it as the rule editor exports it", k.name, name)
			}
			i++
		}
		switch {
		case len(values) == 1 && !grouped:
			k.args[name] = values[0]
		default:
			k.args[name] = word{kind: list, list: values}
		}
	}
	return nil
}

// text is a parameter as one text; a variable is followed.
func (s *scripted) text(k *call, name string) (string, error) {
	w, ok := k.args[name]
	if !ok {
		return "", nil
	}
	words := []word{w}
	if w.kind == list {
		words = w.list
	}
	switch len(words) {
	case 0:
		return "", nil
	case 1:
		return s.literal(k, name, words[0])
	}
	return "", invalid(k.place, "%s: -%s has %d values, and one is expected", "write one", k.name, name, len(words))
}

// texts are a parameter's texts.
func (s *scripted) texts(k *call, name string) ([]string, error) {
	w, ok := k.args[name]
	if !ok {
		return nil, nil
	}
	words := []word{w}
	if w.kind == list {
		words = w.list
	}
	out := make([]string, 0, len(words))
	for _, w := range words {
		t, err := s.literal(k, name, w)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (s *scripted) literal(k *call, name string, w word) (string, error) {
	if w.kind != ref {
		return w.text, nil
	}
	switch w.text {
	case "true", "false":
		return w.text, nil
	case "null":
		return "", nil
	}
	if t, ok := s.vars[w.text]; ok && t.word != nil {
		return s.literal(k, name, *t.word)
	}
	return "", invalid(k.place, "%s: -%s is the variable $%s, whose value is not written in the script", "write the value there", k.name, name, w.text)
}

// beside are the parameters of each command that mean nothing here.
var beside = map[string][]string{
	"new-adsyncrule": {"precedenceafter", "precedencebefore"}, "add-adsyncattributeflowmapping": {"synchronizationrule"},
	"add-adsyncscopeconditiongroup": {"synchronizationrule"}, "add-adsyncjoinconditiongroup": {"synchronizationrule"}, "add-adsyncrule": {"synchronizationrule"},
}

// only refuses parameters that are not known.
func (k *call) only(names ...string) error {
	for _, n := range slices.Sorted(maps.Keys(k.args)) {
		if !slices.Contains(names, n) && !slices.Contains(beside[k.name], n) {
			return invalid(k.place, "%s has the parameter -%s, which is not known", "take it out, or ask for it to be supported", k.name, n)
		}
	}
	return nil
}
