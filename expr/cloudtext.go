package expr

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cloudText are text functions of Cloud Sync alone.
var cloudText = []function{
	{name: "Append", takes: "tt", null: nullSeen, usage: "Append(source, suffix)", text: "source with suffix at its end; NULL counts as empty", tries: []Example{{`Append("ann", ".test")`, `"ann.test"`}},
		call: func(_ *machine, a []Value) (Value, error) { return Str(a[0].s + a[1].s), nil }},
	{name: "Prepend", takes: "tt", null: nullSeen, usage: "Prepend(prefix, source)", text: "source with prefix before it; NULL counts as empty", tries: []Example{{`Prepend("x.", "ann")`, `"x.ann"`}},
		call: func(_ *machine, a []Value) (Value, error) { return Str(a[0].s + a[1].s), nil }},
	{name: "Mid", takes: "tnn", maps: true, null: nullGivesEmpty, usage: "Mid(source, start, length)",
		text:  "characters from start, as many as there are; the whole text when start is outside it or length is negative; empty for NULL",
		tries: []Example{{`Mid("Gregory", 1, 3)`, `"Gre"`}}, call: mid},
	{name: "NormalizeDiacritics", takes: "t", maps: true, usage: "NormalizeDiacritics(source)",
		text:  "letters with marks as the letters without them: ä is a, ø is oe, ß is ss. Letters that are in no table, such as đ and þ, stay",
		tries: []Example{{`NormalizeDiacritics("Zoë Øst")`, `"Zoe OEst"`}}, call: onText(withoutMarks)},
	{name: "PCase", takes: "t?t", maps: true, usage: "PCase(source, [separators])",
		text:  "each word with a capital and the rest small. Words end at any of the separators; without them at white space, punctuation (apart from the apostrophe) and symbols",
		tries: []Example{{`PCase("PABLO GONSALVES (SECOND)")`, `"Pablo Gonsalves (Second)"`}, {`PCase("PINTO-DE'SILVA", " '-")`, `"Pinto-De'Silva"`}}, call: pCase},
	{name: "StripSpaces", takes: "t", maps: true, usage: "StripSpaces(source)", text: "without its spaces", tries: []Example{{`StripSpaces("a b c")`, `"abc"`}},
		call: onText(func(s string) string { return strings.ReplaceAll(s, " ", "") })},
	{name: "ToLower", takes: "t?t", maps: true, usage: `ToLower(source, ["culture"])`, text: `in lower case, by no culture's rules unless one is named, such as "tr-TR"`,
		tries: []Example{{`ToLower("ISTANBUL")`, `"istanbul"`}, {`ToLower("ISTANBUL", "tr-TR")`, `"ıstanbul"`}}, call: inCase(false)},
	{name: "ToUpper", takes: "t?t", maps: true, usage: `ToUpper(source, ["culture"])`, text: "in upper case, in the same way",
		tries: []Example{{`ToUpper("izmir", "tr-TR")`, `"İZMİR"`}}, call: inCase(true)},
	{name: "Replace", takes: "t?tttttt", null: nullSeen, usage: "Replace(source, [old], [pattern], [group], [value], [attribute], [template])",
		text: "one of five things, by which arguments are there. old and value: each old as value. old and template: the template, with each old in it as source. pattern and value: each hit of the .NET regular expression as value, in which ${name} and $1 stand for its groups. pattern, group and value: what the group hit as value. pattern, group and attribute: source, or when it is NULL or empty what the group hits in attribute. Case counts",
		tries: []Example{{`Replace("ann@contoso.com", "@contoso.com", , , "", , )`, `"ann"`}, {`Replace("+91 9998887777", , "\\+(?<code>\\d* )(?<number>\\d{10})", , "${number}", , )`, `"9998887777"`},
			{`Replace("545 Tremont Street", , "(?<no>^\\d*)", "no", "888", , )`, `"888 Tremont Street"`}}, check: checkReplace, lazy: lazyReplace},
}

// cloudMany are functions for several values of Cloud Sync alone.
var cloudMany = []function{
	{name: "Join", takes: "tv*", null: nullSeen, usage: "Join(separator, source, ...)", text: "all values of the sources as one text, with the separator between them; what is NULL or empty is left out",
		tries: []Example{{`Join(", ", "", "Doe", "John")`, `"Doe, John"`}}, call: joinSources},
	{name: "Split", takes: "tt", usage: "Split(source, delimiter)", text: "the parts of a text as values, without white space around them", tries: []Example{{`Count(Split("One, Two", ","))`, `2`}}, call: splitTrimmed},
}

func joinSources(m *machine, a []Value) (Value, error) {
	var b strings.Builder
	for i, from := range a[1:] {
		for _, v := range from.Values() {
			s, ok := joinable(v, true)
			if !ok {
				return Value{}, badArg(i+2, "must be texts, has %s", described(v))
			}
			if s == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteString(a[0].s)
			}
			b.WriteString(s)
			if b.Len() > maxText {
				return Value{}, errText
			}
		}
	}
	return Str(b.String()), m.spend(b.Len())
}

func splitTrimmed(m *machine, a []Value) (Value, error) {
	if a[1].s == "" {
		return Value{}, badArg(2, "is empty")
	}
	n := strings.Count(a[0].s, a[1].s) + 1
	if n > maxList {
		return Value{}, errList
	}
	if err := m.spend(16 * n); err != nil {
		return Value{}, err
	}
	out := make([]Value, 0, n)
	for part := range strings.SplitSeq(a[0].s, a[1].s) {
		out = append(out, Str(trim(part)))
	}
	return Many(out), nil
}

func pCase(_ *machine, a []Value) (Value, error) {
	if given(a, 1) && len(a[1].s) > maxSet {
		return Value{}, badArg(2, "has %d bytes, at most %d are taken", len(a[1].s), maxSet)
	}
	if given(a, 1) && a[1].s != "" {
		return Str(casedWords(a[0].s, a[1].s)), nil
	}
	return Str(titled(a[0].s)), nil
}

// casedWords gives each word a capital; words end at one of the separators.
func casedWords(s, separators string) string {
	begins := true
	return strings.Map(func(r rune) rune {
		first := begins
		begins = strings.ContainsRune(separators, r)
		if first {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// titled gives each word a capital as .NET does: the first letter after anything that ends words, or after digits. An
// apostrophe within a word does not end it.
func titled(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) && inWord:
			return unicode.ToLower(r)
		case unicode.IsLetter(r):
			inWord = true
			return unicode.ToTitle(r)
		case r != '\'' && (unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf)):
			inWord = false
		}
		return r
	}, s)
}

// inCase makes ToLower and ToUpper.
func inCase(upper bool) func(*machine, []Value) (Value, error) {
	return func(_ *machine, a []Value) (Value, error) {
		if !given(a, 1) || a[1].s == "" {
			return Str(invariant(a[0].s, upper)), nil
		}
		language, ok := languageOf(a[1].s)
		switch {
		case !ok:
			return Value{}, badArg(2, `is no culture such as "tr-TR": %s`, described(a[1]))
		case language == "tr" || language == "az":
			if upper {
				return Str(strings.ToUpperSpecial(unicode.TurkishCase, a[0].s)), nil
			}
			return Str(strings.ToLowerSpecial(unicode.TurkishCase, a[0].s)), nil
		case upper:
			return Str(strings.Map(unicode.ToUpper, a[0].s)), nil
		}
		return Str(strings.Map(unicode.ToLower, a[0].s)), nil
	}
}

// invariant changes the case by no culture's rules: the Turkish letters İ and ı stay what they are.
func invariant(s string, upper bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'İ' || r == 'ı':
			return r
		case upper:
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// languageOf is the language of a culture's name: two or three letters, then parts of up to eight letters and digits.
func languageOf(culture string) (string, bool) {
	parts := strings.Split(culture, "-")
	for i, p := range parts {
		letters := strings.IndexFunc(p, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) < 0
		digits := strings.IndexFunc(p, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) < 0
		if i == 0 && (!letters || len(p) < 2 || len(p) > 3) || !digits || p == "" || len(p) > 8 {
			return "", false
		}
	}
	return strings.ToLower(parts[0]), len(culture) <= 40
}

// marked are the letters that NormalizeDiacritics knows, after what it makes of them. Capitals are made of the small ones.
var marked = map[string]string{
	"a": "äàâãåáąăāǟǡ", "ae": "æǣ", "c": "çčć", "d": "ďḏ", "e": "ëèéêęěėēḗḕ", "g": "ğḡ", "i": "ïîìíıī", "l": "ľłḹḻ", "n": "ñńňṉ",
	"o": "öòőõôóōṓṑȫǭȭȱ", "oe": "øœ", "r": "řṟṝ", "ss": "ß", "s": "šśșş", "t": "ťțṯ", "u": "üùûúůűūǖṻṳ", "y": "ÿýȳ", "z": "źžżẕ",
}

// plainLetters are the same by letter.
var plainLetters = plainOf(marked)

func plainOf(marked map[string]string) map[rune]string {
	m := map[rune]string{}
	for plain, letters := range marked {
		for _, r := range letters {
			m[r] = plain
			if up := unicode.ToUpper(r); up != r && r != 'ı' {
				m[up] = strings.ToUpper(plain)
			}
		}
	}
	m['İ'] = "I"
	return m
}

// markedBases are the letters after which a combining mark is taken off.
const markedBases = "acdegilnorstuyzACDEGILNORSTUYZæÆøØœŒ"

// withoutMarks is NormalizeDiacritics; letters may also be written with combining marks.
func withoutMarks(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return s
	}
	var b strings.Builder
	base := false
	for _, r := range s {
		plain, known := plainLetters[r]
		switch {
		case known:
			b.WriteString(plain)
			base = true
		case base && r >= 0x300 && r <= 0x36f:
		default:
			b.WriteRune(r)
			base = strings.ContainsRune(markedBases, r)
		}
	}
	return b.String()
}

// sortedNames are a map's keys, in order.
func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
