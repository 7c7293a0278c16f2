package connect

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// The bounds of what is read.
const (
	maxFile  = 64 << 20
	maxTotal = 512 << 20
	maxFiles = 10_000
	maxDepth = 64
	maxNodes = 2_000_000 // elements of one file
)

// invalid is an error at a place of a file.
func invalid(place, text, next string, args ...any) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "connect-export", Object: place, Text: fmt.Sprintf(text, args...), Next: next}
}

const exportAnew = "export the configuration anew on the server: Get-ADSyncServerConfiguration -Path FOLDER"

// node is one element of an XML file.
type node struct {
	file  string
	line  int
	name  string // without its namespace
	attrs []xml.Attr
	text  string
	kids  []*node
	known bool
}

// place is where it stands.
func (n *node) place() string { return fmt.Sprintf("%s:%d", n.file, n.line) }

// all are the children of a name, marked as known.
func (n *node) all(name string) []*node {
	var out []*node
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			k.known = true
			out = append(out, k)
		}
	}
	return out
}

// one is the child of a name, nil when there is none; a second one stays unknown.
func (n *node) one(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			k.known = true
			return k
		}
	}
	return nil
}

// at walks down by names.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.one(name)
	}
	return n
}

// str is the text of a child, without space around it.
func (n *node) str(name string) string { return n.one(name).value() }

func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// texts are the texts of all children of a name.
func (n *node) texts(name string) []string {
	var out []string
	for _, k := range n.all(name) {
		if s := k.value(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// attr is an attribute's value.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// skip marks everything below as looked at: it says nothing about what is synchronised.
func (n *node) skip() {
	if n == nil {
		return
	}
	n.known = true
	for _, k := range n.kids {
		k.skip()
	}
}

// text makes UTF-8 of a file, which may have been saved as UTF-16.
func text(file string, raw []byte) ([]byte, error) {
	if len(raw) > maxFile {
		return nil, invalid(file, "the file has %d bytes, at most %d are taken", exportAnew, len(raw), maxFile)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if big := bytes.HasPrefix(raw, []byte("\xfe\xff")); big || bytes.HasPrefix(raw, []byte("\xff\xfe")) {
		if len(raw)%2 != 0 {
			return nil, invalid(file, "the file ends within a character", exportAnew)
		}
		units := make([]uint16, 0, len(raw)/2)
		for i := 2; i < len(raw); i += 2 {
			hi, lo := raw[i+1], raw[i]
			if big {
				hi, lo = raw[i], raw[i+1]
			}
			units = append(units, uint16(hi)<<8|uint16(lo))
		}
		raw = []byte(string(utf16.Decode(units)))
	}
	if !utf8.Valid(raw) {
		return nil, invalid(file, "the file is neither UTF-8 nor UTF-16 with a byte order mark", "save it in one of them")
	}
	return raw, nil
}

// parse reads an XML file. Document type declarations are refused, and so is every entity that XML itself does not
// define: nothing is looked up and nothing grows.
func parse(file string, raw []byte) (*node, error) {
	raw, err := text(file, raw)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.CharsetReader = func(name string, in io.Reader) (io.Reader, error) {
		if n := strings.ToLower(name); n == "utf-16" || n == "unicode" || n == "us-ascii" {
			return in, nil // it is UTF-8 by now
		}
		return nil, fmt.Errorf("the encoding %q is not taken", name)
	}
	var root *node
	var open []*node
	count := 0
	for {
		tok, err := d.RawToken()
		line, _ := d.InputPos()
		at := fmt.Sprintf("%s:%d", file, line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(at, err)
		}
		switch x := tok.(type) {
		case xml.Directive:
			return nil, invalid(at, "a document type declaration is not taken: it could name other files or grow without bound", "take it out of the file, or "+exportAnew)
		case xml.StartElement:
			if count++; len(open) == maxDepth || count > maxNodes {
				return nil, invalid(at, "more than %d elements are within each other, or more than %d in all", exportAnew, maxDepth, maxNodes)
			}
			n := &node{file: file, line: line, name: x.Name.Local, attrs: x.Copy().Attr}
			if len(open) > 0 {
				open[len(open)-1].kids = append(open[len(open)-1].kids, n)
			} else if root != nil {
				return nil, invalid(at, "a second element <%s> stands beside <%s>", exportAnew, n.name, root.name)
			} else {
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != x.Name.Local {
				return nil, invalid(at, "</%s> closes nothing that is open", exportAnew, x.Name.Local)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(x)
			} else if len(bytes.TrimSpace(x)) > 0 {
				return nil, invalid(at, "text stands outside of any element", exportAnew)
			}
		}
	}
	if len(open) > 0 {
		return nil, invalid(open[len(open)-1].place(), "<%s> is never closed: the file is cut off", exportAnew, open[len(open)-1].name)
	}
	if root == nil {
		return nil, invalid(file, "the file has no element", exportAnew)
	}
	return root, nil
}

// broken says what the XML parser found.
func broken(at string, err error) error {
	var s *xml.SyntaxError
	said := err.Error()
	if errors.As(err, &s) {
		said = s.Msg
	}
	return invalid(at, "the XML is broken: %s", exportAnew, said)
}

// unknowns are the elements below that nothing asked for, each path once.
func (n *node) unknowns(path string, to []Unknown) []Unknown {
	for _, k := range n.kids {
		p := path + "/" + k.name
		if k.known {
			to = k.unknowns(p, to)
			continue
		}
		to = addUnknown(to, Unknown{Place: k.place(), Path: p, Text: short(k.value()), Count: 1})
	}
	return to
}

func addUnknown(to []Unknown, u Unknown) []Unknown {
	for i := range to {
		if to[i].Path == u.Path {
			to[i].Count += u.Count
			return to
		}
	}
	return append(to, u)
}

// short is a text for people, cut where it grows long.
func short(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
