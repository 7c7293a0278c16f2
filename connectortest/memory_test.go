package connectortest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

func setup(o connectortest.Options, wrap func(canopy.Connector) canopy.Connector) connectortest.Setup {
	return connectortest.MemorySetup(o, func(*testing.T) connectortest.Place {
		m := connectortest.NewMemory(o)
		p := connectortest.Place{Connector: m, Puppet: m, Base: m.Root()}
		if wrap != nil {
			p.Connector = wrap(m)
		}
		return p
	})
}

func TestMemory(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]connectortest.Options{
		"Forest":      {},
		"Tenant":      {Flat: true},
		"SmallBatch":  {Batch: 3},
		"TinyBatch":   {Flat: true, Batch: 1},
		"NoDelta":     {NoDelta: true, Batch: 7},
		"ReadOnly":    {NoWrite: true, NoWatch: true},
		"EvenBatches": {Batch: 13},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, setup(o, nil))
		})
	}
}

// broken is a connector that does one thing wrong.
type broken struct {
	canopy.Connector
	batch  func(canopy.ReadRequest, *canopy.Batch)
	result func(int, *canopy.Result)
	before func(*canopy.Export)
}

func (b broken) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	return b.Connector.Read(ctx, req, func(x canopy.Batch) error {
		if b.batch != nil {
			b.batch(req, &x)
		}
		return each(x)
	})
}

func (b broken) Write(ctx context.Context, list []canopy.Export) ([]canopy.Result, error) {
	list = append([]canopy.Export(nil), list...)
	for i := range list {
		if b.before != nil {
			b.before(&list[i])
		}
	}
	got, err := b.Connector.Write(ctx, list)
	for i := range got {
		if b.result != nil {
			b.result(i, &got[i])
		}
	}
	return got, err
}

// eachChange makes a batch fault of a fault in every change; false drops the change.
func eachChange(f func(c *canopy.Change) bool) func(canopy.ReadRequest, *canopy.Batch) {
	return func(_ canopy.ReadRequest, b *canopy.Batch) {
		var kept []canopy.Change
		for _, c := range b.Changes {
			if f(&c) {
				kept = append(kept, c)
			}
		}
		b.Changes = kept
	}
}

// faults are what connectors get wrong, each with the part of the suite that has to see it.
var faults = map[string]struct {
	part  string
	fault broken
}{
	"never done":         {"FullRead", broken{batch: func(_ canopy.ReadRequest, b *canopy.Batch) { b.Done = false }}},
	"not full":           {"FullRead", broken{batch: func(_ canopy.ReadRequest, b *canopy.Batch) { b.Full = false }}},
	"no cursor":          {"FullRead", broken{batch: func(_ canopy.ReadRequest, b *canopy.Batch) { b.Cursor = nil }}},
	"deletions lost":     {"Deletion", broken{batch: eachChange(func(c *canopy.Change) bool { return c.Kind != canopy.Deleted })}},
	"leaving scope lost": {"Scope", broken{batch: eachChange(func(c *canopy.Change) bool { return c.Kind != canopy.LeftScope })}},
	"containers lost":    {"Moves", broken{batch: eachChange(func(c *canopy.Change) bool { return c.Class != canopy.Container })}},
	"clearing lost": {"Changes", broken{batch: eachChange(func(c *canopy.Change) bool {
		for a, v := range c.Attrs {
			if len(v) == 0 {
				delete(c.Attrs, a)
			}
		}
		return true
	})}},
	"removed members lost": {"Links", broken{batch: eachChange(func(c *canopy.Change) bool {
		for a, l := range c.Links {
			l.Removed = nil
			c.Links[a] = l
		}
		return true
	})}},
	"members as values": {"FullRead", broken{batch: eachChange(func(c *canopy.Change) bool {
		if len(c.Links) > 0 {
			c.Attrs[canopy.AttrMember] = canopy.Texts("CN=x")
		}
		return true
	})}},
	"numbers as text": {"Samples", broken{batch: eachChange(func(c *canopy.Change) bool {
		for a, v := range c.Attrs {
			c.Attrs[a] = canopy.Texts(v.Strings()...)
		}
		return true
	})}},
	"cursor ahead of its batch": {"Resume", broken{batch: func(req canopy.ReadRequest, b *canopy.Batch) {
		if !b.Done && len(b.Cursor) > 0 {
			b.Cursor = []byte(strings.Replace(string(b.Cursor), `"after":"`, `"after":"f`, 1))
		}
	}}},
	"first change twice": {"FullRead", broken{batch: func(_ canopy.ReadRequest, b *canopy.Batch) {
		if len(b.Changes) > 0 {
			b.Changes = append(b.Changes, b.Changes[0])
		}
	}}},
	"anchor not told":   {"Add", broken{result: func(_ int, r *canopy.Result) { r.Anchor = "" }}},
	"export not named":  {"Add", broken{result: func(_ int, r *canopy.Result) { r.Export = 0 }}},
	"failures are done": {"BadExport", broken{result: func(_ int, r *canopy.Result) { r.Kind = canopy.Done }}},
	"source anchor lost": {"AddAgain", broken{before: func(x *canopy.Export) {
		x.SourceAnchor = ""
	}}},
	"comparison ignored": {"Compare", broken{before: func(x *canopy.Export) { x.Compare = nil }}},
	"clear ignored":      {"Modify", broken{before: func(x *canopy.Export) { x.Clear = nil }}},
	"new DN ignored": {"WriteMove", broken{before: func(x *canopy.Export) {
		if x.Op == canopy.Move {
			x.Op = canopy.Modify
		}
	}}},
}

const chosen = "CANOPY_CONNECTORTEST_FAULT"

// TestFault is the suite against a broken connector; TestFaultsAreSeen runs it in processes of its own.
func TestFault(t *testing.T) {
	t.Parallel()
	f, ok := faults[os.Getenv(chosen)]
	if !ok {
		return
	}
	options := connectortest.Options{Batch: 7, Flat: f.part == "AddAgain"}
	connectortest.Run(t, setup(options, func(c canopy.Connector) canopy.Connector {
		b := f.fault
		b.Connector = c
		return b
	}))
}

// TestFaultsAreSeen proves that the suite catches what it is for.
func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFault$/^"+f.part+"$", "-test.v")
			c.Env = append(os.Environ(), chosen+"="+name)
			out, err := c.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFault/"+f.part) {
				t.Errorf("the part %s did not see it: %v\n%s", f.part, err, out)
			}
		})
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{Flat: true, Unique: []canopy.Attr{canopy.AttrMail}})
	m.Create(t, connectortest.Object{Class: canopy.User, Name: "one", Attrs: canopy.Attrs{canopy.AttrMail: canopy.Texts("A@x.test")}})
	got, err := m.Write(t.Context(), []canopy.Export{{Op: canopy.Add, Class: canopy.User, SourceAnchor: "two",
		Set: canopy.Attrs{canopy.AttrMail: canopy.Texts("a@X.test")}}})
	if err != nil || len(got) != 1 || got[0].Code != "AttributeValueMustBeUnique" {
		t.Errorf("got %+v, %v, want AttributeValueMustBeUnique", got, err)
	}
}

func TestRefuseAndHide(t *testing.T) {
	t.Parallel()
	n := 0
	m := connectortest.NewMemory(connectortest.Options{Flat: true, Hide: func(r canopy.Ref) bool { return strings.HasSuffix(string(r.Anchor), "1") },
		Refuse: func(x canopy.Export) *canopy.Result {
			if n++; n%2 == 0 {
				return &canopy.Result{Kind: canopy.Later, Code: "busy", Text: "come again"}
			}
			return nil
		}})
	var list []canopy.Export
	for i := range 4 {
		list = append(list, canopy.Export{ID: canopy.ExportID(i), Op: canopy.Add, Class: canopy.User, SourceAnchor: fmt.Sprint(i)})
	}
	got, err := m.Write(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		if want := []canopy.ResultKind{canopy.Done, canopy.Later}[i%2]; r.Kind != want || r.Export != list[i].ID {
			t.Errorf("result %d: got %+v, want %v", i, r, want)
		}
	}
	seen := 0
	if err := m.Read(t.Context(), canopy.ReadRequest{Classes: []canopy.Class{canopy.User}}, func(b canopy.Batch) error {
		seen += len(b.Changes)
		return nil
	}); err != nil || seen != 1 {
		t.Errorf("got %d objects, %v, want the one that is not hidden", seen, err)
	}
}
