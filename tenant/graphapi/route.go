package graphapi

import (
	"net/url"
	"slices"
	"strings"
)

// route is what is done for a method and a path.
type route struct {
	method  string
	pattern []string // {x} is a variable
	roles   []string // one of these is enough; none: every caller
	handle  handler
}

// routes are the door's routes, by the number of their segments.
type routes struct{ bySize map[int][]*route }

// find gives the route, and its variables' values. A path that is there with other methods only is 405.
func (r *routes) find(method string, segments []string) (*route, []string, error) {
	known := false
	for _, t := range r.bySize[len(segments)] {
		vars, ok := t.match(segments)
		if !ok {
			continue
		}
		if t.method == method {
			return t, vars, nil
		}
		known = true
	}
	if known {
		return nil, nil, notAllowed()
	}
	name := ""
	if len(segments) > 0 {
		name = segments[len(segments)-1]
		for i := range segments {
			if !r.begins(segments[:i+1]) {
				name = segments[i]
				break
			}
		}
	}
	return nil, nil, noSegment(name)
}

// begins tells whether some route begins with these segments.
func (r *routes) begins(segments []string) bool {
	for size, list := range r.bySize {
		if size < len(segments) {
			continue
		}
		for _, t := range list {
			if _, ok := (&route{pattern: t.pattern[:len(segments)]}).match(segments); ok {
				return true
			}
		}
	}
	return false
}

func (t *route) match(segments []string) ([]string, bool) {
	var vars []string
	for i, p := range t.pattern {
		switch {
		case p[0] == '{':
			if strings.HasPrefix(segments[i], "$") {
				return nil, false
			}
			vars = append(vars, segments[i])
		case !strings.EqualFold(p, segments[i]):
			return nil, false
		}
	}
	return vars, true
}

// classNames are the types that a segment may narrow a collection to.
var classNames = []string{"user", "group", "orgContact", "servicePrincipal", "device", "application", "administrativeUnit", "directoryRole"}

// splitPath takes a path apart: users('x') is two segments, microsoft.graph.delta() is delta, microsoft.graph.user is
// graph.user.
func splitPath(path string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		s, err := url.PathUnescape(part)
		if err != nil {
			return nil, noSegment(part)
		}
		name, args, call := strings.Cut(s, "(")
		if call && strings.HasSuffix(args, ")") && !strings.ContainsAny(name, "'@ ") {
			out = append(out, plainName(name))
			if args = strings.TrimSuffix(args, ")"); args != "" {
				out = append(out, unquoted(args))
			}
			continue
		}
		out = append(out, plainName(s))
	}
	return out, nil
}

func plainName(s string) string {
	lower := strings.ToLower(s)
	if !strings.HasPrefix(lower, "microsoft.graph.") && !strings.HasPrefix(lower, "graph.") {
		return s
	}
	name := lastSegment(s)
	if i := slices.IndexFunc(classNames, func(c string) bool { return strings.EqualFold(c, name) }); i >= 0 {
		return "graph." + classNames[i]
	}
	return name
}

// unquoted is a key: 'x' is x, and name='x' stays as it is, for the resource to look up.
func unquoted(key string) string {
	if len(key) >= 2 && key[0] == '\'' && key[len(key)-1] == '\'' {
		return strings.ReplaceAll(key[1:len(key)-1], "''", "'")
	}
	return key
}
