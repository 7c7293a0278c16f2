package ad

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"github.com/canopy-sync/canopy"
)

// cursorVersion is the version of the cursor's form. A cursor of another version makes a read a full one.
const cursorVersion = 1

// way is how changes are read.
type way string

// The ways, best first.
const (
	wayDirSync  way = "dirsync"        // the DirSync control with the right to replicate
	waySecurity way = "dirsync-object" // the DirSync control within the account's rights to read
	wayUSN      way = "usn"            // by the numbers of updates
)

// cursor is how far a forest has been read. It belongs to one controller's database.
type cursor struct {
	Version    int               `json:"v"`
	Way        way               `json:"way"`
	Invocation string            `json:"invocation"`
	Server     string            `json:"server"`
	USN        int64             `json:"usn"`               // the controller's highest, when this was made
	Cookies    map[string][]byte `json:"cookies,omitempty"` // by naming context, folded
	Asked      string            `json:"asked"`             // hash of what was read: bases, scope, classes, attributes
	// Members are the objects within the groups in scope, sorted, 16 bytes each.
	Members []byte `json:"members,omitempty"`
}

func (c *cursor) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("ad: a cursor cannot be written: " + err.Error()) // it holds nothing that could fail
	}
	return b
}

// parseCursor reads a cursor. A wrong one is an error; whoever reads with it makes a full read.
func parseCursor(b []byte) (*cursor, error) {
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if c.Version != cursorVersion || c.USN < 0 || len(c.Members)%len(GUID{}) != 0 {
		return nil, errors.New("the cursor is of another version")
	}
	return &c, nil
}

// askedHash is a hash of what a read covers. Where it differs from a cursor's, that cursor says too little.
func askedHash(f *facts, req *canopy.ReadRequest) string {
	h := sha256.New()
	put := func(kind string, all []string) {
		slices.Sort(all)
		for _, s := range slices.Compact(all) {
			h.Write([]byte(kind + "\x00" + s + "\x00"))
		}
	}
	var bases []string
	for _, b := range f.bases {
		bases = append(bases, b.Key())
	}
	put("base", bases)
	put("include", texts(req.Scope.Include))
	put("exclude", texts(req.Scope.Exclude))
	put("group", texts(req.Scope.Groups))
	put("class", texts(req.Classes))
	var attrs []string
	for _, a := range req.Attrs {
		if k := f.attr(string(a)); k != nil { // one that the schema has not is read as soon as it has
			attrs = append(attrs, string(k.name))
		}
	}
	put("attr", attrs)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func texts[T ~string](all []T) []string {
	s := make([]string, len(all))
	for i, a := range all {
		s[i] = string(a)
	}
	return s
}

// memberSet are objects by objectGUID.
type memberSet map[GUID]struct{}

func (m memberSet) has(g GUID) bool {
	_, ok := m[g]
	return ok
}

func (m memberSet) encode() []byte {
	all := make([]GUID, 0, len(m))
	for g := range m {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b GUID) int { return bytes.Compare(a[:], b[:]) })
	b := make([]byte, 0, len(all)*len(GUID{}))
	for _, g := range all {
		b = append(b, g[:]...)
	}
	return b
}

func parseMembers(b []byte) memberSet {
	m := make(memberSet, len(b)/len(GUID{}))
	for len(b) >= len(GUID{}) {
		m[GUID(b[:len(GUID{})])] = struct{}{}
		b = b[len(GUID{}):]
	}
	return m
}
