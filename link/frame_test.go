package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/canopy-sync/canopy"
)

var values = cmp.Comparer(func(a, b canopy.Value) bool { return a == b })

var errorsByText = cmp.Comparer(func(a, b *canopy.Error) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error() && a.Kind == b.Kind && a.Code == b.Code && a.Next == b.Next)
})

// everything is a change with all that a change can have.
func everything() canopy.Change {
	return canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: "a-1", DN: "CN=Zoë,DC=x", Parent: "p", Attrs: canopy.Attrs{
		"text": canopy.Texts("", "ü", strings.Repeat("x", 300)), "int": {canopy.Int(-1), canopy.Int(1 << 62)}, "bool": {canopy.Bool(true), canopy.Bool(false)},
		"time": {canopy.Instant(time.Unix(-1, 5000))}, "bytes": {canopy.Bytes([]byte{0, 255})}, "ref": {canopy.To("z")}, "cleared": {}},
		Links:  map[canopy.Attr]canopy.LinkChange{"member": {Added: []canopy.Ref{{Anchor: "m", DN: "CN=M"}}, Removed: []canopy.Ref{{DN: "CN=N"}}}, "manager": {Whole: true}},
		Failed: &canopy.Error{Kind: canopy.Forbidden, Code: "c", Object: "o", Attr: "a", Other: "x", Text: "t", Next: "n", Err: errors.New("cause")}}
}

func frames(t *testing.T, c *cutter, b canopy.Batch) (all []canopy.Batch) {
	t.Helper()
	err := c.cut(b, func(f []byte) error {
		k, content, err := readFrame(bytes.NewReader(f), maxFrame)
		if err != nil || k != frameBatch {
			t.Fatalf("kind %d: %v", k, err)
		}
		got, err := parseBatch(content)
		all = append(all, got)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBatchComesAsItWas(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]canopy.Batch{
		"everything": {Full: true, Anew: true, Done: true, Cursor: []byte{0, 1}, Expected: 1 << 30, Changes: []canopy.Change{everything(), {Kind: canopy.Deleted, Anchor: "d"}}},
		"nothing":    {},
	} {
		got := frames(t, &cutter{size: partSize}, want)
		if len(got) != 1 {
			t.Fatalf("%s: got %d frames", name, len(got))
		}
		if d := cmp.Diff(want, got[0], values, errorsByText); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestPartsCarryAnEarlierCursor: whoever keeps the cursor of a part reads on from before the batch, and loses nothing.
func TestPartsCarryAnEarlierCursor(t *testing.T) {
	t.Parallel()
	c := &cutter{size: 10, before: []byte("start")}
	three := []canopy.Change{everything(), everything(), everything()}
	got := frames(t, c, canopy.Batch{Full: true, Anew: true, Changes: three, Cursor: []byte("one")})
	got = append(got, frames(t, c, canopy.Batch{Full: true, Changes: three[:2], Cursor: []byte("two"), Done: true})...)
	var said []string
	n := 0
	for _, b := range got {
		said = append(said, fmt.Sprintf("%s anew=%v done=%v full=%v", b.Cursor, b.Anew, b.Done, b.Full))
		n += len(b.Changes)
	}
	want := []string{"start anew=true done=false full=true", "start anew=false done=false full=true", "one anew=false done=false full=true",
		"one anew=false done=false full=true", "two anew=false done=true full=true"}
	if d := cmp.Diff(want, said); d != "" || n != 5 {
		t.Errorf("%d changes, want 5 (-want +got):\n%s", n, d)
	}
}

// TestTooBigObjectFailsAlone: an object that no frame can hold does not stop the read.
func TestTooBigObjectFailsAlone(t *testing.T) {
	t.Parallel()
	big := canopy.Change{Class: canopy.Group, Anchor: "big", DN: "CN=Big", Attrs: canopy.Attrs{"x": canopy.Texts(strings.Repeat("x", maxFrame/2+1))}}
	got := frames(t, &cutter{size: partSize}, canopy.Batch{Changes: []canopy.Change{big, everything()}, Done: true})
	if len(got) != 1 || len(got[0].Changes) != 2 {
		t.Fatalf("got %d frames", len(got))
	}
	if c := got[0].Changes[0]; c.Failed == nil || c.Failed.Code != "too-large" || c.Anchor != "big" || c.Attrs != nil {
		t.Errorf("got %+v", c)
	}
}

func TestExportComesAsItWas(t *testing.T) {
	t.Parallel()
	want := []canopy.Export{{ID: 5, Op: canopy.Move, Class: canopy.User, SourceAnchor: "s", Ref: canopy.Ref{Anchor: "a", DN: "d"}, DN: "n",
		Set: everything().Attrs, Clear: []canopy.Attr{"x", "y"}, Links: everything().Links, Compare: canopy.Attrs{}}, {Op: canopy.Add}}
	var got []canopy.Export
	err := pack(frameExports, len(want), func(p *put, i int) error { p.export(&want[i]); return nil }, func(f []byte) error {
		_, content, err := readFrame(bytes.NewReader(f), maxFrame)
		if err != nil {
			return err
		}
		got, err = parseExports(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, values); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestNewerRecordsAreRead: what a newer version adds at a record's end is passed over.
func TestNewerRecordsAreRead(t *testing.T) {
	t.Parallel()
	var p put
	p.record(func(p *put) { // a change with a field more
		in := put{}
		c := everything()
		if err := in.change(&c); err != nil {
			t.Fatal(err)
		}
		x := take{b: in.b}
		n := x.num()
		p.b = append(append(p.b, x.b[:n]...), "something new"...)
	})
	c := canopy.Change{Anchor: "next"}
	if err := p.change(&c); err != nil {
		t.Fatal(err)
	}
	x := take{b: p.b}
	got, err := x.changes()
	if err != nil || len(got) != 2 || got[1].Anchor != "next" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if d := cmp.Diff(everything(), got[0], values, errorsByText); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestRequestsKeepTheirNames: these names are on the wire between versions.
func TestRequestsKeepTheirNames(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		`{"Cursor":"Yw==","Scope":{"Include":["i"],"Exclude":["e"],"Groups":["g"]},"Classes":["user"],"Attrs":["mail"]}`: canopy.ReadRequest{Cursor: []byte("c"),
			Scope:   canopy.Scope{Include: []canopy.Anchor{"i"}, Exclude: []canopy.Anchor{"e"}, Groups: []canopy.Anchor{"g"}},
			Classes: []canopy.Class{canopy.User}, Attrs: []canopy.Attr{canopy.AttrMail}},
		`{"Anchor":"a","DN":"","Name":"","Children":"","Scope":{"Include":null,"Exclude":null,"Groups":null},"Classes":null,"Attrs":null,"Limit":3}`: canopy.SearchRequest{Anchor: "a", Limit: 3},
		`{"Kind":"ad","Name":"n","Schema":{"Classes":["user"],"Attributes":{"mail":{"Type":0,"Multi":true}},"Exchange":true},` +
			`"Abilities":{"Delta":true,"Watch":false,"Write":false,"Target":false,"Missing":""},"Values":{"Domain.FQDN":"n"}}`: canopy.Description{Kind: "ad", Name: "n",
			Schema:    canopy.Schema{Classes: []canopy.Class{canopy.User}, Attributes: map[canopy.Attr]canopy.AttrType{"mail": {Multi: true}}, Exchange: true},
			Abilities: canopy.Abilities{Delta: true}, Values: map[string]string{"Domain.FQDN": "n"}},
	} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestFaultComesAsItWas(t *testing.T) {
	t.Parallel()
	for kind := canopy.Other; kind <= canopy.Unsupported; kind++ {
		want := fmt.Errorf("read x: %w", &canopy.Error{Kind: kind, Code: "c", Object: "o", Text: "t", Next: "n"})
		got := faultOf(want).error()
		var e *canopy.Error
		if got.Error() != want.Error() || !errors.As(got, &e) || e.Kind != kind || e.Next != "n" {
			t.Errorf("got %v of kind %v, want %v of kind %v", got, canopy.KindOf(got), want, kind)
		}
	}
	if got := faultOf(context.Canceled).error(); got.Error() != context.Canceled.Error() || canopy.KindOf(got) != canopy.Other {
		t.Errorf("got %v", got)
	}
}

// count counts the bytes that are asked for.
type count struct{ n int }

func (c *count) Read(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}

func TestFrameLimits(t *testing.T) {
	t.Parallel()
	var large *tooLarge
	endless := &count{}
	if _, _, err := readFrame(io.MultiReader(bytes.NewReader([]byte{byte(frameJSON), formPlain, 0, 1, 0, 0}), endless), 1<<16-1); !errors.As(err, &large) {
		t.Errorf("a frame past the limit: got %v", err)
	}
	if endless.n > 0 {
		t.Errorf("%d bytes were read of a frame that is too large", endless.n)
	}
	// A head that promises much and brings nothing takes no memory for it: the error says how far it came.
	if _, _, err := readFrame(bytes.NewReader([]byte{byte(frameJSON), formPlain, 3, 0, 0, 0, 'x'}), maxFrame); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame that was cut off: got %v", err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, 1<<20), nil)
	head := []byte{byte(frameJSON), formZstd, 0, 0, byte(len(bomb) >> 8), byte(len(bomb))}
	if _, _, err := readFrame(bytes.NewReader(append(head, bomb...)), 1<<16); !errors.As(err, &large) {
		t.Errorf("a small frame that unpacks to a large one: got %v", err)
	}
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithSingleSegment(false)) // as a stream: nothing says how much it is
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, maxFrame+1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := unpack(out.Bytes(), maxFrame); err == nil {
		t.Errorf("a stream that unpacks to %d bytes was taken", len(got))
	}
	if _, err := frame(frameJSON, make([]byte, maxFrame+1)); !errors.As(err, &large) {
		t.Errorf("making a frame past the limit: got %v", err)
	}
	for _, b := range [][]byte{{byte(frameJSON), 9, 0, 0, 0, 0}, {byte(frameJSON), formZstd, 0, 0, 0, 1, 'x'}} {
		if _, _, err := readFrame(bytes.NewReader(b), maxFrame); err == nil {
			t.Errorf("%v was taken", b)
		}
	}
}

func seeds(f *testing.F) {
	one := everything()
	b := canopy.Batch{Full: true, Cursor: []byte("c"), Changes: []canopy.Change{one, one}}
	if err := (&cutter{size: partSize}).cut(b, func(x []byte) error { f.Add(x); return nil }); err != nil {
		f.Fatal(err)
	}
	x := canopy.Export{Op: canopy.Add, Set: one.Attrs, Links: one.Links}
	if err := pack(frameExports, 1, func(p *put, _ int) error { p.export(&x); return nil }, func(x []byte) error { f.Add(x); return nil }); err != nil {
		f.Fatal(err)
	}
	plain := put{}
	plain.batchHead(&b)
	f.Add(append([]byte{byte(frameBatch), formPlain, 0, 0, 0, byte(len(plain.b))}, plain.b...))
}

// FuzzFrame: no frame makes an end panic or take memory that it did not bring, and what is read is written the same.
func FuzzFrame(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		k, content, err := readFrame(bytes.NewReader(b), 1<<20)
		if err != nil {
			return
		}
		if list, err := parseExports(content); err == nil && k == frameExports {
			var p put
			for i := range list {
				p.export(&list[i])
			}
			again, err := parseExports(p.b)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if d := cmp.Diff(list, again, values); d != "" {
				t.Errorf("-first +second:\n%s", d)
			}
		}
		got, err := parseBatch(content)
		if err != nil {
			return
		}
		again := frames(t, &cutter{size: partSize, before: got.Cursor}, got)
		if n := len(again); n == 0 || again[n-1].Done != got.Done || !bytes.Equal(again[n-1].Cursor, got.Cursor) {
			t.Errorf("got %+v, want the end of %+v", again, got)
		}
		var all []canopy.Change
		for _, x := range again {
			all = append(all, x.Changes...)
		}
		if d := cmp.Diff(got.Changes, all, values, errorsByText); d != "" {
			t.Errorf("-first +second:\n%s", d)
		}
	})
}

// BenchmarkBatch makes and reads frames of a batch of 500 people.
func BenchmarkBatch(b *testing.B) {
	batch := People(500)
	for b.Loop() {
		if err := (&cutter{size: partSize}).cut(batch, func(f []byte) error {
			_, content, err := readFrame(bytes.NewReader(f), maxFrame)
			if err == nil {
				_, err = parseBatch(content)
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "objects/s")
}

// People is a batch of persons of about 1 KB each.
func People(n int) canopy.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	b := canopy.Batch{Full: true, Cursor: []byte("cursor")}
	for i := range n {
		c := canopy.Change{Class: canopy.User, Anchor: canopy.Anchor(fmt.Sprintf("%08x-0000-4000-8000-%012d", r.Uint32(), i)),
			DN: fmt.Sprintf("CN=Person %d,OU=People,OU=Somewhere,DC=contoso,DC=com", i), Parent: "11111111-0000-4000-8000-000000000001", Attrs: canopy.Attrs{}}
		for a := range 18 {
			c.Attrs[canopy.Attr(fmt.Sprintf("attribute%02d", a))] = canopy.Texts(fmt.Sprintf("value %d of person %d, %x", a, i, r.Uint64()))
		}
		c.Attrs["objectSid"] = canopy.Values{canopy.Bytes(fmt.Appendf(nil, "%028x", r.Uint64()))}
		b.Changes = append(b.Changes, c)
	}
	return b
}
