package expr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// dateStyle are .NET's styles of reading a time.
type dateStyle uint8

const (
	leadingWhite dateStyle = 1 << iota
	trailingWhite
	innerWhite
	noCurrentDate
	adjustToUniversal
	assumeLocal
	assumeUniversal
	roundtripKind
)

var dateStyles = map[string]dateStyle{
	"None": 0, "AllowLeadingWhite": leadingWhite, "AllowTrailingWhite": trailingWhite, "AllowInnerWhite": innerWhite,
	"AllowWhiteSpaces": leadingWhite | trailingWhite | innerWhite, "NoCurrentDateDefault": noCurrentDate,
	"AdjustToUniversal": adjustToUniversal, "AssumeLocal": assumeLocal, "AssumeUniversal": assumeUniversal, "RoundtripKind": roundtripKind,
}

// usualStyle is taken when no style is given.
const usualStyle = roundtripKind | leadingWhite | trailingWhite

// styleWords are the styles' names, as words that stand for themselves.
func styleWords() map[string]Value {
	w := map[string]Value{}
	for n := range dateStyles {
		w[n] = Str(n)
	}
	return w
}

// readStyles reads styles, separated by commas.
func readStyles(s string) (dateStyle, error) {
	var all dateStyle
	for part := range strings.SplitSeq(s, ",") {
		part = trim(strings.TrimPrefix(trim(part), "DateTimeStyles."))
		style, ok := dateStyles[part]
		if !ok {
			return 0, fmt.Errorf("has %q, which is no style; there are %s", part, strings.Join(sortedNames(dateStyles), ", "))
		}
		all |= style
	}
	if all&roundtripKind != 0 && all&(adjustToUniversal|assumeLocal|assumeUniversal) != 0 || all&assumeLocal != 0 && all&assumeUniversal != 0 {
		return 0, errors.New("names styles that exclude each other")
	}
	return all, nil
}

// reader reads a text by a format. What the format does not name stays 0, the zone unknown.
type reader struct {
	rest                    string
	style                   dateStyle
	year, month, day        int
	hour, minute, sec       int
	nano                    int
	afternoon, half, twelve bool
	zoned                   bool
	offset                  int // seconds east
	what                    string
}

// parseExact reads a text that has exactly this .NET format. A time of another zone is turned into UTC; now gives the date
// when the format has none. zoned tells whether the text names its zone.
func parseExact(s, format string, style dateStyle, now time.Time) (t time.Time, zoned bool, err error) {
	if format, err = longFormat(format); err != nil {
		return t, false, fmt.Errorf("the format %w", err)
	}
	r := &reader{rest: s, style: style}
	if style&leadingWhite != 0 {
		r.rest = strings.TrimLeftFunc(r.rest, blank)
	}
	if style&trailingWhite != 0 {
		r.rest = strings.TrimRightFunc(r.rest, blank)
	}
	for format != "" {
		var p datePart
		if p, format, err = nextPart(format); err != nil {
			return t, false, fmt.Errorf("the format %w", err)
		}
		if style&innerWhite != 0 {
			r.rest = strings.TrimLeftFunc(r.rest, blank)
		}
		if !r.part(p, format) {
			return t, false, fmt.Errorf("does not have the format: %s was expected where %q stands", r.what, cut(r.rest))
		}
	}
	if r.rest != "" {
		return t, false, fmt.Errorf("does not have the format: %q is left over", cut(r.rest))
	}
	t, err = r.time(now)
	return t, r.zoned, err
}

func cut(s string) string { return shortened(s, 20) }

// part reads one part of the format; format is what follows it.
func (r *reader) part(p datePart, format string) bool {
	switch p.letter {
	case 0:
		r.what = fmt.Sprintf("%q", p.text)
		if p.text == " " && r.style&innerWhite != 0 {
			return true
		}
		if !strings.HasPrefix(r.rest, p.text) {
			// the point before F's is there only with digits after it
			return p.text == "." && strings.HasPrefix(format, "F")
		}
		r.rest = r.rest[len(p.text):]
		return true
	case 'y':
		return r.yearPart(p.n)
	case 'M':
		if p.n > 2 {
			return r.month == 0 && r.name(p.n, func(i int) string { return time.Month(i + 1).String() }, 12, &r.month)
		}
		return r.number(&r.month, p.n, "a month")
	case 'd':
		if p.n > 2 {
			var any int
			return r.name(p.n, func(i int) string { return time.Weekday(i).String() }, 7, &any)
		}
		return r.number(&r.day, p.n, "a day")
	case 'H':
		return r.number(&r.hour, p.n, "an hour")
	case 'h':
		r.twelve = true
		return r.number(&r.hour, p.n, "an hour")
	case 'm':
		return r.number(&r.minute, p.n, "a minute")
	case 's':
		return r.number(&r.sec, p.n, "a second")
	case 'f', 'F':
		return r.fraction(p)
	case 't':
		return r.halfDay(min(p.n, 2))
	case 'z':
		return r.zone(p.n)
	case 'K':
		if strings.HasPrefix(r.rest, "Z") {
			r.rest, r.zoned = r.rest[1:], true
			return true
		}
		return r.rest == "" || r.rest[0] != '+' && r.rest[0] != '-' || r.zone(3)
	}
	r.what = "A.D."
	return r.literal("A.D.") || r.literal("AD") // g
}

// literal reads a text in any case.
func (r *reader) literal(s string) bool {
	if len(r.rest) < len(s) || !strings.EqualFold(r.rest[:len(s)], s) {
		return false
	}
	r.rest = r.rest[len(s):]
	return true
}

// run reads between least and most digits.
func (r *reader) run(least, most int) (n, read int, ok bool) {
	for read < most && read < len(r.rest) && isDigit(r.rest[read]) {
		n = n*10 + int(r.rest[read]-'0')
		read++
	}
	if read < least {
		return 0, 0, false
	}
	r.rest = r.rest[read:]
	return n, read, true
}

// number reads one or two digits for a single letter, else two.
func (r *reader) number(into *int, letters int, what string) bool {
	r.what = what
	n, _, ok := r.run(min(letters, 2), 2)
	*into = n
	return ok
}

// yearPart reads a year; two digits up to 49 are of this century.
func (r *reader) yearPart(letters int) bool {
	r.what = "a year"
	most := letters
	if letters == 1 {
		most = 2
	}
	n, _, ok := r.run(letters, most)
	if letters <= 2 {
		n += 1900
		if n < 1950 {
			n += 100
		}
	}
	r.year = n
	return ok
}

func (r *reader) fraction(p datePart) bool {
	r.what = "parts of a second"
	least := p.n
	if p.letter == 'F' {
		least = 0
	}
	n, read, ok := r.run(least, p.n)
	for range 9 - read {
		n *= 10
	}
	r.nano = n
	return ok
}

// name reads one of some names, cut to three letters or whole.
func (r *reader) name(letters int, of func(i int) string, count int, into *int) bool {
	r.what = "a name"
	for i := range count {
		s := of(i)
		if letters == 3 {
			s = s[:3]
		}
		if r.literal(s) {
			*into = i + 1
			return true
		}
	}
	return false
}

func (r *reader) halfDay(letters int) bool {
	r.what, r.half = "AM or PM", true
	if r.literal("PM"[:letters]) {
		r.afternoon = true
		return true
	}
	return r.literal("AM"[:letters])
}

// zone reads an offset: hours, and from three letters on minutes.
func (r *reader) zone(letters int) bool {
	r.what = "an offset such as +01:00"
	if r.rest == "" || r.rest[0] != '+' && r.rest[0] != '-' {
		return false
	}
	sign := 1
	if r.rest[0] == '-' {
		sign = -1
	}
	r.rest = r.rest[1:]
	hours, _, ok := r.run(min(letters, 2), 2)
	minutes := 0
	if ok && letters > 2 {
		r.rest = strings.TrimPrefix(r.rest, ":")
		minutes, _, ok = r.run(2, 2)
	}
	r.zoned, r.offset = true, sign*(hours*3600+minutes*60)
	return ok && hours <= 14 && minutes < 60
}

// time puts together what was read.
func (r *reader) time(now time.Time) (time.Time, error) {
	if r.half || r.twelve {
		if r.hour < 1 || r.hour > 12 || !r.twelve && r.hour > 12 {
			return time.Time{}, fmt.Errorf("is no time: there is no hour %d", r.hour)
		}
		r.hour %= 12
		if r.afternoon {
			r.hour += 12
		}
	}
	if r.year == 0 && (r.month != 0 || r.day != 0 || r.style&noCurrentDate == 0) {
		if now.IsZero() {
			return time.Time{}, errors.New("has no year, and what time it is now is not known here")
		}
		if r.year = now.Year(); r.month == 0 && r.day == 0 {
			r.month, r.day = int(now.Month()), now.Day()
		}
	}
	t := time.Date(max(r.year, 1), time.Month(max(r.month, 1)), max(r.day, 1), r.hour, r.minute, r.sec, r.nano, time.UTC)
	if t.Day() != max(r.day, 1) || int(t.Month()) != max(r.month, 1) || r.hour > 23 || r.minute > 59 || r.sec > 59 {
		return time.Time{}, errors.New("is no time: the calendar does not have it")
	}
	t = t.Add(-time.Duration(r.offset) * time.Second)
	if micro := t.UnixMicro(); micro < minMicro || micro > maxMicro {
		return time.Time{}, errors.New("is outside the years 1 to 9999")
	}
	return t, nil
}

// dateForms and timeForms are the ways to write a time that are understood without being told the format.
var (
	dateForms = []string{"yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "M/d/yyyy", "M-d-yyyy", "M/d/yy", "d MMM yyyy", "d MMMM yyyy", "MMM d, yyyy", "MMMM d, yyyy",
		"ddd, d MMM yyyy", "dddd, d MMMM yyyy", "dddd, MMMM d, yyyy", "d-MMM-yyyy"}
	timeForms = []string{"H:m:s.FFFFFFF", "H:m:s", "H:m", "h:m:s tt", "h:m tt", "h tt", "h:m:stt", "h:mtt"}
	packed    = []string{"yyyyMMddHHmmss.FFFFFFFZ", "yyyyMMddHHmmssZ", "yyyyMMddHHmmss", "yyyyMMddTHHmmssZ"}
)

// parseTime reads a time in one of the usual ways: a date, then perhaps a time of day, then perhaps a zone, which is UTC
// unless it is said.
func parseTime(s string) (time.Time, bool) {
	s = trim(s)
	if len(s) < 6 || len(s) > 80 || !strings.ContainsAny(s, "0123456789") {
		return time.Time{}, false
	}
	for _, f := range packed {
		if t, _, err := parseExact(s, f, 0, time.Time{}); err == nil {
			return t, true
		}
	}
	for _, f := range dateForms {
		r := &reader{rest: s}
		if !r.all(f) {
			continue
		}
		after := *r
		for i := -1; i < len(timeForms); i++ {
			*r = after
			if i >= 0 && !(r.gap() && r.all(timeForms[i])) || !r.anyZone() {
				continue
			}
			if t, err := r.time(time.Time{}); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// all reads every part of a format.
func (r *reader) all(format string) bool {
	for format != "" {
		var p datePart
		var err error
		if p, format, err = nextPart(format); err != nil || !r.part(p, format) {
			return false
		}
	}
	return true
}

// gap reads what stands between a date and a time of day.
func (r *reader) gap() bool {
	before := r.rest
	if r.rest = strings.TrimPrefix(r.rest, "T"); r.rest == before {
		r.rest = strings.TrimLeftFunc(r.rest, blank)
	}
	return r.rest != before
}

// anyZone reads a zone to the end of the text, or nothing.
func (r *reader) anyZone() bool {
	r.rest = strings.TrimLeftFunc(r.rest, blank)
	switch r.rest {
	case "":
		return true
	case "Z", "z", "UTC", "GMT":
		r.rest, r.zoned = "", true
		return true
	}
	for _, letters := range []int{3, 2, 1} {
		try := *r
		if try.zone(letters) && try.rest == "" {
			*r = try
			return true
		}
	}
	return false
}
