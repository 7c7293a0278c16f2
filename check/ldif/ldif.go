// Package ldif reads directory content in the LDAP data interchange format, record by record, and writes changes in it. It
// opens no file and follows no address that a file names.
package ldif

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MostLine is how long a line may get with all that is folded into it.
const MostLine = 32 << 20

// Pair is one value of an attribute. Name has the case of the file, without options such as ;binary.
type Pair struct {
	Name  string
	Value string
}

// Record is one object. Its pairs are good until the next record is read; their texts stay.
type Record struct {
	DN    string
	Line  int // of the file, where it begins
	Pairs []Pair
}

// Error is a fault of a file.
type Error struct {
	Line int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Reader reads records. It holds one record in memory.
type Reader struct {
	in   *bufio.Reader
	keep func(name string) bool
	line int // of what was read last
	buf  []byte
	rec  Record
	any  bool // a record or the version was seen
	end  bool
	// names has the spelling of attributes seen before, so that a name is one text for all records.
	names map[string]string
}

// NewReader reads from r, which has UTF-8 or, with its mark, UTF-16. Attributes that keep refuses are passed over; a nil
// keep takes all. keep is asked once for each spelling of a name.
func NewReader(r io.Reader, keep func(name string) bool) *Reader {
	return &Reader{in: bufio.NewReaderSize(unmark(r), 64<<10), keep: keep, names: map[string]string{}}
}

// Next is the next record, or io.EOF. After an error it goes on with the record that follows.
func (r *Reader) Next() (*Record, error) {
	for {
		rec, err := r.record()
		if rec != nil || err != nil {
			return rec, err
		}
	}
}

// record reads what stands up to the next empty line: nil when that is no record.
func (r *Reader) record() (*Record, error) {
	r.rec = Record{Pairs: r.rec.Pairs[:0]}
	var fault error
	for !r.end {
		line, err := r.logical()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if r.rec.Line != 0 || fault != nil {
				break
			}
			continue
		}
		if fault == nil {
			fault = r.take(line)
		}
	}
	switch {
	case fault != nil:
		return nil, fault
	case r.rec.Line != 0:
		r.any = true
		return &r.rec, nil
	case r.end:
		return nil, io.EOF
	}
	return nil, nil
}

// take puts one line into the record.
func (r *Reader) take(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return r.fault("there is no attribute, colon and value: %s", shown(line))
	}
	name, rest := line[:colon], line[colon+1:]
	if r.rec.Line == 0 {
		return r.first(name, rest)
	}
	if bytes.EqualFold(name, []byte("changetype")) {
		if kind := strings.TrimSpace(string(rest)); !strings.EqualFold(kind, "add") {
			return r.fault("changetype %s: it is a list of changes; what is wanted is the content of a directory, as ldifde -f and ldapsearch -LLL give it", shown([]byte(kind)))
		}
		return nil
	}
	spelled, wanted := r.name(name)
	if !wanted {
		return nil
	}
	value, err := r.value(rest)
	if err != nil {
		return err
	}
	r.rec.Pairs = append(r.rec.Pairs, Pair{Name: spelled, Value: value})
	return nil
}

// first takes the line that begins a record, or one that stands where a record would.
func (r *Reader) first(name, rest []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("dn")):
		dn, err := r.value(rest)
		if err != nil {
			return err
		}
		r.rec.DN, r.rec.Line = dn, r.line
		return nil
	case bytes.EqualFold(name, []byte("version")):
		if v := strings.TrimSpace(string(rest)); v != "1" {
			return r.fault("version %s is not known; there is version 1", shown([]byte(v)))
		}
		if r.any {
			return r.fault("version stands between records; it begins a file")
		}
		r.any = true
		return nil
	case bytes.EqualFold(name, []byte("search")), bytes.EqualFold(name, []byte("result")), bytes.EqualFold(name, []byte("ref")),
		bytes.EqualFold(name, []byte("control")), bytes.EqualFold(name, []byte("text")), bytes.EqualFold(name, []byte("pagedresults")), bytes.EqualFold(name, []byte("matcheddn")):
		return nil // what ldapsearch says of its search
	}
	return r.fault("a record begins with dn:, not with %s:", shown(name))
}

// name is an attribute's name without options, "" and false for one that is not wanted.
func (r *Reader) name(name []byte) (string, bool) {
	if s, ok := r.names[string(name)]; ok {
		return s, s != ""
	}
	s, option, _ := strings.Cut(string(name), ";")
	if option != "" && !strings.EqualFold(option, "binary") || r.keep != nil && !r.keep(s) {
		s = "" // in another language, or a part of a list
	}
	if len(r.names) < 4096 {
		r.names[string(name)] = s
	}
	return s, s != ""
}

// value is what stands behind the first colon.
func (r *Reader) value(rest []byte) (string, error) {
	switch {
	case len(rest) == 0:
		return "", nil
	case rest[0] == '<':
		return "", r.fault("the value is in another file (%s), which is not read", shown(bytes.TrimSpace(rest[1:])))
	case rest[0] != ':':
		text := bytes.TrimLeft(rest, " ")
		if !utf8.Valid(text) {
			return "", r.fault("the value is not UTF-8; values of other kinds are written in base64")
		}
		return string(text), nil
	}
	text := bytes.TrimSpace(rest[1:])
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return "", r.fault("the value is not base64")
	}
	return string(out[:n]), nil
}

// logical is the next line with what is folded into it, without comments; empty at an empty line and at the end.
func (r *Reader) logical() ([]byte, error) {
	for {
		line, err := r.physical()
		if err != nil || len(line) == 0 {
			return line, err
		}
		if err := r.folded(&line); err != nil {
			return nil, err
		}
		if line[0] != '#' {
			return line, nil
		}
	}
}

// folded adds the lines that begin with a space.
func (r *Reader) folded(line *[]byte) error {
	for first := true; ; first = false {
		next, err := r.in.Peek(1)
		if err != nil || next[0] != ' ' {
			return nil // an error shows when the next line is read
		}
		if first { // the line is in the reader's own memory, which the next read changes
			r.buf = append(r.buf[:0], *line...)
		}
		more, err := r.physical()
		if err != nil {
			return err
		}
		if len(r.buf)+len(more) > MostLine {
			return r.fault("the line is too long")
		}
		r.buf = append(r.buf, more[1:]...)
		*line = r.buf
	}
}

// physical is the next line without its end. It is good until the next one is read.
func (r *Reader) physical() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = r.in.ReadSlice('\n')
			if len(long)+len(line) > MostLine {
				r.line++
				return nil, r.fault("the line is too long")
			}
			long = append(long, line...)
		}
		line = long
	}
	r.line++
	switch {
	case errors.Is(err, io.EOF):
		r.end = len(line) == 0
	case err != nil:
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

func (r *Reader) fault(format string, args ...any) error {
	return &Error{Line: r.line, Text: fmt.Sprintf(format, args...)}
}

// shown is a text of a file for a message.
func shown(b []byte) string {
	if len(b) > 60 {
		b = append(bytes.Clone(b[:60]), "..."...)
	}
	return fmt.Sprintf("%q", b)
}
