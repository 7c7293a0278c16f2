package run

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"

	"github.com/canopy-sync/canopy"
)

// request is what a space is asked to read: what the rules use, within its scope.
func (l *Local) request(s *Space, cursor []byte) canopy.ReadRequest {
	classes, attrs := l.Rules.Reads(s.About.Kind)
	return canopy.ReadRequest{Cursor: cursor, Scope: s.Scope, Classes: classes, Attrs: attrs}
}

// scopeHash names what is read; a stored cursor is good for the same hash only.
func scopeHash(r canopy.ReadRequest) string {
	r.Cursor = nil
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // only names and anchors: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// MemoryName is the file in the state directory that keeps what was learned of the forests when they were first met.
const MemoryName = "forests.json"

// Memory remembers of each forest what must not change by itself, and what commands need that do not ask it.
type Memory struct {
	path string
	mu   sync.Mutex // guards what follows: forests are met side by side
	// Names has which object each DN of a scope named when it was first met. Scope goes by the object from then on:
	// renaming it changes nothing, and a DN that comes to name another object stops the run.
	Names map[canopy.ConnectorID]map[string]canopy.Anchor `json:"names,omitempty"`
	// Values are each forest's named texts for expressions, see canopy.Description.
	Values map[canopy.ConnectorID]map[string]string `json:"values,omitempty"`
	// Secret is what chance in expressions is made of, so that the same object gets the same again.
	Secret string `json:"secret,omitempty"`
	// Keys names the rules by which entries and metas have their keys.
	Keys string `json:"keys,omitempty"`
}

func (r *Memory) keysBy() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Keys
}

func (r *Memory) setKeysBy(hash string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Keys = hash
	return r.keep()
}

// LoadMemory reads what an earlier run remembered; a file that is not there is an empty memory.
func LoadMemory(path string) (*Memory, error) {
	r := &Memory{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the memory of the forests: %w", err)
	}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "forest-memory", Object: path, Text: "it is not what this product wrote", Err: err,
			Next: "restore it from a backup, or delete it when the DNs in the configuration still name the same objects"}
	}
	return r, nil
}

// keep writes the memory, whole or not at all.
func (r *Memory) keep() error {
	if r.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the memory of the forests: %w", err)
	}
	return os.Rename(r.path+".new", r.path)
}

// secret is what chance is made of, "" before a forest was met.
func (r *Memory) secret() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Secret
}

// values are the space's named texts: as it told them, or as it did when it was last asked.
func (l *Local) values(s *Space) map[string]string {
	if s.About.Kind != "" {
		return s.About.Values
	}
	l.Memory.mu.Lock()
	defer l.Memory.mu.Unlock()
	return l.Memory.Values[s.ID]
}

// remember keeps the named texts of a space that was just met.
func (l *Local) remember(s *Space) error {
	l.Memory.mu.Lock()
	defer l.Memory.mu.Unlock()
	if maps.Equal(l.Memory.Values[s.ID], s.About.Values) && l.Memory.Secret != "" {
		return nil
	}
	if l.Memory.Secret == "" {
		l.Memory.Secret = rand.Text()
	}
	if l.Memory.Values == nil {
		l.Memory.Values = map[canopy.ConnectorID]map[string]string{}
	}
	l.Memory.Values[s.ID] = s.About.Values
	return l.Memory.keep()
}

// resolveScope turns the DNs of a scope into anchors.
func (l *Local) resolveScope(ctx context.Context, s *Space) error {
	n := s.Names
	if len(n.Include)+len(n.Exclude)+len(n.Groups) == 0 {
		return nil
	}
	known := l.Memory.named(s.ID)
	fresh := false
	var scope canopy.Scope
	for _, part := range []struct {
		names []string
		into  *[]canopy.Anchor
	}{{n.Include, &scope.Include}, {n.Exclude, &scope.Exclude}, {n.Groups, &scope.Groups}} {
		for _, dn := range part.names {
			a, err := l.resolve(ctx, s, dn, known[canopy.Fold(dn)])
			if err != nil {
				l.met(s, canopy.Description{}) // met again next time
				return fmt.Errorf("scope of %s: %w", s.ID, err)
			}
			fresh = fresh || known[canopy.Fold(dn)] == ""
			known[canopy.Fold(dn)] = a
			*part.into = append(*part.into, a)
		}
	}
	s.Scope = scope
	if !fresh {
		return nil
	}
	return l.Memory.name(s.ID, known)
}

// named is a copy of what the DNs of a connector's scope mean.
func (r *Memory) named(id canopy.ConnectorID) map[string]canopy.Anchor {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := map[string]canopy.Anchor{}
	maps.Copy(known, r.Names[id])
	return known
}

// name keeps what the DNs of a connector's scope mean.
func (r *Memory) name(id canopy.ConnectorID, known map[string]canopy.Anchor) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Names == nil {
		r.Names = map[canopy.ConnectorID]map[string]canopy.Anchor{}
	}
	r.Names[id] = known
	return r.keep()
}

// resolve finds the object that dn names now, and refuses it when the same text named another one before.
func (l *Local) resolve(ctx context.Context, s *Space, dn string, before canopy.Anchor) (canopy.Anchor, error) {
	hits, err := s.Connector.Search(ctx, canopy.SearchRequest{DN: dn, Classes: []canopy.Class{canopy.Container, canopy.Group}})
	switch {
	case err != nil:
		return "", err
	case len(hits) == 0 && before != "":
		return before, nil // renamed or moved: it is still the same object
	case len(hits) == 0:
		return "", &canopy.Error{Kind: canopy.NotFound, Code: "scope-unknown", Object: dn, Other: string(s.ID), Text: "no container or group has this name",
			Next: "correct scope in the configuration"}
	case before != "" && hits[0].Anchor != before:
		return "", &canopy.Error{Kind: canopy.Unsafe, Code: "scope-moved", Object: dn, Other: string(hits[0].Anchor) + " instead of " + string(before),
			Text: "this name belongs to another object than when it was configured",
			Next: "if the new object is meant, remove the name from " + MemoryName + " in the state directory and run again"}
	}
	return hits[0].Anchor, nil
}
