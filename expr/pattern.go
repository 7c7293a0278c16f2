package expr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// Limits of regular expressions. A search that goes back and forth may take very long for a short text.
const (
	maxPattern   = 1000                   // bytes
	maxSubject   = 64 << 10               // bytes
	searchTime   = 100 * time.Millisecond // of one search
	searchesTime = time.Second            // of all searches of one evaluation
	fewSearches  = 8                      // searches that are not timed together
)

// pattern is a regular expression of the .NET dialect. It is immutable and may be used by many at once.
type pattern struct {
	re *regexp2.Regexp
}

func newPattern(src string) (*pattern, error) {
	if len(src) > maxPattern {
		return nil, fmt.Errorf("has %d bytes, at most %d are taken", len(src), maxPattern)
	}
	if !utf8.ValidString(src) {
		return nil, errors.New("is no text")
	}
	re, err := regexp2.Compile(src)
	if err != nil {
		return nil, fmt.Errorf("is no regular expression: %w", err)
	}
	re.MatchTimeout = searchTime
	return &pattern{re}, nil
}

// number is that of the group of this name, or of this number.
func (p *pattern) number(group string) (int, bool) {
	if n := p.re.GroupNumberFromName(group); n >= 0 {
		return n, true
	}
	n, err := strconv.Atoi(group)
	return n, err == nil && slices.Contains(p.re.GetGroupNumbers(), n)
}

// has tells whether the pattern has such a group.
func (p *pattern) has(group string) bool {
	_, ok := p.number(group)
	return ok
}

// hitOf is what a group hit, nil when it hit nothing.
func (p *pattern) hitOf(hit *regexp2.Match, group string) *regexp2.Group {
	n, ok := p.number(group)
	if !ok {
		return nil
	}
	if g := hit.GroupByNumber(n); g != nil && len(g.Captures) > 0 {
		return g
	}
	return nil
}

// groups are the names of the groups, for people.
func (p *pattern) groups() string {
	names := p.re.GetGroupNames()
	if len(names) < 2 {
		return "none"
	}
	return strings.Join(names[1:], ", ")
}

// search finds the first hit, or the one after a hit, nil when there is none.
func (p *pattern) search(m *machine, s string, after *regexp2.Match) (*regexp2.Match, error) {
	if len(s) > maxSubject {
		return nil, badArg(argSource+1, "has %d bytes; a regular expression is looked for in at most %d", len(s), maxSubject)
	}
	if m.searches++; m.searches == fewSearches {
		m.limit, m.cancel = context.WithTimeout(context.Background(), searchesTime)
	}
	if m.limit != nil && m.limit.Err() != nil {
		return nil, badArg(argPattern+1, "the searches take more than %s together", searchesTime)
	}
	if err := m.spend(stepCost); err != nil {
		return nil, err
	}
	var hit *regexp2.Match
	var err error
	if after == nil {
		hit, err = p.re.FindStringMatch(s)
	} else {
		hit, err = p.re.FindNextMatch(after)
	}
	switch {
	case errors.Is(err, regexp2.ErrBacktrackingStackLimit):
		return nil, badArg(argPattern+1, "goes back and forth too often in this text; make it say more exactly what is looked for")
	case err != nil:
		return nil, badArg(argPattern+1, "the search takes more than %s; make it say more exactly what is looked for", searchTime)
	}
	return hit, nil
}

// replace puts with in the place of each hit, as .NET reads it: $1, ${name}, $&, $$ and the like.
func (p *pattern) replace(m *machine, s, with string) (string, error) {
	return p.each(m, s, func(b []byte, hit *regexp2.Match) ([]byte, error) { return p.expand(m, b, s, with, hit) })
}

// replaceGroup puts with in the place of what a group hit.
func (p *pattern) replaceGroup(m *machine, s, group, with string) (string, error) {
	return p.each(m, s, func(b []byte, hit *regexp2.Match) ([]byte, error) {
		start, length := hit.ByteRange()
		g := p.hitOf(hit, group)
		if g == nil {
			return append(b, s[start:start+length]...), nil
		}
		at, n := g.ByteRange()
		if at < start || at+n > start+length { // it looks beyond the hit
			return append(b, s[start:start+length]...), nil
		}
		b = append(b, s[start:at]...)
		b = append(b, with...)
		return append(b, s[at+n:start+length]...), nil
	})
}

// each copies s with something else for each hit.
func (p *pattern) each(m *machine, s string, put func(b []byte, hit *regexp2.Match) ([]byte, error)) (string, error) {
	hit, err := p.search(m, s, nil)
	if err != nil || hit == nil {
		return s, err
	}
	var b []byte
	done := 0
	for hit != nil {
		start, length := hit.ByteRange()
		if start < done { // patterns that search from the right come to what was copied
			return "", badArg(argPattern+1, "searches from the right, which is not understood here")
		}
		b = append(b, s[done:start]...)
		if b, err = put(b, hit); err != nil {
			return "", err
		}
		if len(b) > maxText {
			return "", errText
		}
		done = start + length
		if hit, err = p.search(m, s, hit); err != nil {
			return "", err
		}
	}
	return string(append(b, s[done:]...)), nil
}

// find is what a group hits first.
func (p *pattern) find(m *machine, s, group string) (string, bool, error) {
	hit, err := p.search(m, s, nil)
	if err != nil || hit == nil {
		return "", false, err
	}
	g := p.hitOf(hit, group)
	if g == nil {
		return "", false, nil
	}
	return g.String(), true, nil
}

// expand writes a replacement, with what stands behind its $.
func (p *pattern) expand(m *machine, b []byte, s, with string, hit *regexp2.Match) ([]byte, error) {
	start, length := hit.ByteRange()
	for with != "" {
		i := strings.IndexByte(with, '$')
		if i < 0 || i == len(with)-1 {
			return append(b, with...), nil
		}
		b = append(b, with[:i]...)
		with = with[i+1:]
		used := 1
		switch c := with[0]; c {
		case '$':
			b = append(b, '$')
		case '&':
			b = append(b, s[start:start+length]...)
		case '`':
			b = append(b, s[:start]...)
		case '\'':
			b = append(b, s[start+length:]...)
		case '_':
			b = append(b, s...)
		case '+':
			b = append(b, lastGroup(hit)...)
		default:
			var text string
			if text, used = p.groupText(with, hit); used == 0 {
				b = append(b, '$')
			}
			b = append(b, text...)
		}
		with = with[used:]
		if len(b) > maxText {
			return nil, errText
		}
	}
	return b, m.spend(len(with))
}

// lastGroup is what the last of the groups hit.
func lastGroup(hit *regexp2.Match) string {
	for n := hit.GroupCount() - 1; n > 0; n-- {
		if g := hit.GroupByNumber(n); g != nil && len(g.Captures) > 0 {
			return g.String()
		}
	}
	return ""
}

// groupText reads {name} or a number at the beginning of s, and gives what that group hit; used is 0 when there is no
// such group, and the $ stands for itself.
func (p *pattern) groupText(s string, hit *regexp2.Match) (text string, used int) {
	name := ""
	if s[0] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", 0
		}
		name, used = s[1:end], end+1
	} else {
		for used < len(s) && isDigit(s[used]) {
			used++
		}
		name = s[:used]
	}
	if !p.has(name) {
		return "", 0
	}
	if g := p.hitOf(hit, name); g != nil {
		return g.String(), used
	}
	return "", used
}
