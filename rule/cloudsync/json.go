package cloudsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// The bounds of what is read.
const (
	maxFile  = 64 << 20
	maxDepth = 200
)

// value is a JSON value as it was written: members keep their order, and texts and numbers their spelling.
type value struct {
	line    int
	kind    byte // { [ or the first byte of a scalar
	raw     string
	members []member
	items   []*value
}

type member struct {
	key string // as it is written, with its quotes
	val *value
}

func invalid(place, text, next string, args ...any) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "cloud-schema", Object: place, Text: fmt.Sprintf(text, args...), Next: next}
}

const mendJSON = "mend the file, or read the schema anew from the service"

// parser reads JSON that is known to be valid.
type parser struct {
	file string
	src  []byte
	at   int
	line int
}

// parse reads a file's text.
func parse(file string, text []byte) (*value, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(text) > maxFile {
		return nil, invalid(file, "the file has %d bytes, at most %d are taken", mendJSON, len(text), maxFile)
	}
	if !utf8.Valid(text) {
		return nil, invalid(file, "the file is not UTF-8", mendJSON)
	}
	var any json.RawMessage
	if err := json.Unmarshal(text, &any); err != nil {
		var s *json.SyntaxError
		line := 1
		if errors.As(err, &s) {
			line += bytes.Count(text[:min(int(s.Offset), len(text))], []byte("\n"))
		}
		return nil, invalid(fmt.Sprintf("%s:%d", file, line), "it is not JSON: %s", mendJSON, strings.TrimPrefix(err.Error(), "json: "))
	}
	p := &parser{file: file, src: text, line: 1}
	return p.value(0)
}

func (p *parser) place() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

func (p *parser) space() {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		if p.src[p.at] == '\n' {
			p.line++
		}
		p.at++
	}
}

func (p *parser) value(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, invalid(p.place(), "more than %d values are within each other", mendJSON, maxDepth)
	}
	p.space()
	v := &value{line: p.line, kind: p.src[p.at]}
	if v.kind != '{' && v.kind != '[' {
		v.raw = p.scalar()
		return v, nil
	}
	seen := map[string]bool{}
	for p.at++; ; {
		p.space()
		switch p.src[p.at] {
		case '}', ']':
			p.at++
			return v, nil
		case ',':
			p.at++
			continue
		}
		if v.kind == '[' {
			x, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, x)
			continue
		}
		key := p.scalar()
		if name := unquote(key); seen[name] {
			return nil, invalid(p.place(), "%s is there twice", mendJSON, key)
		} else {
			seen[name] = true
		}
		p.space()
		p.at++ // the colon
		x, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.members = append(v.members, member{key, x})
	}
}

// scalar is a text with its quotes, a number or a word.
func (p *parser) scalar() string {
	from := p.at
	if p.src[p.at] == '"' {
		for p.at++; p.src[p.at] != '"'; p.at++ {
			if p.src[p.at] == '\\' {
				p.at++
			}
		}
		p.at++
		return string(p.src[from:p.at])
	}
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n,]}", p.src[p.at]) < 0 {
		p.at++
	}
	return string(p.src[from:p.at])
}

func unquote(raw string) string {
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return raw // a number or word
	}
	return s
}

// compact writes the value without any space.
func (v *value) compact(b *bytes.Buffer) {
	switch v.kind {
	case '{':
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(m.key)
			b.WriteByte(':')
			m.val.compact(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, x := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			x.compact(b)
		}
		b.WriteByte(']')
	default:
		b.WriteString(v.raw)
	}
}

// get is a member, nil when there is none or it is null.
func (v *value) get(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	for _, m := range v.members {
		if unquote(m.key) == name && m.val.raw != "null" {
			return m.val
		}
	}
	return nil
}

// view reads members and notes the first that is of another kind than expected.
type view struct {
	file string
	err  error
}

func (w *view) place(v *value) string {
	if v == nil {
		return w.file
	}
	return fmt.Sprintf("%s:%d", w.file, v.line)
}

func (w *view) fail(v *value, format string, args ...any) {
	if w.err == nil {
		w.err = invalid(w.place(v), format, mendJSON, args...)
	}
}

func (w *view) str(v *value, name string) string {
	x := v.get(name)
	if x == nil {
		return ""
	}
	if x.kind != '"' {
		w.fail(x, "%s is to be a text", name)
		return ""
	}
	return unquote(x.raw)
}

func (w *view) truth(v *value, name string, usual bool) bool {
	x := v.get(name)
	switch {
	case x == nil:
		return usual
	case x.raw != "true" && x.raw != "false":
		w.fail(x, "%s is to be true or false", name)
	}
	return x.raw == "true"
}

func (w *view) number(v *value, name string) int {
	x := v.get(name)
	if x == nil {
		return 0
	}
	n, err := strconv.Atoi(x.raw)
	if err != nil {
		w.fail(x, "%s is to be a whole number", name)
	}
	return n
}

func (w *view) list(v *value, name string) []*value {
	x := v.get(name)
	if x == nil {
		return nil
	}
	if x.kind != '[' {
		w.fail(x, "%s is to be a list", name)
	}
	return x.items
}

func (w *view) texts(v *value, name string) []string {
	var out []string
	for _, x := range w.list(v, name) {
		if x.kind != '"' {
			w.fail(x, "%s is to be a list of texts", name)
			return nil
		}
		out = append(out, unquote(x.raw))
	}
	return out
}
