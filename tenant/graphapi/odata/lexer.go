package odata

import (
	"strconv"
	"strings"
	"time"
)

type tokenKind uint8

const (
	tokEnd   tokenKind = iota
	tokName            // a property, an operator, a variable, null, true
	tokValue           // a literal
	tokSign            // ( ) , / :
)

type token struct {
	kind  tokenKind
	at    int
	text  string
	value Value
}

type lexer struct {
	in string
	at int
}

func (l *lexer) space() {
	for l.at < len(l.in) && (l.in[l.at] == ' ' || l.in[l.at] == '\t') {
		l.at++
	}
}

// peek is the next octet that is no space, 0 at the end.
func (l *lexer) peek() byte {
	l.space()
	if l.at == len(l.in) {
		return 0
	}
	return l.in[l.at]
}

func (l *lexer) token() (token, error) {
	c := l.peek()
	start := l.at
	switch {
	case c == 0 && start == len(l.in):
		return token{kind: tokEnd, at: start}, nil
	case strings.IndexByte("(),/:", c) >= 0:
		l.at++
		return token{kind: tokSign, at: start, text: string(c)}, nil
	case c == '\'':
		return l.quoted()
	}
	end := start
	for end < len(l.in) && wordByte(l.in[end]) {
		end++
	}
	// a time has colons: take it whole
	if end-start >= 13 && isDigit(c) && strings.IndexByte(l.in[start:end], 'T') == 10 {
		for end < len(l.in) && (wordByte(l.in[end]) || l.in[end] == ':') {
			end++
		}
	}
	if end == start {
		return token{}, &SyntaxError{At: start, Text: "Syntax error: character '" + printable(l.in[start:]) + "' is not valid"}
	}
	text := l.in[start:end]
	l.at = end
	t := token{kind: tokValue, at: start, text: text}
	switch {
	case isGUID(text):
		t.value = Of(text)
	case isDigit(c) || c == '-' || c == '+':
		var ok bool
		if t.value, ok = number(text); !ok {
			return token{}, &SyntaxError{At: start, Text: "Syntax error: '" + text + "' is no number, date or GUID"}
		}
	case strings.EqualFold(text, "duration") || strings.EqualFold(text, "datetimeoffset"):
		if l.at < len(l.in) && l.in[l.at] == '\'' {
			return l.quoted()
		}
		t.kind = tokName
	default:
		t.kind = tokName
	}
	return t, nil
}

// quoted reads text between quotes, in which two quotes are one.
func (l *lexer) quoted() (token, error) {
	start := l.at
	var b strings.Builder
	for i := l.at + 1; i < len(l.in); i++ {
		if l.in[i] != '\'' {
			b.WriteByte(l.in[i])
			continue
		}
		if i+1 < len(l.in) && l.in[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		l.at = i + 1
		return token{kind: tokValue, at: start, text: l.in[start:l.at], value: Value{Kind: Text, Text: b.String()}}, nil
	}
	return token{}, &SyntaxError{At: start, Text: "There is an unterminated string literal"}
}

func printable(s string) string {
	for _, r := range s {
		return strings.Trim(strconv.QuoteRune(r), "'")
	}
	return ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '$' || c == '@' || c == '+' || c >= 0x80
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// number reads a whole number, a date or a time.
func number(s string) (Value, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return OfInt(n), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return Value{Kind: Time, Num: t.UnixMicro()}, true
		}
	}
	return Value{}, false
}
