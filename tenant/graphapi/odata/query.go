package odata

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ParseSelect reads the names of $select, each once; spaces around them do not count.
func ParseSelect(text string) []string {
	var out []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.ContainsFunc(out, func(n string) bool { return strings.EqualFold(n, name) }) {
			out = append(out, name)
		}
	}
	return out
}

// Order is one key of an $orderby.
type Order struct {
	Path []string
	Desc bool
}

// ParseOrder reads an $orderby. The error is a *SyntaxError.
func ParseOrder(text string) ([]Order, error) {
	var out []Order
	at := 0
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		o := Order{}
		switch {
		case len(words) == 2 && strings.EqualFold(words[1], "desc"):
			o.Desc = true
		case len(words) == 1, len(words) == 2 && strings.EqualFold(words[1], "asc"):
		default:
			return nil, &SyntaxError{At: at, Text: "Syntax error: an order is a property, and asc or desc"}
		}
		o.Path = strings.Split(words[0], "/")
		if slices.Contains(o.Path, "") || strings.ContainsAny(words[0], "'()") {
			return nil, &SyntaxError{At: at, Text: "Syntax error: '" + words[0] + "' is no property"}
		}
		out = append(out, o)
		at += len(part) + 1
	}
	return out, nil
}

// Expansion is one navigation of an $expand, with its $select.
type Expansion struct {
	Name   string
	Select []string
	// Levels is how far it goes on from what it leads to; 0 and 1 are not.
	Levels int
}

// maxLevels is how far an expansion goes at most.
const maxLevels = 50

// ParseExpand reads an $expand. The error is a *SyntaxError.
func ParseExpand(text string) ([]Expansion, error) {
	var out []Expansion
	for at := 0; at <= len(text); {
		end := at
		for depth := 0; end < len(text) && (depth > 0 || text[end] != ','); end++ {
			switch text[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		name, options, more := strings.Cut(strings.TrimSpace(text[at:end]), "(")
		e := Expansion{Name: strings.TrimSpace(name)}
		if e.Name == "" || more && !strings.HasSuffix(options, ")") || strings.ContainsAny(e.Name, " ')") {
			return nil, &SyntaxError{At: at, Text: "Syntax error: an expansion is a navigation and its options"}
		}
		for option := range strings.SplitSeq(strings.TrimSuffix(options, ")"), ";") {
			key, value, _ := strings.Cut(option, "=")
			switch key = strings.ToLower(strings.TrimSpace(key)); key {
			case "":
			case "$select":
				e.Select = ParseSelect(value)
			case "$levels":
				n, err := strconv.Atoi(strings.TrimSpace(value))
				if strings.EqualFold(strings.TrimSpace(value), "max") {
					n, err = maxLevels, nil
				}
				if err != nil || n < 1 {
					return nil, &SyntaxError{At: at, Text: "Syntax error: $levels is a number or max"}
				}
				e.Levels = min(n, maxLevels)
			case "$top":
			default:
				return nil, &SyntaxError{At: at, Text: "Syntax error: '" + key + "' is no option of an expansion"}
			}
		}
		out = append(out, e)
		at = end + 1
	}
	return out, nil
}

// Search is a $search: clauses of a property and words, joined by and, or, not.
type Search struct {
	Op       Op // And, Or, Not, or "" for a clause
	Args     []*Search
	Property string
	Words    []string // folded
}

// ParseSearch reads a $search like "displayName:anna" AND "mail:contoso". The error is a *SyntaxError.
func ParseSearch(text string) (*Search, error) {
	if len(text) > maxFilter {
		return nil, &SyntaxError{Text: "The search is too long"}
	}
	p := &searcher{in: text}
	s, err := p.or(0)
	if err == nil && p.skip() < len(p.in) {
		err = &SyntaxError{At: p.at, Text: "Syntax error: a clause is in double quotes, like \"displayName:value\""}
	}
	return s, err
}

type searcher struct {
	in string
	at int
}

func (p *searcher) skip() int {
	for p.at < len(p.in) && p.in[p.at] == ' ' {
		p.at++
	}
	return p.at
}

// word takes AND, OR or NOT, in capitals.
func (p *searcher) word(w string) bool {
	rest := p.in[p.skip():]
	if !strings.HasPrefix(rest, w) || len(rest) > len(w) && rest[len(w)] != ' ' && rest[len(w)] != '"' && rest[len(w)] != '(' {
		return false
	}
	p.at += len(w)
	return true
}

func (p *searcher) or(depth int) (*Search, error) {
	return p.chain(depth, Or, "OR", (*searcher).and)
}

func (p *searcher) and(depth int) (*Search, error) {
	return p.chain(depth, And, "AND", (*searcher).clause)
}

func (p *searcher) chain(depth int, op Op, word string, part func(*searcher, int) (*Search, error)) (*Search, error) {
	if depth > maxDepth {
		return nil, &SyntaxError{At: p.at, Text: "The search is nested too deep"}
	}
	first, err := part(p, depth+1)
	if err != nil {
		return nil, err
	}
	s := &Search{Op: op, Args: []*Search{first}}
	for p.word(word) {
		another, err := part(p, depth+1)
		if err != nil {
			return nil, err
		}
		s.Args = append(s.Args, another)
	}
	if len(s.Args) == 1 {
		return first, nil
	}
	return s, nil
}

func (p *searcher) clause(depth int) (*Search, error) {
	if depth > maxDepth {
		return nil, &SyntaxError{At: p.at, Text: "The search is nested too deep"}
	}
	if p.word("NOT") {
		inner, err := p.clause(depth + 1)
		if err != nil {
			return nil, err
		}
		return &Search{Op: Not, Args: []*Search{inner}}, nil
	}
	rest := p.in[p.skip():]
	switch {
	case strings.HasPrefix(rest, "("):
		p.at++
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.skip() == len(p.in) || p.in[p.at] != ')' {
			return nil, &SyntaxError{At: p.at, Text: "Syntax error: a parenthesis is not closed"}
		}
		p.at++
		return inner, nil
	case strings.HasPrefix(rest, `"`):
		var b strings.Builder
		for i := 1; i < len(rest); i++ {
			switch {
			case rest[i] == '\\' && i+1 < len(rest):
				i++
				b.WriteByte(rest[i])
			case rest[i] == '"':
				p.at += i + 1
				property, value, ok := strings.Cut(b.String(), ":")
				words := Words(value)
				if !ok || strings.TrimSpace(property) == "" || len(words) == 0 {
					return nil, &SyntaxError{At: p.at, Text: "Syntax error: a clause is a property, a colon and words"}
				}
				return &Search{Property: strings.TrimSpace(property), Words: words}, nil
			default:
				b.WriteByte(rest[i])
			}
		}
	}
	return nil, &SyntaxError{At: p.at, Text: "Syntax error: a clause is in double quotes, like \"displayName:value\""}
}

// Words are the words of a text, folded: it is cut at what is neither letter nor digit, and where a small letter is
// followed by a capital.
func Words(s string) []string {
	var out []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = nil
		}
	}
	var before rune
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
		} else {
			if unicode.IsUpper(r) && unicode.IsLower(before) {
				end()
			}
			word = append(word, r)
		}
		before = r
	}
	end()
	return out
}

// Properties are all properties that a search names.
func (s *Search) Properties() []string {
	if s.Op == "" {
		return []string{s.Property}
	}
	var out []string
	for _, a := range s.Args {
		out = append(out, a.Properties()...)
	}
	return out
}

// Holds tells whether a search finds what get knows. tokens tells for a property whether it is cut into words; others
// are searched from their beginning.
func (s *Search) Holds(get func(property string) Value, tokens func(property string) bool) bool {
	switch s.Op {
	case And:
		return !slices.ContainsFunc(s.Args, func(a *Search) bool { return !a.Holds(get, tokens) })
	case Or:
		return slices.ContainsFunc(s.Args, func(a *Search) bool { return a.Holds(get, tokens) })
	case Not:
		return !s.Args[0].Holds(get, tokens)
	case Eq, Ne, Gt, Ge, Lt, Le, In, StartsWith, EndsWith, Contains, Any, All, Count:
	}
	v := get(s.Property)
	for _, x := range append([]Value{v}, v.List...) {
		if x.Kind == Text && s.finds(x.Text, tokens(s.Property)) {
			return true
		}
	}
	return false
}

func (s *Search) finds(text string, tokens bool) bool {
	have := Words(text)
	if !tokens {
		return strings.HasPrefix(strings.Join(have, " "), strings.Join(s.Words, " "))
	}
	for _, w := range s.Words {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return true
}
