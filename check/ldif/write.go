package ldif

import (
	"bufio"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"
)

// Change is a change of one attribute: values that go, then values that come. With neither it is cleared; with Replace
// the values that come take the place of all.
type Change struct {
	Attr    string
	Replace bool
	Delete  []string
	Add     []string
}

// Writer writes change records. The first error stays, and Flush gives it.
type Writer struct {
	out   *bufio.Writer
	begun bool
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriter(w)} }

// Modify writes the changes of one object, with comments before them.
func (w *Writer) Modify(dn string, comments []string, changes []Change) {
	if !w.begun {
		w.say("version: 1\n")
		w.begun = true
	}
	w.say("\n")
	for _, c := range comments {
		w.Comment(c)
	}
	w.pair("dn", dn)
	w.say("changetype: modify\n")
	for _, c := range changes {
		if c.Replace {
			w.part("replace", c.Attr, c.Add)
			continue
		}
		if len(c.Delete) > 0 || len(c.Add) == 0 {
			w.part("delete", c.Attr, c.Delete)
		}
		if len(c.Add) > 0 {
			w.part("add", c.Attr, c.Add)
		}
	}
}

// Comment writes a line that programs pass over.
func (w *Writer) Comment(text string) {
	if !w.begun {
		w.say("version: 1\n")
		w.begun = true
	}
	w.say("# " + strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text) + "\n")
}

func (w *Writer) part(how, attr string, values []string) {
	w.say(how + ": " + attr + "\n")
	for _, v := range values {
		w.pair(attr, v)
	}
	w.say("-\n")
}

// Flush writes what is left, and gives the first error there was.
func (w *Writer) Flush() error { return w.out.Flush() }

func (w *Writer) say(s string) { _, _ = w.out.WriteString(s) } // Flush gives the error

func (w *Writer) pair(name, value string) {
	line := name + ": " + value
	if !safe(value) {
		line = name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	const width = 76
	for len(line) > width {
		w.say(line[:width] + "\n")
		line = " " + line[width:]
	}
	w.say(line + "\n")
}

// safe tells whether a value may stand as it is.
func safe(s string) bool {
	if s == "" {
		return true
	}
	if s[0] == ' ' || s[0] == ':' || s[0] == '<' || s[len(s)-1] == ' ' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == 0 || c == '\n' || c == '\r' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
