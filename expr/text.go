package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// textFunctions work on text. Lengths and positions count characters, from 1.
var textFunctions = []function{
	{name: "Trim", takes: "t", maps: true, usage: "Trim(text)", text: "without white space at both ends", tries: []Example{{`Trim(" Test ")`, `"Test"`}}, call: onText(trim)},
	{name: "Left", takes: "tn", maps: true, null: nullGivesEmpty, usage: "Left(text, length)",
		text:  "the first characters; all when length is negative or there are fewer; empty for NULL",
		tries: []Example{{`Left("John Doe", 3)`, `"Joh"`}, {`Left("John", -1)`, `"John"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			if a[1].n < 0 {
				return a[0], nil
			}
			return Str(a[0].s[:offset(a[0].s, a[1].n)]), nil
		}},
	{name: "InStr", takes: "tt?nt", null: nullGivesZero, usage: "InStr(text, find, [start], [vbTextCompare])",
		text:  "where find begins, at or after start; 0 when it is not there. Case counts unless vbTextCompare is given",
		tries: []Example{{`InStr("The quick brown fox", "quick")`, `5`}, {`InStr("repEated", "e", 3, vbBinaryCompare)`, `7`}}, call: inStr},
	{name: "Word", takes: "tnt", null: nullGivesEmpty, usage: "Word(text, number, delimiters)",
		text:  "the word of this number, from 1, as split by any of the delimiters; empty when there is none",
		tries: []Example{{`Word("The quick brown fox", 3, " ")`, `"brown"`}, {`Word("This,string!has&many separators", 3, ",!&#")`, `"has"`}}, call: word},
}

// connectText are those of Connect Sync alone.
var connectText = []function{
	{name: "LTrim", takes: "t", maps: true, usage: "LTrim(text)", text: "without white space at the beginning", tries: []Example{{`LTrim(" Test ")`, `"Test "`}},
		call: onText(func(s string) string { return strings.TrimLeftFunc(s, blank) })},
	{name: "RTrim", takes: "t", maps: true, usage: "RTrim(text)", text: "without white space at the end", tries: []Example{{`RTrim(" Test ")`, `" Test"`}},
		call: onText(func(s string) string { return strings.TrimRightFunc(s, blank) })},
	{name: "LCase", takes: "t", maps: true, usage: "LCase(text)", text: "in lower case", tries: []Example{{`LCase("TeSt")`, `"test"`}}, call: onText(strings.ToLower)},
	{name: "UCase", takes: "t", maps: true, usage: "UCase(text)", text: "in upper case", tries: []Example{{`UCase("TeSt")`, `"TEST"`}}, call: onText(strings.ToUpper)},
	{name: "PCase", takes: "t", maps: true, usage: "PCase(text)", text: "each word, as split by spaces alone, with a capital and the rest small",
		tries: []Example{{`PCase("TEsT")`, `"Test"`}}, call: onText(properCase)},
	{name: "Len", takes: "x", maps: true, null: nullGivesZero, usage: "Len(text)", text: "the number of characters, or of octets", tries: []Example{{`Len("John Doe")`, `8`}},
		call: func(_ *machine, a []Value) (Value, error) {
			if a[0].kind == Octets {
				return Num(int64(len(a[0].s))), nil
			}
			return Num(int64(utf8.RuneCountInString(a[0].s))), nil
		}},
	{name: "Right", takes: "tn", maps: true, null: nullGivesEmpty, usage: "Right(text, length)",
		text: "the last characters; all when length is negative or there are fewer; empty for NULL", tries: []Example{{`Right("John Doe", 3)`, `"Doe"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			n := int64(utf8.RuneCountInString(a[0].s))
			if a[1].n < 0 || a[1].n >= n {
				return a[0], nil
			}
			return Str(a[0].s[offset(a[0].s, n-a[1].n):]), nil
		}},
	{name: "Mid", takes: "tn?n", maps: true, null: nullGivesEmpty, usage: "Mid(text, start, [length])",
		text:  "characters from start, to the end without a length; the whole text when start is outside it or length is negative; empty for NULL",
		tries: []Example{{`Mid("John Doe", 3, 5)`, `"hn Do"`}, {`Mid("John Doe", 6)`, `"Doe"`}}, call: mid},
	{name: "InStrRev", takes: "tt?nt", null: nullGivesZero, usage: "InStrRev(text, find, [start], [vbTextCompare])",
		text: "where find begins last, wholly before start and on it, 0 when it is not there", tries: []Example{{`InStrRev("abbcdbbbef", "bb")`, `7`}}, call: inStrRev},
	{name: "Replace", takes: "ttt", maps: true, usage: "Replace(text, old, new)", text: `each old as new; \n, \r and \t are understood`,
		tries: []Example{{`Replace("a-b-c", "-", "+")`, `"a+b+c"`}}, call: replace},
	{name: "ReplaceChars", takes: "tt", maps: true, usage: `ReplaceChars(text, "a:b,c:,ö:oe")`,
		text:  "each character of the pattern as what stands beside it, which may be nothing. White space in the pattern does not count; comma and colon cannot be replaced",
		tries: []Example{{`ReplaceChars("Räksmörgås", "å:a,ä:a,ö:oe")`, `"Raksmoergas"`}}, call: replaceChars},
	{name: "PadLeft", takes: "tnt", maps: true, null: nullGivesEmpty, usage: "PadLeft(text, length, character)", text: "filled up at the beginning; empty for NULL",
		tries: []Example{{`PadLeft("User", 10, "0")`, `"000000User"`}}, call: pad(true)},
	{name: "PadRight", takes: "tnt", maps: true, null: nullGivesEmpty, usage: "PadRight(text, length, character)", text: "filled up at the end; empty for NULL",
		tries: []Example{{`PadRight("User", 10, "0")`, `"User000000"`}}, call: pad(false)},
}

func onText(f func(string) string) func(*machine, []Value) (Value, error) {
	return func(_ *machine, a []Value) (Value, error) { return Str(f(a[0].s)), nil }
}

func blank(r rune) bool { return unicode.IsSpace(r) }

func trim(s string) string { return strings.TrimFunc(s, blank) }

func properCase(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		r, n := utf8.DecodeRuneInString(w)
		if n > 0 {
			words[i] = string(unicode.ToUpper(r)) + strings.ToLower(w[n:])
		}
	}
	return strings.Join(words, " ")
}

// offset is the byte at which character n, from 0, of s begins; the end when s is shorter.
func offset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	if n >= int64(len(s)) {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func mid(_ *machine, a []Value) (Value, error) {
	s, start, length := a[0].s, a[1].n, int64(maxText)
	if given(a, 2) {
		length = a[2].n
	}
	if start <= 0 || start > int64(utf8.RuneCountInString(s)) || length < 0 {
		return a[0], nil
	}
	s = s[offset(s, start-1):]
	return Str(s[:offset(s, length)]), nil
}

// search reads the arguments that InStr and InStrRev share. start is 0 when it was not given.
func search(a []Value) (text, find string, start int64, err error) {
	text, find = a[0].s, a[1].s
	if given(a, 2) {
		if start = a[2].n; start < 1 {
			return "", "", 0, badArg(3, "is %d; characters are counted from 1", start)
		}
	}
	if given(a, 3) {
		fold, err := folds(a[3], 4)
		if err != nil {
			return "", "", 0, err
		}
		if fold {
			text, find = simpleFold(text), simpleFold(find)
		}
	}
	return text, find, start, nil
}

// simpleFold is lower case letter by letter, so that positions stay.
func simpleFold(s string) string { return strings.Map(unicode.ToLower, s) }

// folds reads a word that says whether case counts.
func folds(v Value, arg int) (bool, error) {
	switch v.s {
	case "CaseInsensitive":
		return true, nil
	case "CaseSensitive":
		return false, nil
	}
	return false, badArg(arg, "must be CaseInsensitive or CaseSensitive, is %s", described(v))
}

func inStr(_ *machine, a []Value) (Value, error) {
	text, find, start, err := search(a)
	if err != nil {
		return Value{}, err
	}
	skip := offset(text, start-1)
	i := strings.Index(text[skip:], find)
	if i < 0 || skip == len(text) {
		return Num(0), nil
	}
	return Num(int64(utf8.RuneCountInString(text[:skip+i])) + 1), nil
}

func inStrRev(_ *machine, a []Value) (Value, error) {
	text, find, start, err := search(a)
	if err != nil {
		return Value{}, err
	}
	if start > 0 {
		text = text[:offset(text, start)]
	}
	i := strings.LastIndex(text, find)
	if i < 0 || text == "" {
		return Num(0), nil
	}
	if find == "" { // nothing is found where the text ends, and there is its last character
		return Num(int64(utf8.RuneCountInString(text))), nil
	}
	return Num(int64(utf8.RuneCountInString(text[:i])) + 1), nil
}

func replace(m *machine, a []Value) (Value, error) {
	escapes := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t")
	s, old, with := a[0].s, escapes.Replace(a[1].s), escapes.Replace(a[2].s)
	if old == "" {
		return a[0], nil
	}
	if len(s)+strings.Count(s, old)*(len(with)-len(old)) > maxText {
		return Value{}, errText
	}
	return Str(strings.ReplaceAll(s, old, with)), m.spend(len(s))
}

func replaceChars(_ *machine, a []Value) (Value, error) {
	with := map[rune]string{}
	pattern := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, a[1].s)
	for part := range strings.SplitSeq(pattern, ",") {
		if part == "" {
			continue
		}
		from, to, ok := strings.Cut(part, ":")
		r, n := utf8.DecodeRuneInString(from)
		if !ok || n == 0 || n != len(from) {
			return Value{}, badArg(2, "the part %q is not character:text", shortened(part, 40))
		}
		with[r] = to
	}
	var b strings.Builder
	for _, r := range a[0].s {
		if to, ok := with[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
		if b.Len() > maxText {
			return Value{}, errText
		}
	}
	return Str(b.String()), nil
}

func pad(left bool) func(*machine, []Value) (Value, error) {
	return func(_ *machine, a []Value) (Value, error) {
		s, with := a[0].s, a[2].s
		missing := a[1].n - int64(utf8.RuneCountInString(s))
		switch {
		case utf8.RuneCountInString(with) != 1:
			return Value{}, badArg(3, "must be one character, is %s", described(a[2]))
		case missing <= 0:
			return a[0], nil
		case missing > maxText/int64(len(with)):
			return Value{}, errText
		case left:
			return Str(strings.Repeat(with, int(missing)) + s), nil
		}
		return Str(s + strings.Repeat(with, int(missing))), nil
	}
}

// maxSet is the most bytes of a set of characters: each character of a text is looked for in it.
const maxSet = 256

func word(_ *machine, a []Value) (Value, error) {
	n := a[1].n
	if len(a[2].s) > maxSet {
		return Value{}, badArg(3, "has %d bytes, at most %d are taken", len(a[2].s), maxSet)
	}
	if n < 1 {
		return Str(""), nil
	}
	for w := range strings.FieldsFuncSeq(a[0].s, func(r rune) bool { return strings.ContainsRune(a[2].s, r) }) {
		if n--; n == 0 {
			return Str(w), nil
		}
	}
	return Str(""), nil
}
