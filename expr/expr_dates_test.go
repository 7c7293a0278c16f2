package expr

import (
	"testing"
	"time"
)

func TestDateFormats(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 3, 9, 7, 5, 4, 120_000_000, time.UTC)
	noon := time.Date(931, 12, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at           time.Time
		format, want string
	}{
		{at, "d", "03/09/2024"}, {at, "D", "Saturday, 09 March 2024"}, {at, "f", "Saturday, 09 March 2024 07:05"}, {at, "F", "Saturday, 09 March 2024 07:05:04"}, {at, "g", "03/09/2024 07:05"}, {at, "G", "03/09/2024 07:05:04"},
		{at, "M", "March 09"}, {at, "m", "March 09"}, {at, "o", "2024-03-09T07:05:04.1200000Z"}, {at, "O", "2024-03-09T07:05:04.1200000Z"}, {at, "r", "Sat, 09 Mar 2024 07:05:04 GMT"}, {at, "R", "Sat, 09 Mar 2024 07:05:04 GMT"},
		{at, "s", "2024-03-09T07:05:04"}, {at, "t", "07:05"}, {at, "T", "07:05:04"}, {at, "u", "2024-03-09 07:05:04Z"}, {at, "U", "Saturday, 09 March 2024 07:05:04"}, {at, "y", "2024 March"}, {at, "Y", "2024 March"},
		{at, "%d", "9"}, {at, "%M", "3"}, {at, "%h", "7"}, {at, "%f", "1"}, {at, "%F", "1"}, {at, "%t", "A"}, {at, "%y", "24"}, {at, "%z", "+0"}, {at, "%K", "Z"}, {at, "%g", "A.D."},
		{at, "y yy yyy yyyy yyyyy", "24 24 2024 2024 02024"}, {noon, "y yy yyy yyyy yyyyy", "31 31 931 0931 00931"}, {at, "M MM MMM MMMM MMMMM", "3 03 Mar March March"}, {at, "d dd ddd dddd ddddd", "9 09 Sat Saturday Saturday"},
		{at, "h hh H HH hhh HHH", "7 07 7 07 07 07"}, {noon, "h hh H HH t tt ttt", "12 12 12 12 P PM PM"}, {at, "m mm s ss", "5 05 4 04"}, {at, "z zz zzz zzzz", "+0 +00 +00:00 +00:00"}, {at, "f ff fff ffff fffff ffffff fffffff", "1 12 120 1200 12000 120000 1200000"},
		{at, "s.F s.FF s.FFF s.FFFFFFF", "4.1 4.12 4.12 4.12"}, {noon, "s.FFFsx", "00x"}, {at, "HH'h'mm\"min\"", "07h05min"}, {at, `\d\\d`, `d\9`}, {at, "gg", "A.D."}, {at, "yyyyMMddHHmmss.0Z", "20240309070504.0Z"}, {at, "M/d/yyyy h:mm:ss tt", "3/9/2024 7:05:04 AM"},
	} {
		got, err := formatTime(c.at, true, c.format)
		if err != nil || got != c.want {
			t.Errorf("%q: got %q %v, want %q", c.format, got, err, c.want)
		}
	}
	if got, err := formatTime(at, false, "yyyyK"); err != nil || got != "2024" {
		t.Errorf("without a zone: got %q %v, want 2024", got, err)
	}
	for _, bad := range []string{"", "x", "'a", `a"`, `a\`, "a%", "%%", "ffffffff", string(make([]byte, maxFormat+1))} {
		if got, err := formatTime(at, true, bad); err == nil {
			t.Errorf("the format %q gives %q, want an error", bad, got)
		}
	}
}

func TestDatesAreReadByFormat(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for _, c := range []struct {
		text, format string
		style        dateStyle
		want         string // "": an error
	}{
		{"2024-03-09", "yyyy-MM-dd", 0, "2024-03-09T00:00:00Z"}, {"2024-3-9", "yyyy-M-d", 0, "2024-03-09T00:00:00Z"}, {"2024-3-9", "yyyy-MM-dd", 0, ""}, {"24", "yy", 0, "2024-01-01T00:00:00Z"}, {"50", "yy", 0, "1950-01-01T00:00:00Z"}, {"4", "%y", 0, "2004-01-01T00:00:00Z"},
		{"202", "yyy", 0, "0202-01-01T00:00:00Z"}, {"Mar 9 2024", "MMM d yyyy", 0, "2024-03-09T00:00:00Z"}, {"march 09 2024", "MMMM dd yyyy", 0, "2024-03-09T00:00:00Z"}, {"Foo 9 2024", "MMM d yyyy", 0, ""}, {"Saturday 9 3 2024", "dddd d M yyyy", 0, "2024-03-09T00:00:00Z"}, {"Sat 9 3 2024", "ddd d M yyyy", 0, "2024-03-09T00:00:00Z"},
		{"2024-02-30", "yyyy-MM-dd", 0, ""}, {"2024-13-01", "yyyy-MM-dd", 0, ""}, {"2024 25", "yyyy HH", 0, ""}, {"2024 00", "yyyy hh", 0, ""}, {"2024 13 PM", "yyyy hh tt", 0, ""}, {"2024 12 AM", "yyyy hh tt", 0, "2024-01-01T00:00:00Z"}, {"2024 12 pm", "yyyy hh tt", 0, "2024-01-01T12:00:00Z"}, {"2024 1 P", "yyyy h t", 0, "2024-01-01T13:00:00Z"}, {"2024 1 X", "yyyy h t", 0, ""},
		{"2024-01-01 10:20:30.5", "yyyy-MM-dd HH:mm:ss.f", 0, "2024-01-01T10:20:30.5Z"}, {"2024-01-01 10:20:30.5", "yyyy-MM-dd HH:mm:ss.ff", 0, ""}, {"2024-01-01 10:20:30", "yyyy-MM-dd HH:mm:ss.FFF", 0, "2024-01-01T10:20:30Z"}, {"2024-01-01 10:20:30.25", "yyyy-MM-dd HH:mm:ss.FFF", 0, "2024-01-01T10:20:30.25Z"},
		{"2020-12-31-08:00", "yyyy-MM-ddzzz", 0, "2020-12-31T08:00:00Z"}, {"2020-12-31-0800", "yyyy-MM-ddzzz", 0, "2020-12-31T08:00:00Z"}, {"2020-12-31+02", "yyyy-MM-ddzz", 0, "2020-12-30T22:00:00Z"}, {"2020-12-31+2", "yyyy-MM-ddz", 0, "2020-12-30T22:00:00Z"}, {"2020-12-31+15:00", "yyyy-MM-ddzzz", 0, ""}, {"2020-12-31", "yyyy-MM-ddzzz", 0, ""}, {"2020-12-31 x", "yyyy-MM-dd", 0, ""},
		{"2020-12-31Z", "yyyy-MM-ddK", 0, "2020-12-31T00:00:00Z"}, {"2020-12-31", "yyyy-MM-ddK", 0, "2020-12-31T00:00:00Z"}, {"2020-12-31+01:00", "yyyy-MM-ddK", 0, "2020-12-30T23:00:00Z"}, {"2020-12-31+1", "yyyy-MM-ddK", 0, ""}, {"20150123105347.1Z", "yyyyMMddHHmmss.fZ", 0, "2015-01-23T10:53:47.1Z"}, {"Sat, 09 Mar 2024 07:05:04 GMT", "r", 0, "2024-03-09T07:05:04Z"},
		{"A.D. 2024", "g yyyy", 0, "2024-01-01T00:00:00Z"}, {"x 2024", "g yyyy", 0, ""}, {"03-09", "MM-dd", 0, "2026-03-09T00:00:00Z"}, {"10:30", "HH:mm", 0, "2026-05-04T10:30:00Z"}, {"10:30", "HH:mm", noCurrentDate, "0001-01-01T10:30:00Z"}, {"0001-01-01+01:00", "yyyy-MM-ddzzz", 0, ""}, {"2024", "'x", 0, ""}, {"2024", "q", 0, ""},
		{" 2024", "yyyy", leadingWhite, "2024-01-01T00:00:00Z"}, {"2024 ", "yyyy", leadingWhite, ""}, {"2024 ", "yyyy", trailingWhite, "2024-01-01T00:00:00Z"}, {"2024  -  3", "yyyy - M", innerWhite, "2024-03-01T00:00:00Z"}, {"2024-3", "yyyy - M", innerWhite, "2024-03-01T00:00:00Z"},
	} {
		got, _, err := parseExact(c.text, c.format, c.style, now)
		if (err == nil) != (c.want != "") || err == nil && got.Format(time.RFC3339Nano) != c.want {
			t.Errorf("%q as %q, style %d: got %v %v, want %q", c.text, c.format, c.style, got, err, c.want)
		}
	}
	if _, _, err := parseExact("10:30", "HH:mm", 0, time.Time{}); err == nil {
		t.Error("a time of day without a clock has a date")
	}
}

func TestDatesAreReadInTheUsualForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2013-01-10 4:00 PM -8": "2013-01-11T00:00:00Z", "12/25/2007": "2007-12-25T00:00:00Z", "3/9/24": "2024-03-09T00:00:00Z", "2024/3/9": "2024-03-09T00:00:00Z", "2024.3.9 7:05": "2024-03-09T07:05:00Z", "2024-03-09T07:05:04.123456Z": "2024-03-09T07:05:04.123456Z",
		"2024-03-09 07:05:04 +01:00": "2024-03-09T06:05:04Z", "2024-03-09 07:05:04+0100": "2024-03-09T06:05:04Z", "9 Mar 2024": "2024-03-09T00:00:00Z", "March 9, 2024 7:05 pm": "2024-03-09T19:05:00Z", "Sat, 09 Mar 2024 07:05:04 GMT": "2024-03-09T07:05:04Z", "Saturday, 9 March 2024": "2024-03-09T00:00:00Z",
		"20240309070504.0Z": "2024-03-09T07:05:04Z", "20240309070504Z": "2024-03-09T07:05:04Z", "20240309070504": "2024-03-09T07:05:04Z", "3/9/2024 7:05:04 AM": "2024-03-09T07:05:04Z", "3-9-2024": "2024-03-09T00:00:00Z", " 2024-03-09 ": "2024-03-09T00:00:00Z", "9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z", "2024-03-09 UTC": "2024-03-09T00:00:00Z",
	} {
		if got, ok := parseTime(text); !ok || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %v %t, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "4:00 PM", "2024", "2024-13-01", "2024-02-30", "13/13/2024", "2024-03-09 25:00", "2024-03-09 7:05 XM", "2024-03-09T", "2024-03-09 +99:00", "0001-01-01T00:00:00+01:00", "10000-01-01", "2024-03-09 07:05 nonsense"} {
		if got, ok := parseTime(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestDateFunctionsKeepToTheCalendar(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`CDate("2013-01-10 4:00 PM -8")`, `2013-01-11T00:00:00Z`}, {`FormatDateTime(CDate("12/25/2007"),"yyyy-MM-dd")`, `"2007-12-25"`}, {`DateAdd("m", 3, CDate("2001-01-01"))`, `2001-04-01T00:00:00Z`}, {`DateAdd("q", -1, CDate("2024-05-31"))`, `2024-02-29T00:00:00Z`},
		{`DateAdd("yyyy", 1, CDate("2024-02-29"))`, `2025-02-28T00:00:00Z`}, {`DateAdd("y", 1, CDate("2024-12-31"))`, `2025-01-01T00:00:00Z`}, {`DateAdd("w", 1, CDate("2024-12-31"))`, `2025-01-01T00:00:00Z`}, {`DateAdd("ww", 1, CDate("2024-12-31"))`, `2025-01-07T00:00:00Z`},
		{`DateAdd("h", 24, CDate("2024-12-31"))`, `2025-01-01T00:00:00Z`}, {`DateAdd("n", 90, CDate("2024-12-31"))`, `2024-12-31T01:30:00Z`}, {`DateAdd("s", -1, CDate("2024-12-31"))`, `2024-12-30T23:59:59Z`}, {`DateAdd("s", 2000000000000, CDate("2024-12-31"))`, `!too far`},
		{`NumFromDate(CDate("1601-01-01"))`, `0`}, {`NumFromDate(CDate("1600-12-31"))`, `-864000000000`}, {`DateFromNum(0)`, `1601-01-01T00:00:00Z`}, {`DateFromNum("x")`, `!must be a number (CNum`}, {`CDate([when])`, `!must be a text or octets`}, {`NumFromDate("2024-01-01")`, `!must be a time (CDate`},
		{`FormatDateTime(CDate("2024-01-01"), "")`, `!the format is empty`},
	})
}
