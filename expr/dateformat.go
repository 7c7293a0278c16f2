package expr

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// standardFormats are .NET's formats of one letter, as they read in no particular culture.
var standardFormats = map[byte]string{
	'd': "MM/dd/yyyy", 'D': "dddd, dd MMMM yyyy", 'f': "dddd, dd MMMM yyyy HH:mm", 'F': "dddd, dd MMMM yyyy HH:mm:ss",
	'g': "MM/dd/yyyy HH:mm", 'G': "MM/dd/yyyy HH:mm:ss", 'M': "MMMM dd", 'm': "MMMM dd", 'o': roundTrip, 'O': roundTrip,
	'r': rfc1123, 'R': rfc1123, 's': "yyyy'-'MM'-'dd'T'HH':'mm':'ss", 't': "HH:mm", 'T': "HH:mm:ss",
	'u': "yyyy'-'MM'-'dd HH':'mm':'ss'Z'", 'U': "dddd, dd MMMM yyyy HH:mm:ss", 'y': "yyyy MMMM", 'Y': "yyyy MMMM",
}

const (
	roundTrip = "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK"
	rfc1123   = "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'"
	maxFormat = 1000 // bytes
)

// datePart is a part of a date format: a letter that comes n times, or a literal text (letter 0).
type datePart struct {
	letter byte
	n      int
	text   string
}

// dateLetters are the letters that stand for something.
const dateLetters = "yMdHhmsfFtzKg"

// longFormat is a format with a standard one written out.
func longFormat(format string) (string, error) {
	switch {
	case format == "":
		return "", errors.New("is empty")
	case len(format) > maxFormat:
		return "", errors.New("has more than " + strconv.Itoa(maxFormat) + " characters")
	case len(format) == 1:
		long, ok := standardFormats[format[0]]
		if !ok {
			return "", errors.New("is not known: " + strconv.Quote(format))
		}
		return long, nil
	}
	return format, nil
}

// nextPart is the first part of a format, and what follows it.
func nextPart(format string) (datePart, string, error) {
	c := format[0]
	switch {
	case c == '\'' || c == '"':
		end := strings.IndexByte(format[1:], c)
		if end < 0 {
			return datePart{}, "", errors.New("has a quote that does not end")
		}
		return datePart{text: format[1 : 1+end]}, format[end+2:], nil
	case c == '\\':
		if len(format) == 1 {
			return datePart{}, "", errors.New("ends with a backslash")
		}
		return datePart{text: format[1:2]}, format[2:], nil
	case c == '%':
		if len(format) == 1 || format[1] == '%' {
			return datePart{}, "", errors.New("has a % that stands before no letter")
		}
		return nextPart(format[1:])
	case strings.IndexByte(dateLetters, c) < 0:
		return datePart{text: format[:1]}, format[1:], nil
	}
	n := 1
	for c != 'K' && n < len(format) && format[n] == c {
		n++
	}
	if (c == 'f' || c == 'F') && n > 7 {
		return datePart{}, "", errors.New("has more than 7 digits for parts of a second")
	}
	return datePart{letter: c, n: n}, format[n:], nil
}

// formatTime writes a time in a .NET format. Without a zone, K is nothing.
func formatTime(t time.Time, zoned bool, format string) (string, error) {
	format, err := longFormat(format)
	if err != nil {
		return "", err
	}
	var room [64]byte
	b := room[:0]
	for format != "" {
		var p datePart
		if p, format, err = nextPart(format); err != nil {
			return "", err
		}
		b = p.append(b, t, zoned)
	}
	return string(b), nil
}

// append writes one part.
func (p datePart) append(b []byte, t time.Time, zoned bool) []byte {
	switch p.letter {
	case 0:
		return append(b, p.text...)
	case 'y':
		if p.n <= 2 {
			return digits(b, t.Year()%100, p.n)
		}
		return digits(b, t.Year(), p.n)
	case 'M':
		return named(b, int(t.Month()), p.n, t.Month().String())
	case 'd':
		return named(b, t.Day(), p.n, t.Weekday().String())
	case 'H':
		return digits(b, t.Hour(), min(p.n, 2))
	case 'h':
		return digits(b, (t.Hour()+11)%12+1, min(p.n, 2))
	case 'm':
		return digits(b, t.Minute(), min(p.n, 2))
	case 's':
		return digits(b, t.Second(), min(p.n, 2))
	case 'f', 'F':
		return p.appendFraction(b, t)
	case 't':
		half := "AM"
		if t.Hour() >= 12 {
			half = "PM"
		}
		return append(b, half[:min(p.n, 2)]...)
	case 'z':
		b = digits(append(b, '+'), 0, min(p.n, 2))
		if p.n > 2 {
			b = append(b, ":00"...)
		}
		return b
	case 'K':
		if zoned {
			return append(b, 'Z')
		}
		return b
	}
	return append(b, "A.D."...) // g
}

// appendFraction writes parts of a second. F leaves zeros at the end out, and the point before them with the last one.
func (p datePart) appendFraction(b []byte, t time.Time) []byte {
	at := len(b)
	b = digits(b, t.Nanosecond()/100, 7)[:at+p.n]
	if p.letter == 'f' {
		return b
	}
	for len(b) > at && b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if len(b) == at && at > 0 && b[at-1] == '.' {
		b = b[:at-1]
	}
	return b
}

// named is a number of one or two digits, or from three letters on a name, cut to three.
func named(b []byte, number, n int, name string) []byte {
	switch {
	case n <= 2:
		return digits(b, number, n)
	case n == 3:
		return append(b, name[:3]...)
	}
	return append(b, name...)
}

// digits writes a number with at least this many digits.
func digits(b []byte, number, least int) []byte {
	var room [20]byte
	s := strconv.AppendInt(room[:0], int64(number), 10)
	for i := len(s); i < least; i++ {
		b = append(b, '0')
	}
	return append(b, s...)
}

// cloudTime is a time as Cloud Sync's functions give it.
func cloudTime(micro int64) string {
	s, _ := formatTime(time.UnixMicro(micro).UTC(), true, "M/d/yyyy h:mm:ss tt")
	return s
}
