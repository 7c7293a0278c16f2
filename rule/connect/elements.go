package connect

import (
	"strconv"
	"strings"
)

// rule reads a rule's file.
func (r *reader) rule(n *node) error {
	out := Rule{Place: n.place(), ID: guid(n.str("id")), Name: n.str("name"), Description: n.str("description"), Tag: n.str("immutable-tag"),
		Connector: guid(n.str("connector")), Source: n.str("sourceObjectType"), Target: n.str("targetObjectType"), Link: n.str("linkType"),
		Disabled: truth(n.str("disabled")), PasswordSync: truth(n.str("EnablePasswordSync"))}
	// The order between rules is in their precedence already.
	for _, k := range []string{"internal-id", "version", "precedence-after", "precedence-before"} {
		n.one(k).skip()
	}
	if s := n.str("softDeleteExpiryInterval"); s != "" && strings.Trim(s, "0:.") != "" {
		out.SoftDelete = s
	}
	var err error
	if out.Inbound, err = inbound(n.place(), n.str("direction")); err != nil {
		return err
	}
	if out.Precedence, err = strconv.Atoi(n.str("precedence")); err != nil {
		return invalid(n.one("precedence").or(n).place(), "the rule %q has the precedence %q, which is no whole number", exportAnew, out.Name, n.str("precedence"))
	}
	for _, m := range n.one("attribute-mappings").all("mapping") {
		f, err := mapping(m)
		if err != nil {
			return err
		}
		out.Flows = append(out.Flows, f)
	}
	for _, g := range n.one("relationshipCriteria").all("conditions") {
		var group []Join
		for _, c := range g.all("condition") {
			group = append(group, Join{Place: c.place(), Source: c.str("csAttribute"), Target: c.str("ilmAttribute"), CaseSensitive: truth(c.str("caseSensitive"))})
		}
		if len(group) > 0 {
			out.Join = append(out.Join, group)
		}
	}
	for _, g := range n.one("synchronizationCriteria").all("conditions") {
		var group []Scope
		for _, c := range g.all("scope") {
			group = append(group, Scope{Place: c.place(), Attr: c.str("csAttribute"), Operator: c.str("csOperator"), Value: c.str("csValue")})
		}
		if len(group) > 0 {
			out.Scope = append(out.Scope, group)
		}
	}
	if err := out.whole(); err != nil {
		return err
	}
	r.e.Rules = append(r.e.Rules, out)
	return nil
}

// or is the node, or another where there is none.
func (n *node) or(other *node) *node {
	if n == nil {
		return other
	}
	return n
}

func truth(s string) bool { return fold(s) == "true" || s == "1" }

func inbound(place, s string) (bool, error) {
	switch fold(s) {
	case "inbound":
		return true, nil
	case "outbound":
		return false, nil
	}
	return false, invalid(place, "the direction %q is neither Inbound nor Outbound", exportAnew, s)
}

// whole checks that a rule says everything that it must.
func (r *Rule) whole() error {
	for _, x := range []struct{ name, value string }{{"name", r.Name}, {"connector", r.Connector}, {"source object type", r.Source},
		{"target object type", r.Target}, {"link type", r.Link}} {
		if x.value == "" {
			return invalid(r.Place, "the rule %q has no %s", exportAnew, r.Name, x.name)
		}
	}
	for _, f := range r.Flows {
		switch {
		case f.To == "":
			return invalid(f.Place, "a mapping of the rule %q has no destination", exportAnew, r.Name)
		case f.Kind == Direct && len(f.From) != 1:
			return invalid(f.Place, "the mapping to %s of the rule %q has %d source attributes and no expression", exportAnew, f.To, r.Name, len(f.From))
		case f.Kind != Direct && f.Text == "":
			return invalid(f.Place, "the mapping to %s of the rule %q has neither source nor expression", exportAnew, f.To, r.Name)
		}
	}
	return nil
}

// mapping reads one attribute mapping. Its kind is not written: an expression makes it one, a source attribute without
// one is direct, and plain text is a constant.
func mapping(m *node) (Flow, error) {
	f := Flow{Place: m.place(), To: m.str("dest"), Merge: m.str("valueMergeType"), Once: truth(m.attr("execute-once"))}
	src := m.one("src")
	f.From = src.texts("attr")
	switch e := m.one("expression"); {
	case e.value() != "":
		f.Kind, f.Text = Expression, e.value()
	case len(f.From) > 0:
		f.Kind = Direct
	default:
		f.Kind, f.Text = Constant, src.value()
	}
	for _, a := range m.attrs {
		if a.Name.Local != "execute-once" {
			return f, invalid(m.place(), "the mapping to %s has %s=%q, which is not known", "take it out, or ask for it to be supported", f.To, a.Name.Local, a.Value)
		}
	}
	return f, nil
}

// connector reads a connector's file.
func (r *reader) connector(n *node) error {
	c := Connector{Place: n.place(), ID: guid(n.str("id")), Name: n.str("name"), Category: n.str("category"), Subtype: n.str("subtype"), Kind: Other}
	if c.ID == "" {
		return invalid(n.place(), "the connector %q has no id", exportAnew, c.Name)
	}
	switch {
	case c.Category == "AD":
		c.Kind = Forest
	case strings.Contains(c.Subtype, "Azure Active Directory") || strings.Contains(c.Subtype, "Entra"):
		c.Kind = Cloud
	}
	for _, k := range []string{"format-version", "description", "ma-listname", "ma-companyname", "creation-time", "last-modification-time", "version",
		"internal-version", "password-sync-allowed", "password-sync", "encrypted-attributes", "component_mappings", "join", "projection", "export-attribute-flow",
		"import-attribute-flow", "stay-disconnector", "provisioning-cleanup", "dn-construction", "extension", "controller-configuration", "anchor-construction",
		"capabilities-mask", "ma-ui-settings"} {
		n.one(k).skip()
	}
	c.Types = schema(n.one("schema"))
	private := n.one("private-configuration")
	ad := private.one("adma-configuration")
	c.Forest, c.Account = ad.str("forest-name"), ad.str("forest-login-user")
	c.PasswordHashSync = truth(ad.at("password-hash-sync-config", "enabled").value())
	c.Parameters = append(parameters(ad.one("parameter-values")), parameters(n.one("parameter-values"))...)
	c.Parameters = append(c.Parameters, parameters(private.at("MAConfig", "parameter-values"))...)
	private.skip()
	c.Attributes = n.one("attribute-inclusion").texts("attribute")
	for _, p := range n.one("ma-partition-data").all("partition") {
		f := p.one("filter")
		part := Partition{Name: p.str("name"), Selected: truth(p.str("selected")), Classes: f.one("object-classes").texts("object-class"),
			Include: f.at("containers", "inclusions").texts("inclusion"), Exclude: f.at("containers", "exclusions").texts("exclusion"),
			Parameters: parameters(p.one("parameter-values"))}
		for _, k := range []string{"id", "creation-time", "last-modification-time", "version", "display-name", "custom-data", "allowed-operations", "current", "last-successful-batch", "filter-hints"} {
			p.one(k).skip()
		}
		c.Partitions = append(c.Partitions, part)
	}
	for _, p := range n.one("ma-run-data").all("run-configuration") {
		c.Profiles = append(c.Profiles, p.str("name"))
		p.skip()
	}
	r.e.Connectors = append(r.e.Connectors, c)
	return nil
}

// parameters reads a list of parameters; what is encrypted has no value here.
func parameters(n *node) []Parameter {
	var out []Parameter
	for _, p := range n.all("parameter") {
		if x := (Parameter{Name: p.attr("name"), Value: p.value(), Intrinsic: truth(p.attr("intrinsic"))}); x.Name != "" && !truth(p.attr("encrypted")) {
			out = append(out, x)
		}
	}
	return out
}

// metaverse reads the metaverse's file.
func (r *reader) metaverse(n *node) error {
	if r.e.Metaverse.Place != "" {
		return invalid(n.place(), "the metaverse is in %s as well", "take one of the two files away", r.e.Metaverse.Place)
	}
	mv := n.one("mv-data")
	r.e.Metaverse = Metaverse{Place: n.place(), Server: n.attr("server"), Exported: n.attr("export-date"), Types: schema(mv.one("schema")), Parameters: parameters(mv.one("parameter-values"))}
	for _, k := range []string{"format-version", "version", "password-change-history-size", "password-sync", "mv-deletion", "import-attribute-flow", "extension", "provisioning"} {
		mv.one(k).skip()
	}
	return nil
}

var syntaxes = map[string]Syntax{"1.3.6.1.4.1.1466.115.121.1.27": Integer, "1.2.840.113556.1.4.906": Integer, "1.3.6.1.4.1.1466.115.121.1.7": Boolean,
	"1.3.6.1.4.1.1466.115.121.1.5": Binary, "1.3.6.1.4.1.1466.115.121.1.40": Binary, "1.3.6.1.4.1.1466.115.121.1.12": Reference,
	"1.2.840.113556.1.4.903": Reference}

// schema reads the attributes of a schema.
func schema(n *node) map[string]Type {
	if n == nil {
		return nil
	}
	out := map[string]Type{}
	for _, d := range n.at("dsml", "directory-schema").all("attribute-type") {
		if t := (Type{Name: d.str("name"), Syntax: syntaxes[d.str("syntax")], Single: truth(d.attr("single-value"))}); t.Name != "" {
			out[fold(t.Name)] = t
		}
	}
	n.skip()
	return out
}
