package ad

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// shape is how an attribute's values are written in the directory.
type shape uint8

const (
	shapeText    shape = iota
	shapeNumber        // whole numbers
	shapeTruth         // TRUE, FALSE
	shapeTime          // generalized or UTC time
	shapeOctets        // any octets
	shapeSID           // octets of a security identifier; text to everybody else
	shapeLink          // names of other objects, linked or not: they travel as links
	shapeDN            // a DN with octets or text beside it, or one that no read meets: text, without the identifiers in front
	shapeBack          // the other end of a link: computed, and never part of a change
	shapeNowhere       // computed or not replicated: never part of a change
)

// attribute is one attribute of the directory's schema.
type attribute struct {
	name  canopy.Attr // as the schema spells it
	shape shape
	multi bool
}

var shapeTypes = map[shape]canopy.Type{shapeText: canopy.String, shapeNumber: canopy.Integer, shapeTruth: canopy.Boolean, shapeTime: canopy.Time,
	shapeOctets: canopy.Binary, shapeSID: canopy.String, shapeLink: canopy.Reference, shapeDN: canopy.String}

// syntaxShapes are the shapes of AD's attribute syntaxes; others are text.
var syntaxShapes = map[string]shape{
	"2.5.5.1":  shapeLink,
	"2.5.5.7":  shapeDN, // DN with octets; for OR names see shapeOf
	"2.5.5.14": shapeDN, // access point, DN with text
	"2.5.5.8":  shapeTruth,
	"2.5.5.9":  shapeNumber, // also enumerations
	"2.5.5.16": shapeNumber,
	"2.5.5.10": shapeOctets,
	"2.5.5.13": shapeOctets, // presentation address
	"2.5.5.15": shapeOctets, // security descriptor
	"2.5.5.11": shapeTime,
	"2.5.5.17": shapeSID,
}

// orName is the oMObjectClass, in BER, that sets OR names apart from DNs with
// octets, which have the same syntax. In LDAP an OR name is written as the DN alone.
const orName = "\x56\x06\x01\x02\x05\x0b\x1d"

// shapeOf decides from an attribute's schema object.
func shapeOf(e *entry) shape {
	const notReplicated, constructed = 0x1, 0x4
	link, notLinked := strconv.Atoi(e.first("linkID"))
	flags, err := strconv.Atoi(e.first("systemFlags"))
	if err != nil {
		flags = 0
	}
	syntax := e.first("attributeSyntax")
	switch {
	case notLinked == nil && link%2 == 1:
		return shapeBack
	case flags&(notReplicated|constructed) != 0:
		return shapeNowhere
	case syntax == "2.5.5.7" && e.first("oMObjectClass") == orName:
		return shapeLink
	}
	return syntaxShapes[syntax]
}

// facts are what does not change while a forest is read: its schema and names.
type facts struct {
	read       time.Time
	attributes map[string]*attribute // by folded name
	bases      []DN
	values     map[string]string
	name       string
	exchange   bool
	classes    []canopy.Class
}

// attr finds an attribute, nil when the schema has none.
func (f *facts) attr(name string) *attribute {
	if a := f.attributes[name]; a != nil {
		return a
	}
	return f.attributes[canopy.Fold(name)]
}

// factsAge is how old facts must be before an attribute that they do not know makes them be read again.
const factsAge = 10 * time.Minute

// factsOf reads the facts once, and again when an asked attribute is unknown and they are old: the schema may have grown.
func (c *Conn) factsOf(ctx context.Context, s *session, asked []canopy.Attr) (*facts, error) {
	c.mu.Lock()
	f := c.facts
	c.mu.Unlock()
	if f != nil {
		if err := s.holds(f.bases); err != nil {
			return nil, err // the servers named are of different domains
		}
		missing := slices.ContainsFunc(asked, func(a canopy.Attr) bool { return f.attr(string(a)) == nil })
		if !missing || c.cfg.Clock().Sub(f.read) < factsAge {
			return f, nil
		}
	}
	f = &facts{read: c.cfg.Clock(), attributes: map[string]*attribute{}, values: map[string]string{}}
	var err error
	if f.bases, err = c.basesOf(s); err != nil {
		return nil, err
	}
	if err := c.readSchema(ctx, s, f); err != nil {
		return nil, fault(err, s.server, s.root.schema)
	}
	if err := c.readNames(ctx, s, f); err != nil {
		return nil, fault(err, s.server, s.root.config)
	}
	var learned []string
	if !c.cfg.Strict {
		learned = c.otherControllers(ctx, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts, c.learned = f, learned
	return f, nil
}

// basesOf checks the configured bases against what the controller holds.
func (c *Conn) basesOf(s *session) ([]DN, error) {
	if len(c.bases) == 0 {
		return []DN{s.root.base}, nil
	}
	return c.bases, s.holds(c.bases)
}

// holds tells of a base that the controller does not hold.
func (s *session) holds(bases []DN) error {
	for _, b := range bases {
		if slices.ContainsFunc(s.root.contexts, b.Equal) {
			continue
		}
		e := &canopy.Error{Kind: canopy.NotFound, Code: "ad-base", Object: b.String(), Other: s.server,
			Text: "the base is no naming context of this controller", Next: "the controller has " + join(s.root.contexts)}
		if i := slices.IndexFunc(s.root.contexts, b.Under); i >= 0 && !s.root.contexts[i].Equal(b) {
			e.Text = "the base is a container, and only whole domains can be read"
			e.Next = "set the base to " + s.root.contexts[i].String() + " and name the container in the scope"
		}
		return e
	}
	return nil
}

func join(all []DN) string {
	var t []string
	for _, d := range all {
		t = append(t, d.String())
	}
	return strings.Join(t, "; ")
}

// schemaPage is the size of a page of the schema, whose objects are small.
const schemaPage = 1000

func (c *Conn) readSchema(ctx context.Context, s *session, f *facts) error {
	q := query{base: s.root.schema, scope: ldap.ScopeSingleLevel, filter: "(objectClass=attributeSchema)",
		attrs: []string{"lDAPDisplayName", "attributeSyntax", "isSingleValued", "oMObjectClass", "linkID", "systemFlags", "isDefunct"}}
	err := s.paged(ctx, q, schemaPage, func(e *entry) error {
		name := e.first("lDAPDisplayName")
		if name == "" || e.first("isDefunct") == "TRUE" {
			return nil
		}
		a := &attribute{name: canopy.Attr(name), multi: e.first("isSingleValued") != "TRUE", shape: shapeOf(e)}
		switch a.name {
		case attrDN:
			a.shape = shapeText // it comes from the object's DN and not from the attribute
		case attrGUID:
			a.shape = shapeOctets // marked as not replicated, it comes always
		case attrCategory:
			a.shape = shapeDN // it names a class in the schema, which no read meets
		default:
		}
		f.attributes[canopy.Fold(name)], f.attributes[name] = a, a
		return nil
	}, nil)
	if err != nil {
		return err
	}
	f.exchange = f.attr("msExchMailboxGuid") != nil
	f.classes = []canopy.Class{canopy.User, canopy.InetOrgPerson, canopy.Group, canopy.Contact, canopy.ForeignSecurityPrincipal, canopy.Container}
	return nil
}

// readNames reads the names of the domain and of the forest.
func (c *Conn) readNames(ctx context.Context, s *session, f *facts) error {
	base := f.bases[0]
	f.name = base.DNS()
	f.values["Domain.LDAP"], f.values["Domain.FQDN"], f.values["Forest.FQDN"] = base.String(), f.name, s.root.rootDomain.DNS()
	q := query{base: "CN=Partitions," + s.root.config, scope: ldap.ScopeSingleLevel, filter: "(nETBIOSName=*)", attrs: []string{"nCName", "nETBIOSName"}}
	_, err := s.search(ctx, q, func(e *entry) error {
		d, err := ParseDN(stripDN(e.first("nCName")))
		if err != nil {
			return err
		}
		if d.Equal(base) {
			f.values["Domain.Netbios"] = e.first("nETBIOSName")
		}
		if d.Equal(s.root.rootDomain) {
			f.values["Forest.Netbios"] = e.first("nETBIOSName")
		}
		return nil
	})
	if hasCode(err, ldap.LDAPResultNoSuchObject) {
		return nil // then the names stay unknown
	}
	return err
}

// otherControllers finds the domain's other controllers, for when none of the named ones answers. It is a help, and what
// goes wrong with it is left to those who read.
func (c *Conn) otherControllers(ctx context.Context, s *session) []string {
	var all []string
	q := query{base: s.root.base.String(), scope: ldap.ScopeWholeSubtree, attrs: []string{"dNSHostName"},
		filter: "(&(objectClass=computer)(userAccountControl:1.2.840.113556.1.4.803:=8192))"}
	_, err := s.search(ctx, q, func(e *entry) error {
		if h := e.first("dNSHostName"); h != "" && !strings.EqualFold(h, s.root.dnsName) {
			all = append(all, c.addressLike(h))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return all
}

// Describe tells the schema and what this account can see of the directory.
func (c *Conn) Describe(ctx context.Context) (canopy.Description, error) {
	var d canopy.Description
	err := c.with(ctx, func(s *session) error {
		f, err := c.factsOf(ctx, s, nil)
		if err != nil {
			return err
		}
		missing, err := c.missing(ctx, s, f)
		if err != nil {
			return err
		}
		d = canopy.Description{Kind: "ad", Name: f.name, Values: maps.Clone(f.values),
			Abilities: canopy.Abilities{Delta: true, Watch: true, Write: c.cfg.Write, Missing: missing},
			Schema:    canopy.Schema{Classes: slices.Clone(f.classes), Attributes: map[canopy.Attr]canopy.AttrType{}, Exchange: f.exchange}}
		for _, a := range f.attributes {
			if t, ok := shapeTypes[a.shape]; ok {
				d.Schema.Attributes[a.name] = canopy.AttrType{Type: t, Multi: a.multi}
			}
		}
		return nil
	})
	return d, wrap(err, "describe", c.cfg.Name)
}
