package expr

import (
	"fmt"
	"strings"
	"time"
)

// dateFunctions work on instants; all are UTC.
var dateFunctions = []function{
	{name: "DateFromNum", takes: "n", usage: "DateFromNum(number)", text: "the time that is this many 100 nanoseconds after 1601", call: dateFromNum},
	{name: "NumFromDate", takes: "d", usage: "NumFromDate(time)", text: "how many 100 nanoseconds after 1601 it is",
		call: func(_ *machine, a []Value) (Value, error) { return Num(a[0].n*10 + fileTime1970), nil }},
	{name: "CDate", takes: "t", usage: "CDate(text)", text: "the time that a text says", call: cDate},
	{name: "DateAdd", takes: "tnd", usage: `DateAdd("d", number, time)`, text: "a time moved by years (yyyy), quarters (q), months (m), days (d), weeks (ww), hours (h), minutes (n) or seconds (s)", call: dateAdd},
	{name: "FormatDateTime", takes: "dt", usage: `FormatDateTime(time, "yyyyMMddHHmmss.0Z")`, text: "a time in this format", call: formatDateTime},
}

// fileTime1970 is 1970 in 100 nanoseconds after 1601.
const fileTime1970 = 116444736000000000

// The times that can be worked with: the years 1 to 9999.
var (
	minMicro = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxMicro = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro()
)

func dateFromNum(_ *machine, a []Value) (Value, error) {
	micro := a[0].n/10 - fileTime1970/10
	if a[0].n < 0 || micro > maxMicro {
		return Value{}, badArg(1, "is no time: %s", described(a[0]))
	}
	return At(micro), nil
}

func parseTime(s string) (time.Time, error) {
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "1/2/2006 15:04:05 -07:00", "1/2/2006 15:04:05", "1/2/2006", "20060102150405.0Z", "20060102150405Z"} {
		var t time.Time
		if t, err = time.Parse(layout, trim(s)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}

func cDate(_ *machine, a []Value) (Value, error) {
	t, err := parseTime(a[0].s)
	if err != nil || t.UnixMicro() < minMicro || t.UnixMicro() > maxMicro {
		return Value{}, badArg(1, "is no time that is understood: %s", described(a[0]))
	}
	return At(t.UnixMicro()), nil
}

func dateAdd(_ *machine, a []Value) (Value, error) {
	n := a[1].n
	if n > 1e12 || n < -1e12 {
		return Value{}, badArg(2, "is too far: %d", n)
	}
	t, count := time.UnixMicro(a[2].n).UTC(), int(n)
	seconds := map[string]int64{"s": 1, "n": 60, "h": 3600, "d": 86400, "y": 86400, "w": 86400, "ww": 7 * 86400}[a[0].s]
	months := map[string]int{"m": 1, "q": 3, "yyyy": 12}[a[0].s]
	switch {
	case months > 0 && n <= 200000 && n >= -200000:
		// A day that the month does not have is its last one.
		first := time.Date(t.Year(), t.Month()+time.Month(months*count), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		t = first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
	case seconds > 0:
		t = time.Unix(t.Unix()+n*seconds, int64(t.Nanosecond())).UTC()
	case months > 0:
		return Value{}, badArg(2, "is too far: %d", n)
	default:
		return Value{}, badArg(1, "must be one of yyyy, q, m, y, d, w, ww, h, n, s, is %s", described(a[0]))
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return Value{}, badArg(2, "leads outside the years 1 to 9999: %d", n)
	}
	return At(t.UnixMicro()), nil
}

// pieces are the parts of a format, the longer ones first, with what they write.
var pieces = []struct {
	text   string
	layout string // Go's
}{
	{"yyyy", "2006"}, {"yy", "06"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"}, {"dddd", "Monday"}, {"ddd", "Mon"},
	{"dd", "02"}, {"d", "2"}, {"HH", "15"}, {"H", "15"}, {"hh", "03"}, {"h", "3"}, {"mm", "04"}, {"m", "4"}, {"ss", "05"}, {"s", "5"},
	{"tt", "PM"}, {"zzz", "-07:00"}, {"K", "Z07:00"},
}

// standard are the formats of one letter.
var standard = map[string]string{"s": "yyyy-MM-ddTHH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'", "o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "d": "MM/dd/yyyy"}

func formatDateTime(_ *machine, a []Value) (Value, error) {
	format := a[1].s
	if len(format) == 1 {
		long, ok := standard[format]
		if !ok {
			return Value{}, badArg(2, "the format %q is not known", format)
		}
		format = long
	}
	t := time.UnixMicro(a[0].n).UTC()
	var b strings.Builder
	for len(format) > 0 {
		n := writePiece(&b, t, format)
		if n == 0 {
			return Value{}, badArg(2, "the quote in the format does not end")
		}
		format = format[n:]
	}
	return Str(b.String()), nil
}

// writePiece writes the first part of a format and says how long that part is, 0 when a quote does not end.
func writePiece(b *strings.Builder, t time.Time, format string) int {
	switch c := format[0]; c {
	case '\'', '"':
		end := strings.IndexByte(format[1:], c)
		if end < 0 {
			return 0
		}
		b.WriteString(format[1 : 1+end])
		return end + 2
	case '\\':
		if len(format) > 1 {
			b.WriteByte(format[1])
			return 2
		}
		return 1
	case 'f', 'F':
		n := 1
		for n < len(format) && n < 7 && format[n] == c {
			n++
		}
		digits := fmt.Sprintf("%07d", t.Nanosecond()/100)[:n]
		if c == 'F' {
			digits = strings.TrimRight(digits, "0")
		}
		b.WriteString(digits)
		return n
	}
	for _, p := range pieces {
		if strings.HasPrefix(format, p.text) {
			s := t.Format(p.layout)
			if p.text == "H" {
				s = strings.TrimPrefix(s, "0")
			}
			b.WriteString(s)
			return len(p.text)
		}
	}
	b.WriteByte(format[0])
	return 1
}
