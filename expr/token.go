package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenText             // "...", in text
	tokenNumber           // in num
	tokenAttr             // [...], in text
	tokenParam            // %...%, in text
	tokenName             // a function or a word, in text
	tokenOp               // an operator, in text
	tokenOpen             // (
	tokenClose            // )
	tokenComma
)

type token struct {
	kind tokenKind
	pos  int
	text string
	num  int64
}

// said is the token for people.
func (t token) said() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenText:
		return "a text"
	case tokenNumber:
		return "a number"
	case tokenAttr:
		return "[" + t.text + "]"
	case tokenParam:
		return "%" + t.text + "%"
	case tokenOpen:
		return `"("`
	case tokenClose:
		return `")"`
	case tokenComma:
		return `","`
	case tokenName, tokenOp:
	}
	return strconv.Quote(t.text)
}

// operators, the longer ones first.
var operators = []string{"&&", "||", "<>", "<=", ">=", "=", "<", ">", "&", "+", "-", "*"}

// lex reads the token at pos. In operand position "&H" begins a number; elsewhere "&" joins texts.
func lex(src string, pos int, operand bool) (token, int, *Error) {
	for pos < len(src) {
		r, n := utf8.DecodeRuneInString(src[pos:])
		if !unicode.IsSpace(r) {
			break
		}
		pos += n
	}
	if pos >= len(src) {
		return token{kind: tokenEnd, pos: pos}, pos, nil
	}
	rest := src[pos:]
	switch c := rest[0]; {
	case c == '"':
		return lexText(src, pos)
	case c == '[':
		return lexQuoted(src, pos, ']', tokenAttr, "an attribute's name")
	case c == '%':
		return lexQuoted(src, pos, '%', tokenParam, "a parameter's name")
	case c == '(':
		return token{kind: tokenOpen, pos: pos}, pos + 1, nil
	case c == ')':
		return token{kind: tokenClose, pos: pos}, pos + 1, nil
	case c == ',':
		return token{kind: tokenComma, pos: pos}, pos + 1, nil
	case isDigit(c), operand && isHex(rest):
		return lexNumber(src, pos)
	case isLetter(c) || c == '$':
		end := pos + 1
		for end < len(src) && (isLetter(src[end]) || isDigit(src[end])) {
			end++
		}
		return token{kind: tokenName, pos: pos, text: src[pos:end]}, end, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{kind: tokenOp, pos: pos, text: op}, pos + len(op), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, pos, &Error{Source: src, Pos: pos, Text: "the character " + strconv.QuoteRune(r) + " means nothing here"}
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func isHex(s string) bool {
	return len(s) > 2 && s[0] == '&' && (s[1] == 'H' || s[1] == 'h') && strings.ContainsRune("0123456789abcdefABCDEF", rune(s[2]))
}

// lexText reads a text literal: a quote in it is written \" or "", a backslash \\ or, before other characters, as itself.
func lexText(src string, pos int) (token, int, *Error) {
	var b strings.Builder
	for i := pos + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\' && i+1 < len(src) && (src[i+1] == '"' || src[i+1] == '\\'),
			c == '"' && i+1 < len(src) && src[i+1] == '"':
			i++
			b.WriteByte(src[i])
		case c == '"':
			return token{kind: tokenText, pos: pos, text: b.String()}, i + 1, nil
		default:
			b.WriteByte(c)
		}
	}
	return token{}, pos, &Error{Source: src, Pos: pos, Text: "the text that begins here has no closing quote",
		Hint: `a backslash before a quote makes the quote part of the text; write \\ for a backslash`}
}

func lexQuoted(src string, pos int, closing byte, kind tokenKind, what string) (token, int, *Error) {
	end := strings.IndexByte(src[pos+1:], closing)
	if end < 0 {
		return token{}, pos, &Error{Source: src, Pos: pos, Text: what + " begins here and does not end", Hint: `it ends with "` + string(closing) + `"`}
	}
	name := src[pos+1 : pos+1+end]
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsAny(name, "[]\"(),\n\r\t") {
		return token{}, pos, &Error{Source: src, Pos: pos, Text: strconv.Quote(name) + " is not " + what}
	}
	return token{kind: kind, pos: pos, text: name}, pos + end + 2, nil
}

func lexNumber(src string, pos int) (token, int, *Error) {
	start, base := pos, 10
	if src[pos] == '&' {
		start, base = pos+2, 16
	}
	end := start
	for end < len(src) && (isDigit(src[end]) || isLetter(src[end])) {
		end++
	}
	digits := src[start:end]
	if base == 16 {
		n, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			return token{}, pos, &Error{Source: src, Pos: pos, Text: "&H" + digits + " is not a hexadecimal number of at most 16 digits"}
		}
		return token{kind: tokenNumber, pos: pos, num: int64(n)}, end, nil // all 64 bits may be set
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return token{}, pos, &Error{Source: src, Pos: pos, Text: digits + " is not a whole number of 64 bits"}
	}
	return token{kind: tokenNumber, pos: pos, num: n}, end, nil
}
