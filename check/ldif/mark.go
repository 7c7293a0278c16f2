package ldif

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// unmark takes a mark of the byte order off, and turns UTF-16, as ldifde -u writes it, into UTF-8.
func unmark(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	mark, _ := in.Peek(3) // an error shows when it is read
	switch {
	case len(mark) == 3 && mark[0] == 0xEF && mark[1] == 0xBB && mark[2] == 0xBF:
		_, _ = in.Discard(3) // they were there
	case len(mark) >= 2 && mark[0] == 0xFF && mark[1] == 0xFE:
		_, _ = in.Discard(2)
		return &wide{in: in, order: binary.LittleEndian}
	case len(mark) >= 2 && mark[0] == 0xFE && mark[1] == 0xFF:
		_, _ = in.Discard(2)
		return &wide{in: in, order: binary.BigEndian}
	}
	return in
}

// wide reads UTF-16 as UTF-8. What is no character becomes U+FFFD.
type wide struct {
	in    *bufio.Reader
	order binary.ByteOrder
	left  []byte // of the last character
	held  rune   // the unit after half a pair that was none
	has   bool
}

func (w *wide) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(w.left) == 0 {
			c, err := w.next()
			if err != nil {
				if n > 0 {
					return n, nil
				}
				return 0, err
			}
			w.left = utf8.AppendRune(w.left[:0], c)
		}
		k := copy(p[n:], w.left)
		n, w.left = n+k, w.left[k:]
	}
	return n, nil
}

// next is one character.
func (w *wide) next() (rune, error) {
	c, err := w.unit()
	if err != nil || !utf16.IsSurrogate(c) {
		return c, err
	}
	low, err := w.unit()
	if err != nil {
		return utf8.RuneError, nil // it shows with the next character
	}
	if both := utf16.DecodeRune(c, low); both != utf8.RuneError {
		return both, nil
	}
	w.held, w.has = low, true
	return utf8.RuneError, nil
}

// unit is 16 bits; half of one at the end is left out.
func (w *wide) unit() (rune, error) {
	if w.has {
		w.has = false
		return w.held, nil
	}
	var b [2]byte
	if _, err := io.ReadFull(w.in, b[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		return 0, err
	}
	return rune(w.order.Uint16(b[:])), nil
}
