package connect

import (
	"strings"
	"unicode"
)

// word is one word of a script's command.
type word struct {
	kind wordKind
	text string
	list []word // of a list
}

type wordKind uint8

const (
	bare  wordKind = iota // New-ADSyncRule, 100
	param                 // -Name
	quote                 // 'text'
	ref                   // $name, with its index left out
	list                  // @(...), or words with commas between them
	comma
	pipe
	open
	closed
	equals
)

// command is one line of a script, with what its backticks join.
type command struct {
	line  int
	words []word
}

// lexer takes a script apart. It knows as much of the language as exported rules need: literals, lists, variables and
// commands; nothing is run.
type lexer struct {
	file string
	src  []rune
	at   int
	line int
}

func isQuote(r rune) bool { return r == '\'' || r == '‘' || r == '’' || r == '‚' || r == '‛' }

func isDouble(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }

func (l *lexer) peek(n int) rune {
	if l.at+n < len(l.src) {
		return l.src[l.at+n]
	}
	return 0
}

// commands are the script's commands.
func (l *lexer) commands() ([]command, error) {
	var out []command
	now := command{line: l.line}
	end := func() {
		if len(now.words) > 0 {
			out = append(out, now)
		}
		now = command{}
	}
	depth := 0
	for l.at < len(l.src) {
		r := l.src[l.at]
		switch {
		case r == '`' && (l.peek(1) == '\n' || l.peek(1) == '\r' || unicode.IsSpace(l.peek(1))):
			l.at++
			for l.at < len(l.src) && l.src[l.at] != '\n' && unicode.IsSpace(l.src[l.at]) {
				l.at++
			}
			if l.peek(0) == '\n' {
				l.at++
				l.line++
			}
		case r == '\n' && depth == 0, r == ';':
			end()
			l.skipTo(1)
		case unicode.IsSpace(r):
			l.skipTo(1)
		case r == '{' || r == '}': // blocks are transparent: what they hold is looked at as if it stood alone
			end()
			l.at++
		default:
			if len(now.words) == 0 {
				now.line = l.line
			}
			w, ok, err := l.word()
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			switch w.kind {
			case open:
				depth++
			case closed:
				depth--
			case bare, param, quote, ref, list, comma, pipe, equals:
			}
			if depth < 0 {
				return nil, invalid(l.place(), "a bracket is closed here that is not open", "mend the script")
			}
			now.words = append(now.words, w)
		}
	}
	if depth > 0 {
		return nil, invalid(l.place(), "the script ends within brackets: it is cut off", "export the rule anew")
	}
	end()
	return out, nil
}

func (l *lexer) place() string { return (&node{file: l.file, line: l.line}).place() }

// skipTo moves over n runes and counts lines.
func (l *lexer) skipTo(n int) {
	for ; n > 0 && l.at < len(l.src); n-- {
		if l.src[l.at] == '\n' {
			l.line++
		}
		l.at++
	}
}

// word reads one word; none where a comment stands.
func (l *lexer) word() (word, bool, error) {
	r := l.src[l.at]
	switch {
	case r == '#':
		for l.at < len(l.src) && l.src[l.at] != '\n' {
			l.at++
		}
		return word{}, false, nil
	case r == '<' && l.peek(1) == '#':
		from := l.place()
		for l.at < len(l.src) && (l.src[l.at] != '#' || l.peek(1) != '>') {
			l.skipTo(1)
		}
		if l.at == len(l.src) {
			return word{}, false, invalid(from, "the comment that begins here is never closed", "mend the script")
		}
		l.at += 2
		return word{}, false, nil
	case isQuote(r):
		return l.single()
	case isDouble(r):
		return l.double()
	case r == '@' && (l.peek(1) == '\'' || l.peek(1) == '"'):
		return l.here()
	case r == '@' && l.peek(1) == '(':
		l.at += 2
		return word{kind: open}, true, nil
	}
	for kind, c := range map[wordKind]rune{open: '(', closed: ')', comma: ',', pipe: '|', equals: '='} {
		if r == c {
			l.at++
			return word{kind: kind, text: string(r)}, true, nil
		}
	}
	return l.plain(), true, nil
}

func (l *lexer) single() (word, bool, error) {
	from := l.place()
	var b strings.Builder
	for l.at++; l.at < len(l.src); {
		if isQuote(l.src[l.at]) {
			if !isQuote(l.peek(1)) {
				l.at++
				return word{kind: quote, text: b.String()}, true, nil
			}
			l.at++
		}
		b.WriteRune(l.src[l.at])
		l.skipTo(1)
	}
	return word{}, false, invalid(from, "the text that begins here is never closed", "mend the script")
}

func (l *lexer) double() (word, bool, error) {
	from := l.place()
	escapes := map[rune]rune{'n': '\n', 'r': '\r', 't': '\t', '0': 0}
	var b strings.Builder
	for l.at++; l.at < len(l.src); {
		r := l.src[l.at]
		switch {
		case isDouble(r) && !isDouble(l.peek(1)):
			l.at++
			return word{kind: quote, text: b.String()}, true, nil
		case isDouble(r):
			l.at++
		case r == '`':
			l.at++
			if to, ok := escapes[l.peek(0)]; ok {
				b.WriteRune(to)
				l.at++
				continue
			}
			if l.at == len(l.src) {
				continue
			}
		case r == '$' && (unicode.IsLetter(l.peek(1)) || l.peek(1) == '(' || l.peek(1) == '{'):
			return word{}, false, invalid(l.place(), "a variable stands within a text here, and scripts are read, not run", "write what it stands for, in single quotes")
		}
		b.WriteRune(l.src[l.at])
		l.skipTo(1)
	}
	return word{}, false, invalid(from, "the text that begins here is never closed", "mend the script")
}

// here reads a text between @' and '@ at the beginning of a line.
func (l *lexer) here() (word, bool, error) {
	from, mark := l.place(), string(l.peek(1))+"@"
	l.at += 2
	rest := string(l.src[l.at:])
	_, body, ok := strings.Cut(rest, "\n")
	end := strings.Index("\n"+body, "\n"+mark)
	if !ok || end < 0 {
		return word{}, false, invalid(from, "the text that begins here is never closed", "mend the script")
	}
	l.skipTo(len([]rune(rest)) - len([]rune(body)))
	body = body[:end]
	l.skipTo(len([]rune(body)) + len([]rune(mark)))
	return word{kind: quote, text: strings.TrimSuffix(strings.TrimSuffix(body, "\n"), "\r")}, true, nil
}

// plain reads a word without quotes: a command, a parameter, a number or a variable.
func (l *lexer) plain() word {
	from, deep := l.at, 0
	for l.at < len(l.src) {
		r := l.src[l.at]
		if r == '[' {
			deep++
		}
		if r == ']' {
			deep--
		}
		if unicode.IsSpace(r) || strings.ContainsRune("|;{}", r) || deep <= 0 && strings.ContainsRune("(),=", r) || isQuote(r) || isDouble(r) {
			break
		}
		l.at++
	}
	if l.at == from {
		l.at++
	}
	s := string(l.src[from:l.at])
	switch {
	case strings.HasPrefix(s, "$"):
		name, _, _ := strings.Cut(s[1:], "[")
		return word{kind: ref, text: fold(name)}
	case len(s) > 1 && s[0] == '-' && unicode.IsLetter(rune(s[1])):
		return word{kind: param, text: fold(strings.TrimSuffix(s[1:], ":"))}
	}
	return word{kind: bare, text: s}
}
