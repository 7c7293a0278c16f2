package ad

import (
	"fmt"
	"testing"

	"github.com/canopy-sync/canopy"
)

// richEntry is an object with 60 values.
func richEntry() []byte {
	attrs := map[string][]string{"objectGUID": {"0123456789abcdef"}, "parentGUID": {"0123456789abcdef"}, "name": {"Anna Berg"}, "whenCreated": {"20260101000000.0Z"},
		"objectClass": {"top", "person", "organizationalPerson", "user"}, "department": {"Sales"}, "number": {"512"}, "flag": {"TRUE"}, "when": {"20260101000000.0Z"},
		"member;range=1-1": nil}
	for i := range 40 {
		attrs[fmt.Sprintf("text%d", i)] = []string{fmt.Sprintf("a value of some length %d", i)}
	}
	for i := range 10 {
		attrs["member;range=1-1"] = append(attrs["member;range=1-1"], fmt.Sprintf("<GUID=717ad15f-82b7-46c3-8fbb-0cb151ba31d%d>;<SID=S-1-5-21-1-2-3-1104>;CN=Some Body,OU=People,DC=ad,DC=test", i))
	}
	return entryMessage(1, "CN=Anna Berg,OU=People,DC=ad,DC=test", attrs)
}

// BenchmarkDecode is what one object costs after TLS.
func BenchmarkDecode(b *testing.B) {
	f := someFacts()
	asked := []canopy.Attr{"department", "number", "flag", "when", "member"}
	for i := range 40 {
		a := &attribute{name: canopy.Attr(fmt.Sprintf("text%d", i))}
		f.attributes[string(a.name)] = a
		asked = append(asked, a.name)
	}
	w := wantsOf(f, []canopy.Class{canopy.User}, asked, 1<<20)
	msg := richEntry()
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	var e entry
	for b.Loop() {
		_, op, _, err := operation(msg)
		if err != nil {
			b.Fatal(err)
		}
		if err := e.parse(op); err != nil {
			b.Fatal(err)
		}
		o := w.decode(&e, true)
		whole(&o.change)
	}
}
