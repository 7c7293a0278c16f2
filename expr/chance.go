package expr

import (
	"fmt"
	"strings"
)

// chanceFunctions give something else each time. They make sense only where a flow applies once.
var chanceFunctions = []function{
	{name: "Guid", takes: "", varies: true, usage: "Guid()", text: "the dashed text of a new GUID", tries: []Example{{`Word(Guid(), 5, "-") <> ""`, `True`}},
		call: func(m *machine, _ []Value) (Value, error) {
			random := m.world().Random
			if random == nil {
				return Value{}, errChance
			}
			a, b := random(), random()
			return Str(fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)), nil
		}},
}

// connectChance are those of Connect Sync alone.
var connectChance = []function{
	{name: "RandomNum", takes: "nn", varies: true, usage: "RandomNum(from, to)", text: "a number from one number to another, both included", tries: []Example{{`RandomNum(7, 7)`, `7`}},
		call: func(m *machine, a []Value) (Value, error) {
			random := m.world().Random
			switch {
			case random == nil:
				return Value{}, errChance
			case a[0].n > a[1].n:
				return Value{}, badArg(2, "is %d, less than %d", a[1].n, a[0].n)
			}
			return Num(a[0].n + int64(below(random, uint64(a[1].n-a[0].n)+1))), nil // two's complement is what is wanted
		}},
}

// cloudChance are those of Cloud Sync alone.
var cloudChance = []function{
	{name: "RandomString", takes: "nnnnn?t", varies: true, null: nullSeen, usage: "RandomString(length, digits, specials, capitals, small letters, [avoid])",
		text:  "a text of this length, at most 256, with at least so many digits, special characters, capitals and small letters, and without the characters to avoid",
		tries: []Example{{`IsPresent(RandomString(10, 2, 2, 2, 1, "?,"))`, `True`}}, call: randomString},
}

var errChance = badArg(0, "chance is not at hand here")

// below is a random number less than n, all with the same likelihood; any number for 0.
func below(random func() uint64, n uint64) uint64 {
	if n&(n-1) == 0 {
		return random() & (n - 1)
	}
	limit := ^uint64(0) - ^uint64(0)%n
	for range 128 {
		if r := random(); r < limit {
			return r % n
		}
	}
	return 0 // the source is not random
}

// classes are the characters of passwords, in the order of RandomString's arguments.
var classes = [...]string{"0123456789", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"}

func randomString(m *machine, a []Value) (Value, error) {
	random := m.world().Random
	if random == nil {
		return Value{}, errChance
	}
	length, least := a[0].n, int64(0)
	if a[0].kind == Null || length < 1 || length > 256 {
		return Value{}, badArg(1, "is %s; it must be from 1 to 256", a[0])
	}
	avoid := ""
	if given(a, 5) {
		avoid = a[5].s
	}
	var out []byte
	all := ""
	for i, class := range classes {
		n := a[1+i].n
		class = strings.Map(func(r rune) rune {
			if strings.ContainsRune(avoid, r) {
				return -1
			}
			return r
		}, class)
		switch {
		case n < 0 || n > length:
			return Value{}, badArg(2+i, "is %d; it must be from 0 to the length, %d", n, length)
		case n > 0 && class == "":
			return Value{}, badArg(6, "leaves no character of a kind that is to be there")
		case n > 0 || i != 1 && a[1].n+a[2].n+a[3].n+a[4].n == 0:
			all += class
		}
		for range n {
			out = append(out, class[below(random, uint64(len(class)))])
		}
		least += n
	}
	if least > length {
		return Value{}, badArg(1, "is %d, less than the %d characters that are to be there", length, least)
	}
	if all == "" {
		return Value{}, badArg(6, "leaves no character")
	}
	for int64(len(out)) < length {
		out = append(out, all[below(random, uint64(len(all)))])
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(random, uint64(i)+1)
		out[i], out[j] = out[j], out[i]
	}
	return Str(string(out)), nil
}
