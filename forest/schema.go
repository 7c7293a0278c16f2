package forest

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// attributeTable has one line per attribute: lDAPDisplayName, cn, attributeID, attributeSyntax (without 2.5.5.) and
// oMSyntax, flags, searchFlags, systemFlags, linkID, rangeLower, rangeUpper. Flags: S single-valued, M multi-valued,
// G in the global catalogue, O system only, X comes with Exchange, B a DN with octets. Numbers below
// 1.2.840.113556.1.8000.2554 stand for attributes whose number is not published.
//
//go:embed attributes.txt
var attributeTable string

// classTable has a line per class (lDAPDisplayName, cn, governsID, superclass, category, naming attribute, cn of its
// default object category), followed by indented lists: auxiliary classes, possible superiors, must and may.
//
//go:embed classes.txt
var classTable string

// syntax is how values of an attribute are checked, compared and stored.
type syntax uint8

const (
	textSyntax   syntax = iota // compared without case
	exactSyntax                // compared with case
	numberSyntax               // 32 bit
	largeSyntax                // 64 bit
	boolSyntax
	timeSyntax
	octetSyntax
	sidSyntax
	dnSyntax
	oidSyntax // names of classes and attributes
)

// attribute is one attribute of the schema.
type attribute struct {
	name, fold, cn, oid string
	id                  int // its place in schema.attrs
	syntaxOID           string
	om                  int
	syntax              syntax
	single, gc, system  bool // system: only the server sets it
	searchFlags         int
	systemFlags         int
	link                int // -1: not linked
	lower, upper        int // -1: no limit
	computed            computed
	guidLike            bool
	slot                int // of the value index; -1: not indexed
}

// objectClass is the oMObjectClass, in BER, that tells apart what has the syntax of an object; "" for all others.
func (a *attribute) objectClass() string {
	switch {
	case a.om != 127:
		return ""
	case a.syntaxOID == "2.5.5.1": // a DN
		return "\x2b\x0c\x02\x87\x73\x1c\x00\x85\x4a"
	case a.syntaxOID == "2.5.5.7" && a.syntax == dnSyntax: // an OR name, written as a DN
		return "\x56\x06\x01\x02\x05\x0b\x1d"
	case a.syntaxOID == "2.5.5.7": // a DN with octets
		return "\x2a\x86\x48\x86\xf7\x14\x01\x01\x01\x0b"
	}
	return "\x2a\x86\x48\x86\xf7\x14\x01\x01\x01\x06" // a replica link
}

func (a *attribute) forward() bool { return a.link >= 0 && a.link%2 == 0 }
func (a *attribute) back() bool    { return a.link >= 0 && a.link%2 == 1 }

// replicated tells whether the attribute is the same on all domain controllers, and so known to DirSync.
func (a *attribute) replicated() bool { return a.systemFlags&(1|4|1<<27) == 0 }

// constructed tells whether the attribute comes only when asked for by name.
func (a *attribute) constructed() bool { return a.systemFlags&4 != 0 }

// class is one class of the schema.
type class struct {
	name, cn, oid string
	sup           *class
	category      int // 0 1988, 1 structural, 2 abstract, 3 auxiliary
	rdn           *attribute
	object        string // cn of the default object category
	auxNames      []string
	poss          map[string]bool
	must          []*attribute
	may           []bool // by attribute id, with those of superclasses and auxiliary classes
	chain         []string
	own           map[string][]string // the lists as read
}

// is tells whether the class is, or is derived from, the one with this name.
func (c *class) is(name string) bool { return slices.Contains(c.chain, name) }

// schema is what a forest knows of attributes and classes. It never changes after it was read.
type schema struct {
	attrs   []*attribute
	byName  map[string]*attribute // folded name, or number
	classes []*class
	byClass map[string]*class
	// Linked attributes and their back links, by linkID/2; nil where there is none.
	forwards, backs []*attribute
}

// newSchema reads the tables; without exchange those attributes and classes are left out.
func newSchema(exchange bool) *schema {
	s := &schema{byName: map[string]*attribute{}, byClass: map[string]*class{}}
	for line := range strings.Lines(attributeTable) {
		f := strings.Fields(line)
		if !exchange && strings.Contains(f[4], "X") {
			continue
		}
		a := readAttribute(f)
		a.id = len(s.attrs)
		s.attrs = append(s.attrs, a)
		s.byName[a.fold], s.byName[a.oid] = a, a
	}
	for i, name := range indexed {
		if a := s.byName[strings.ToLower(name)]; a != nil {
			a.slot = i
		}
	}
	for name, c := range computedAttributes {
		if a := s.byName[strings.ToLower(name)]; a != nil {
			a.computed = c
		}
	}
	for _, a := range s.attrs {
		if a.back() {
			a.computed = isBackLink
		}
		if a.link >= 0 {
			side := [...]*[]*attribute{&s.forwards, &s.backs}[a.link%2]
			*side = append(*side, make([]*attribute, max(0, a.link/2+1-len(*side)))...)
			(*side)[a.link/2] = a
		}
	}
	s.describe()
	s.readClasses(exchange)
	return s
}

func readAttribute(f []string) *attribute {
	num := func(i int) int {
		if i >= len(f) || f[i] == "-" {
			return -1
		}
		n, err := strconv.Atoi(f[i])
		if err != nil {
			panic("attributes.txt: " + strings.Join(f, " "))
		}
		return n
	}
	syn, om, _ := strings.Cut(f[3], "/")
	a := &attribute{name: f[0], fold: strings.ToLower(f[0]), cn: f[1], oid: f[2], syntaxOID: "2.5.5." + syn,
		single: strings.Contains(f[4], "S"), gc: strings.Contains(f[4], "G"), system: strings.Contains(f[4], "O"),
		searchFlags: num(5), systemFlags: num(6), link: num(7), lower: num(8), upper: num(9), slot: -1}
	a.om, _ = strconv.Atoi(om)
	a.guidLike = a.om == 4 && a.syntaxOID == "2.5.5.10" && (strings.HasSuffix(a.fold, "guid") || a.fold == "invocationid")
	switch syn {
	case "1":
		a.syntax = dnSyntax
	case "2":
		a.syntax = oidSyntax
	case "3", "5", "6", "13", "14":
		a.syntax = exactSyntax
	case "7":
		a.syntax = dnSyntax
		if strings.Contains(f[4], "B") { // a DN with octets in front: kept as text, whatever the schema says of links
			a.syntax, a.link = exactSyntax, -1
		}
	case "8":
		a.syntax = boolSyntax
	case "9":
		a.syntax = numberSyntax
	case "10", "15":
		a.syntax = octetSyntax
	case "11":
		a.syntax = timeSyntax
	case "16":
		a.syntax = largeSyntax
	case "17":
		a.syntax = sidSyntax
	}
	return a
}

func (s *schema) readClasses(exchange bool) {
	var c *class
	for line := range strings.Lines(classTable) {
		f := strings.Fields(line)
		switch {
		case f[0] == "class" && !exchange && strings.HasPrefix(f[1], "msExch"):
			c = &class{own: map[string][]string{}} // read over
		case f[0] == "class":
			c = &class{name: f[1], cn: f[2], oid: f[3], category: int(f[5][0] - '0'), rdn: s.byName[f[6]], object: f[7],
				own: map[string][]string{"sup": {f[4]}}}
			s.classes = append(s.classes, c)
			s.byClass[strings.ToLower(c.name)], s.byClass[c.oid] = c, c
		default:
			c.own[f[0]] = append(c.own[f[0]], f[1:]...)
		}
	}
	for _, c := range s.classes {
		s.complete(c)
	}
}

// complete gives a class what it has from its superclasses and auxiliary classes.
func (s *schema) complete(c *class) {
	if c.may != nil {
		return
	}
	c.may, c.poss = make([]bool, len(s.attrs)), map[string]bool{}
	inherit := func(from *class) {
		s.complete(from)
		for id, ok := range from.may {
			c.may[id] = c.may[id] || ok
		}
		for name := range from.poss {
			c.poss[name] = true
		}
		c.must = append(c.must, from.must...)
	}
	if sup := s.byClass[strings.ToLower(c.own["sup"][0])]; sup != c {
		inherit(sup)
		c.sup, c.chain = sup, slices.Clone(sup.chain)
	}
	c.chain = append(c.chain, c.name)
	for _, name := range c.own["aux"] {
		if aux := s.byClass[strings.ToLower(name)]; aux != nil {
			inherit(aux)
			c.auxNames = append(c.auxNames, aux.name)
		}
	}
	for _, list := range []string{"must", "may"} {
		for _, name := range c.own[list] {
			a := s.byName[strings.ToLower(name)]
			if a == nil {
				continue
			}
			c.may[a.id] = true
			if list == "must" {
				c.must = append(c.must, a)
			}
		}
	}
	for _, name := range c.own["poss"] {
		c.poss[name] = true
	}
}

// attr finds an attribute by name, with or without an option such as ;range=0-*, or by number.
func (s *schema) attr(name string) *attribute {
	name, _, _ = strings.Cut(name, ";")
	return s.byName[strings.ToLower(name)]
}

// class finds a class by name or number.
func (s *schema) class(name string) *class { return s.byClass[strings.ToLower(name)] }

// normal checks a value as it came and gives it in the form in which it is kept. What is wrong is told as text.
// DNs are for the directory to resolve and stay as they are. loading leaves out the limits of length and value,
// and lets in text that is not UTF-8, as a damaged database has it.
func (a *attribute) normal(v string, loading bool) (string, error) {
	if v == "" {
		return "", fmt.Errorf("an empty value is not allowed")
	}
	switch a.syntax {
	case textSyntax, exactSyntax, oidSyntax:
		if !loading && !utf8.ValidString(v) {
			return "", fmt.Errorf("value is not UTF-8")
		}
		return v, a.within(utf8.RuneCountInString(v), loading)
	case numberSyntax, largeSyntax:
		bits := 64
		if a.syntax == numberSyntax {
			bits = 32
		}
		n, err := strconv.ParseInt(v, 10, bits)
		if err != nil {
			return "", fmt.Errorf("%q is not a whole number of %d bits", v, bits)
		}
		return strconv.FormatInt(n, 10), a.within(int(n), loading || a.syntax == largeSyntax)
	case boolSyntax:
		if u := strings.ToUpper(v); u == "TRUE" || u == "FALSE" {
			return u, nil
		}
		return "", fmt.Errorf("%q is neither TRUE nor FALSE", v)
	case timeSyntax:
		t, err := parseTime(v)
		if err != nil {
			return "", err
		}
		return formatTime(t), nil
	case sidSyntax:
		return parseSID(v)
	case octetSyntax:
		if a.guidLike && len(v) == 36 {
			if g, ok := parseGUID(v); ok {
				return string(g[:]), nil
			}
		}
		return v, a.within(len(v), loading)
	case dnSyntax:
	}
	return v, nil
}

// errLimit is a value that the schema's limits refuse.
var errLimit = fmt.Errorf("value is outside the limits of the schema")

func (a *attribute) within(n int, loading bool) error {
	if !loading && (a.lower >= 0 && n < a.lower || a.upper >= 0 && n > a.upper) {
		return fmt.Errorf("%w: %d, allowed are %d to %d", errLimit, n, max(a.lower, 0), a.upper)
	}
	return nil
}

// key is the form under which two values of the attribute are the same value.
func (a *attribute) key(v string) string {
	if a.syntax == textSyntax || a.syntax == oidSyntax || a.syntax == dnSyntax {
		return foldText(v)
	}
	return v
}

// foldText lower-cases text, drops spaces around it and makes several spaces one.
func foldText(s string) string {
	s = strings.ToLower(s)
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") {
		return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
	}
	return s
}
