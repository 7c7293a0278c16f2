// Package connectortest is the contract of canopy.Connector as a test suite, with a connector in memory that keeps it.
package connectortest

import (
	"context"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

// patience is how long the suite waits for what a directory does in its own time.
const patience = 30 * time.Second

// Unknown is an anchor that no directory has.
const Unknown canopy.Anchor = "00000000-0000-4000-8000-00000000dead"

// Setup says how the suite gets at a directory. Parts that the directory cannot do by its Abilities are not run; of the
// others none is left out.
type Setup struct {
	// New gives a directory, or an empty part of one. What it opens it closes with t.Cleanup.
	New func(t *testing.T) Place
	// Words are the directory's names for what the suite needs.
	Words Words
	// Export makes the Add of an object with a source anchor of its own; the same name gives the same source anchor. It
	// fills in what the directory demands of an object (sAMAccountName, userPrincipalName). Not called without
	// Abilities.Write. The Set that it returns may be added to.
	Export func(class canopy.Class, name string, parent canopy.Ref) canopy.Export
	// DN is the DN of an object below a container; nil where the directory has no DNs and no containers.
	DN func(class canopy.Class, name string, parent canopy.Ref) string
	// People is how many persons the suite makes where it wants several batches; 0 is 25.
	People int
}

// Place is where one test works.
type Place struct {
	Connector canopy.Connector
	Puppet    Puppet
	// Base is the container that the suite's objects go to, and reads are scoped to; zero where there are no containers.
	Base canopy.Ref
}

// Words are the names of classes and attributes that the suite uses.
type Words struct {
	Person, Group canopy.Class
	Text          canopy.Attr // a text of persons with one value, which may be cleared
	Other         canopy.Attr // another one
	Multi         canopy.Attr // a text of persons with several values
	Member        canopy.Attr // the many links of a group
	Manager       canopy.Attr // the one link of a person; "" where there is none
	// Samples are values that persons can hold and that must come back as they are; best one of each type.
	Samples canopy.Attrs
	// Login is what SearchRequest.Name finds the person of this name by.
	Login func(name string) string
}

// Object is what a Puppet makes.
type Object struct {
	Class  canopy.Class
	Name   string
	Parent canopy.Ref // zero: where the directory likes
	Attrs  canopy.Attrs
	Links  map[canopy.Attr][]canopy.Ref
}

// Puppet changes a directory behind its connector's back. It ends the test when the directory refuses. A person is
// made so that Words.Login finds it, and whatever else the directory demands is the puppet's to add.
type Puppet interface {
	// Container makes a container; never called where Setup.DN is nil.
	Container(t testing.TB, name string, parent canopy.Ref) canopy.Ref
	// Create makes an object and gives its anchor, and its DN if it has one.
	Create(t testing.TB, o Object) canopy.Ref
	// Modify sets values, clears the attributes whose values are empty, and adds and removes links.
	Modify(t testing.TB, ref canopy.Ref, set canopy.Attrs, links map[canopy.Attr]canopy.LinkChange)
	// Move renames an object or moves it, or both, and gives it with its new DN; never called where Setup.DN is nil.
	Move(t testing.TB, ref canopy.Ref, name string, parent canopy.Ref) canopy.Ref
	// Delete deletes an object; a container with all below it.
	Delete(t testing.TB, ref canopy.Ref)
}

// suite is one test's view of a directory.
type suite struct {
	Setup
	Place
	can    canopy.Abilities
	schema canopy.Schema
}

// Run runs the suite. Each part gets a Place of its own, so that parts may run beside each other.
func Run(t *testing.T, s Setup) {
	t.Helper()
	if s.People == 0 {
		s.People = 25
	}
	parts := []struct {
		name string
		on   func(s *suite) bool
		run  func(t *testing.T, s *suite)
	}{
		{"Describe", always, describe},
		{"Check", always, check},
		{"FullRead", always, fullRead},
		{"Samples", always, samples},
		{"OnlyWhatWasAsked", always, onlyAsked},
		{"Changes", always, changes},
		{"Links", always, links},
		{"Deletion", always, deletion},
		{"Resume", always, resume},
		{"Moves", hasContainers, moves},
		{"Scope", hasContainers, scope},
		{"ScopeChange", hasContainers, scopeChange},
		{"GroupScope", always, groupScope},
		{"Search", always, search},
		{"SearchContainers", hasContainers, searchContainers},
		{"Memory", always, sharesNoMemory},
		{"Cancel", always, cancel},
		{"CallbackError", always, callbackError},
		{"Beside", always, beside},
		{"Watch", always, watch},
		{"ReadOnly", func(s *suite) bool { return !s.can.Write }, readOnly},
		{"Add", canWrite, add},
		{"AddAgain", canWrite, addAgain},
		{"Modify", canWrite, modify},
		{"WriteLinks", canWrite, writeLinks},
		{"Compare", canWrite, compare},
		{"WriteMove", func(s *suite) bool { return s.can.Write && s.DN != nil }, writeMove},
		{"WriteDelete", canWrite, writeDelete},
		{"BadExport", canWrite, badExport},
		{"Confirm", canWrite, confirm},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			x := s.open(t)
			if p.on(x) {
				p.run(t, x)
			}
		})
	}
}

func always(*suite) bool          { return true }
func hasContainers(s *suite) bool { return s.DN != nil }
func canWrite(s *suite) bool      { return s.can.Write }

func (s Setup) open(t *testing.T) *suite {
	t.Helper()
	x := &suite{Setup: s, Place: s.New(t)}
	d, err := x.Connector.Describe(t.Context())
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	x.can, x.schema = d.Abilities, d.Schema
	return x
}

// request asks for everything the suite knows, below the place's base.
func (s *suite) request(cursor []byte) canopy.ReadRequest {
	return canopy.ReadRequest{Cursor: cursor, Scope: s.baseScope(), Classes: s.classes(), Attrs: s.attrs()}
}

func (s *suite) baseScope() canopy.Scope {
	if s.Base.Anchor == "" {
		return canopy.Scope{}
	}
	return canopy.Scope{Include: []canopy.Anchor{s.Base.Anchor}}
}

func (s *suite) classes() []canopy.Class { return []canopy.Class{s.Words.Person, s.Words.Group} }

func (s *suite) attrs() []canopy.Attr {
	w := s.Words
	list := []canopy.Attr{w.Text, w.Other, w.Multi, w.Member}
	if w.Manager != "" {
		list = append(list, w.Manager)
	}
	for _, a := range w.Samples.Names() {
		if a != w.Text && a != w.Other && a != w.Multi {
			list = append(list, a)
		}
	}
	return list
}

// read reads from a cursor into the mirror, checks the form of the batches, and gives the changes and the last cursor.
func (s *suite) read(t *testing.T, m *mirror, req canopy.ReadRequest) ([]canopy.Change, []byte) {
	t.Helper()
	var all []canopy.Change
	var cursor []byte
	done := false
	err := s.Connector.Read(t.Context(), req, func(b canopy.Batch) error {
		if done {
			t.Error("a batch came after the one with Done")
		}
		if req.Cursor == nil && !b.Full {
			t.Error("a read without a cursor gave a batch without Full")
		}
		done, cursor = b.Done, b.Cursor
		all = append(all, b.Changes...)
		m.apply(t, b)
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if !done {
		t.Fatal("read returned nil, and the last batch had no Done")
	}
	if len(cursor) == 0 {
		t.Fatal("the last batch has no cursor")
	}
	return all, cursor
}

// full reads everything into a new mirror.
func (s *suite) full(t *testing.T) (*mirror, []byte) {
	t.Helper()
	m := s.mirror()
	_, cursor := s.read(t, m, s.request(nil))
	return m, cursor
}

// person makes a person in the place's base, behind the connector's back.
func (s *suite) person(t *testing.T, name string, attrs canopy.Attrs) canopy.Ref {
	t.Helper()
	return s.Puppet.Create(t, Object{Class: s.Words.Person, Name: name, Parent: s.Base, Attrs: attrs})
}

// group makes a group in the place's base, behind the connector's back.
func (s *suite) group(t *testing.T, name string, members ...canopy.Ref) canopy.Ref {
	t.Helper()
	o := Object{Class: s.Words.Group, Name: name, Parent: s.Base}
	if len(members) > 0 {
		o.Links = map[canopy.Attr][]canopy.Ref{s.Words.Member: members}
	}
	return s.Puppet.Create(t, o)
}

// find searches one object by its anchor and gives nil when it is not there.
func (s *suite) find(t *testing.T, a canopy.Anchor) *canopy.Change {
	t.Helper()
	found := s.search(t, canopy.SearchRequest{Anchor: a})
	if len(found) > 1 {
		t.Fatalf("search by anchor %s gave %d objects", a, len(found))
	}
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// search fills in the attributes and classes and searches.
func (s *suite) search(t *testing.T, req canopy.SearchRequest) []canopy.Change {
	t.Helper()
	req.Classes, req.Attrs = append(s.classes(), canopy.Container), s.attrs()
	found, err := s.Connector.Search(t.Context(), req)
	if err != nil {
		t.Fatalf("search %+v: %v", req, err)
	}
	return found
}

// within gives a context that ends after the suite's patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	return ctx
}
