package ad

import (
	"fmt"
	"math"
	"time"

	"github.com/canopy-sync/canopy"
)

// timeForms are the forms in which directories write a time: generalized time, with or without a fraction, and UTC time.
var timeForms = []string{"20060102150405Z0700", "060102150405Z0700"}

// ParseTime reads a generalized time ("20240131235959.0Z") or a UTC time ("240131235959Z"). Errors are of kind Invalid.
func ParseTime(s string) (time.Time, error) {
	for _, f := range timeForms {
		if t, err := time.Parse(f, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &canopy.Error{Kind: canopy.Invalid, Code: "time-syntax", Object: s, Text: "not a time as directories write it"}
}

// FormatTime writes a generalized time as AD does, to the second: "20240131235959.0Z".
func FormatTime(t time.Time) string { return t.UTC().Format("20060102150405") + ".0Z" }

// epochTicks is 1970 as a FILETIME.
const epochTicks int64 = 116444736000000000

const ticksPerSecond int64 = 1e7

// FileTime is the instant of a FILETIME: ticks of 100 ns since 1601. ok is false for the values that mean "never" (0 and
// the largest number) and for negative ones, which are spans of time.
func FileTime(ticks int64) (t time.Time, ok bool) {
	if ticks <= 0 || ticks == math.MaxInt64 {
		return time.Time{}, false
	}
	ticks -= epochTicks
	return time.Unix(ticks/ticksPerSecond, ticks%ticksPerSecond*100).UTC(), true
}

// ToFileTime writes an instant as a FILETIME; what is finer than 100 ns is cut off. An instant before 1601 or after the
// largest FILETIME gives an error of kind Invalid.
func ToFileTime(t time.Time) (int64, error) {
	s := t.Unix()
	if s < -epochTicks/ticksPerSecond || s > (math.MaxInt64-epochTicks)/ticksPerSecond-1 {
		return 0, fmt.Errorf("write %s as a FILETIME: %w", t, &canopy.Error{Kind: canopy.Invalid, Code: "filetime-range",
			Text: "the time is out of range"})
	}
	return s*ticksPerSecond + int64(t.Nanosecond())/100 + epochTicks, nil
}
