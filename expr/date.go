package expr

import (
	"time"
)

// dateFunctions work on instants; all are UTC.
var dateFunctions = []function{
	{name: "DateFromNum", takes: "n", usage: "DateFromNum(number)", text: "the time that is this many 100 nanoseconds after 1601",
		tries: []Example{{`DateFromNum(129699324000000000) = CDate("2012-01-01 23:00:00")`, `True`}}, call: dateFromNum},
	{name: "NumFromDate", takes: "d", usage: "NumFromDate(time)", text: "how many 100 nanoseconds after 1601 it is",
		tries: []Example{{`NumFromDate(CDate("2012-01-01 23:00:00"))`, `129699324000000000`}},
		call:  func(_ *machine, a []Value) (Value, error) { return Num(a[0].n*10 + fileTime1970), nil }},
	{name: "CDate", takes: "x", usage: "CDate(text)", text: "the time that a text says, UTC unless it names its zone. The date comes first: 2024-03-09, 3/9/2024, 9 Mar 2024 and the like",
		tries: []Example{{`CDate("2013-01-10 4:00 PM -8") = CDate("2013-01-11")`, `True`}}, call: cDate},
	{name: "DateAdd", takes: "tnd", usage: `DateAdd("d", number, time)`, text: "a time moved by years (yyyy), quarters (q), months (m), days (d, y, w), weeks (ww), hours (h), minutes (n) or seconds (s). A day that the month does not have is its last one",
		tries: []Example{{`DateAdd("m", 3, CDate("2001-01-01")) = CDate("2001-04-01")`, `True`}}, call: dateAdd},
	{name: "Now", takes: "", varies: true, usage: "Now()", text: "the time of the run", tries: []Example{{`Now() > CDate("2001-01-01")`, `True`}},
		call: func(m *machine, _ []Value) (Value, error) {
			if w := m.world(); w.Now != 0 {
				return At(w.Now), nil
			}
			return Value{}, badArg(0, "what time it is now is not known here")
		}},
}

// connectDates are those of Connect Sync alone.
var connectDates = []function{
	{name: "FormatDateTime", takes: "dt", usage: `FormatDateTime(time, "yyyyMMddHHmmss.0Z")`, text: "a time in a .NET format",
		tries: []Example{{`FormatDateTime(CDate("12/25/2007"), "yyyy-MM-dd")`, `"2007-12-25"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			s, err := formatTime(time.UnixMicro(a[0].n).UTC(), true, a[1].s)
			if err != nil {
				return Value{}, badArg(2, "the format %s", err)
			}
			return Str(s), nil
		}},
}

// cloudDates are those of Cloud Sync alone.
var cloudDates = []function{
	{name: "FormatDateTime", takes: "t?ttt", asks: true, usage: `FormatDateTime(source, [styles], "input format", "output format")`,
		text:  "a time that is written in one .NET format, written in another. styles are .NET's, separated by commas; when left out RoundtripKind, AllowLeadingWhite, AllowTrailingWhite. A time of another zone is turned into UTC. Three arguments leave styles out",
		tries: []Example{{`FormatDateTime("20150123105347.1Z", , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, `"2015-01-23"`}}, check: checkFormats, call: reformat},
	{name: "DateDiff", takes: "tdd", usage: `DateDiff("d", from, to)`, text: "how far it is from one time to another: whole days (d), hours (h), minutes (n) or seconds (s); Sundays passed (ww); months (m) or years (yyyy) of the calendar. Negative when to is earlier",
		tries: []Example{{`DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))`, `13`}}, call: dateDiff},
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

func cDate(_ *machine, a []Value) (Value, error) {
	t, ok := parseTime(a[0].s)
	if !ok {
		return Value{}, badArg(1, "is no time that is understood: %s", described(a[0]))
	}
	return At(t.UnixMicro()), nil
}

// checkFormats takes the short form too, with source and two formats alone.
func checkFormats(n *node) (int, string) {
	if len(n.args) == 3 {
		n.args = []*node{n.args[0], {kind: nodeLeftOut, pos: n.pos}, n.args[1], n.args[2]}
	}
	if len(n.args) != 4 {
		return 0, "takes source, styles, input format and output format"
	}
	for i, a := range n.args {
		if a.kind == nodeLeftOut && i != 1 {
			return i + 1, "is left out; only styles may be"
		}
	}
	return 0, ""
}

func reformat(m *machine, a []Value) (Value, error) {
	style := dateStyle(usualStyle)
	if given(a, 1) && a[1].s != "" {
		var err error
		if style, err = readStyles(a[1].s); err != nil {
			return Value{}, badArg(2, "%s", err)
		}
	}
	var now time.Time
	if w := m.world(); w.Now != 0 {
		now = time.UnixMicro(w.Now).UTC()
	}
	t, zoned, err := parseExact(a[0].s, a[2].s, style, now)
	if err != nil {
		return Value{}, badArg(1, "%s: %s", described(a[0]), err)
	}
	s, err := formatTime(t, zoned, a[3].s)
	if err != nil {
		return Value{}, badArg(4, "the format %s", err)
	}
	return Str(s), nil
}

func dateDiff(_ *machine, a []Value) (Value, error) {
	from, to := time.UnixMicro(a[1].n).UTC(), time.UnixMicro(a[2].n).UTC()
	micro := a[2].n - a[1].n
	switch a[0].s {
	case "s":
		return Num(micro / 1e6), nil
	case "n":
		return Num(micro / 6e7), nil
	case "h":
		return Num(micro / 36e8), nil
	case "d":
		return Num(micro / 864e8), nil
	case "ww":
		micro += int64(from.Weekday()-to.Weekday()) * 864e8
		return Num(micro / 864e8 / 7), nil
	case "m":
		return Num(int64((to.Year()-from.Year())*12 + int(to.Month()-from.Month()))), nil
	case "yyyy":
		return Num(int64(to.Year() - from.Year())), nil
	}
	return Value{}, badArg(1, "must be one of yyyy, m, d, ww, h, n, s, is %s", described(a[0]))
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
