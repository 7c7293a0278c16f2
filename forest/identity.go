package forest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// guid is an objectGUID as the directory keeps it: the first three groups of its text are little-endian.
type guid [16]byte

// String is the dashed text.
func (g guid) String() string {
	var b [36]byte
	order := [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
	at := 0
	for i, n := range order {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[at] = '-'
			at++
		}
		hex.Encode(b[at:], g[n:n+1])
		at += 2
	}
	return string(b[:])
}

// parseGUID reads 16 octets, the dashed text (with or without braces) or 32 hexadecimal digits in the order of the octets.
func parseGUID(s string) (guid, bool) {
	var g guid
	if len(s) == 16 {
		copy(g[:], s)
		return g, true
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	dashed := len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
	if dashed {
		s = strings.ReplaceAll(s, "-", "")
	}
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 16 {
		return guid{}, false
	}
	copy(g[:], raw)
	if dashed {
		g[0], g[1], g[2], g[3] = raw[3], raw[2], raw[1], raw[0]
		g[4], g[5], g[6], g[7] = raw[5], raw[4], raw[7], raw[6]
	}
	return g, true
}

// parseSID reads S-1-..., or octets, and gives the octets.
func parseSID(s string) (string, error) {
	if strings.HasPrefix(s, "S-") || strings.HasPrefix(s, "s-") {
		parts := strings.Split(s[2:], "-")
		if len(parts) < 2 || len(parts) > 17 {
			return "", fmt.Errorf("%q is not a SID", s)
		}
		rev, err1 := strconv.ParseUint(parts[0], 10, 8)
		authority, err2 := strconv.ParseUint(parts[1], 10, 48)
		if err1 != nil || err2 != nil {
			return "", fmt.Errorf("%q is not a SID", s)
		}
		b := make([]byte, 8, 8+4*len(parts))
		binary.BigEndian.PutUint64(b, authority)
		b[0], b[1] = byte(rev), byte(len(parts)-2)
		for _, p := range parts[2:] {
			n, err := strconv.ParseUint(p, 10, 32)
			if err != nil {
				return "", fmt.Errorf("%q is not a SID", s)
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
		}
		return string(b), nil
	}
	if len(s) < 8 || len(s) != 8+4*int(s[1]) || s[0] != 1 {
		return "", fmt.Errorf("value is not a SID")
	}
	return s, nil
}

// sidText is S-1-... for octets.
func sidText(raw string) string {
	if len(raw) < 8 || len(raw) != 8+4*int(raw[1]) {
		return ""
	}
	b := []byte(raw)
	authority := binary.BigEndian.Uint64(b) & (1<<48 - 1)
	s := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := 8; i < len(b); i += 4 {
		s += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[i:])), 10)
	}
	return s
}

// withRID is a domain's SID with a relative identifier behind it.
func withRID(domain string, rid uint32) string {
	b := []byte(domain)
	b[1]++
	return string(binary.LittleEndian.AppendUint32(b, rid))
}

// lastRID is the relative identifier at the end of a SID.
func lastRID(sid string) uint32 {
	if len(sid) < 12 {
		return 0
	}
	return binary.LittleEndian.Uint32([]byte(sid[len(sid)-4:]))
}

// never is the FILETIME that stands for "does not expire".
const never = "9223372036854775807"

// filetime is a time in units of 100 ns since 1601.
func filetime(t time.Time) int64 { return t.UnixNano()/100 + 116444736000000000 }

func formatTime(t time.Time) string { return t.UTC().Format("20060102150405") + ".0Z" }

// parseTime reads generalized time and UTC time, with Z only.
func parseTime(s string) (time.Time, error) {
	digits, ok := strings.CutSuffix(s, "Z")
	if ok {
		whole, _, _ := strings.Cut(digits, ".")
		layout := map[int]string{14: "20060102150405", 12: "060102150405"}[len(whole)]
		if t, err := time.Parse(layout, whole); err == nil && layout != "" {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a generalized time such as 20250131235959.0Z", s)
}
