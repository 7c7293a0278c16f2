package connect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Setting is a setting of the server, with what Canopy does with it.
type Setting struct {
	Of      string  `json:"of"` // a connector's name, or "server"
	Name    string  `json:"name"`
	Value   string  `json:"value"`
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
}

// ForestScope is what the server reads of a forest, in the words of Canopy's configuration.
type ForestScope struct {
	Forest  string             `json:"forest"` // its DNS name
	Name    canopy.ConnectorID `json:"name"`   // in Canopy's configuration
	Account string             `json:"account,omitempty"`
	Base    []string           `json:"base,omitempty"`
	Include []string           `json:"include,omitempty"`
	Exclude []string           `json:"exclude,omitempty"`
	Groups  []string           `json:"groups,omitempty"`
}

// Scopes are the scopes of the forests, by name.
func (e *Export) Scopes(o Options) []ForestScope {
	var out []ForestScope
	for i := range e.Connectors {
		if c := &e.Connectors[i]; c.Kind == Forest {
			out = append(out, c.scope(o))
		}
	}
	return out
}

// scope reads a forest's partitions. Of the containers that are listed the nearest above an object decides, there as
// here; a partition that is selected and not excluded itself is included.
func (c *Connector) scope(o Options) ForestScope {
	s := ForestScope{Forest: c.Forest, Name: cmp.Or(o.forest(c), canopy.ConnectorID(cmp.Or(c.Forest, c.Name))), Account: c.Account}
	whole := true
	for _, p := range c.Partitions {
		if !p.Selected {
			continue
		}
		s.Base = append(s.Base, p.Name)
		isRoot := func(dn string) bool { return fold(dn) == fold(p.Name) }
		below := slices.DeleteFunc(slices.Clone(p.Exclude), isRoot)
		s.Exclude = append(s.Exclude, below...)
		if !slices.ContainsFunc(p.Exclude, isRoot) {
			s.Include = append(s.Include, p.Name)
			s.Include = append(s.Include, slices.DeleteFunc(slices.Clone(p.Include), isRoot)...)
			continue
		}
		whole = false
		s.Include = append(s.Include, slices.DeleteFunc(slices.Clone(p.Include), isRoot)...)
	}
	if whole && len(s.Include) == len(s.Base) {
		s.Include = nil // all of what is read
	}
	if g := c.GroupFilter(); g != "" {
		s.Groups = []string{g}
	}
	return s
}

// feature says what becomes of a feature that is switched on.
type feature struct {
	name    string
	outcome Outcome
	text    string
}

// OffHereToo is what is said of a feature that is not in use.
const OffHereToo = "switched off there and here"

// features are the optional features; what is switched off there is off here as well.
var features = []feature{
	{"PasswordHashSync", Lost, "password hashes are not synchronised: choose how people sign in to the cloud before the old server is switched off"},
	{"PasswordWriteback", Lost, "passwords that are reset in the cloud are not written to the forest"},
	{"DeviceWriteUp", Lost, "computers are not synchronised as devices; the rules for them are kept, switched off"},
	{"DeviceWriteBack", Lost, "devices are not written to the forest"},
	{"UserWriteBack", Lost, "users of the cloud are not written to the forest"},
	{"GroupWriteBack", Lost, "groups of the cloud are not written to the forest"},
	{"HybridExchange", Lost, "what Exchange Online changes is not written back to the forest; the rules for it are kept, switched off"},
	{"DirectoryExtension", Taken, "the rules write the extension attributes, by their names in the tenant"},
	{"FilterAAD", Taken, "the rules lack what was filtered out"},
	{"GroupFiltering", Taken, "the group is in the forest's scope, see there; nested members are in scope as well"},
}

// parameterText says what becomes of a global parameter.
type parameterText struct {
	name    string
	outcome Outcome
	text    string
}

var globals = []parameterText{
	{"Microsoft.SynchronizationOption.JoinCriteria", Taken, "the join criteria are those of the rules; join in the configuration is for the built-in rules alone"},
	{"Microsoft.SynchronizationOption.AnchorAttribute", Taken, "the rules compute sourceAnchor from it, so objects keep their anchors"},
	{"Microsoft.SynchronizationOption.UPNAttribute", Taken, "the rules fill userPrincipalName from it"},
	{"Microsoft.SynchronizationOption.CustomAttribute", Taken, "the join criteria of the rules name it"},
	{"Microsoft.Synchronize.StagingMode", Builtin, "canopy plan shows and stores everything and writes nothing"},
	{"Microsoft.Synchronize.TimeInterval", Adapted, "runs begin when canopy run is called, by a timer of the system"},
	{"Microsoft.Synchronize.SynchronizationSchedule", Adapted, "runs begin when canopy run is called, by a timer of the system"},
	{"Microsoft.Synchronize.NextStartTime", Builtin, "every run takes up where the last one ended"},
	{"Microsoft.Synchronize.SynchronizationPolicy", Builtin, "every run reads what changed since the last one, and everything where it must"},
	{"Microsoft.Synchronize.SchedulerSuspended", Builtin, "nothing runs while another run holds the state directory"},
	{"Microsoft.Synchronize.MaintenanceEnabled", Builtin, "there are no keys and certificates to renew"},
	{"Microsoft.Synchronize.RunHistoryPurgeInterval", Adapted, "the history of runs is kept"},
	{"Microsoft.Synchronize.ServerConfigurationVersion", Taken, "the version of the server that the export is from"},
	{"Microsoft.Version.SynchronizationRuleImmutableTag", Builtin, "rules are told apart by their ids"},
	{"Microsoft.AADFilter.AttributeExclusionList", Taken, "the rules lack what was filtered out"},
	{"Microsoft.AADFilter.ApplicationList", Taken, "the rules lack what was filtered out"},
	{"Microsoft.DirectoryExtension.SourceTargetAttributesMap", Taken, "the rules write the extension attributes, by their names in the tenant"},
	{"Microsoft.OptionalFeature.DirectoryExtensionAttributes", Taken, "the rules write the extension attributes, by their names in the tenant"},
	{"Microsoft.OptionalFeature.AutoUpgradeState", Builtin, "Canopy does not change itself"},
	{"Microsoft.GroupWriteBack.Forest", Lost, "groups of the cloud are not written to the forest"},
	{"Microsoft.GroupWriteBack.Container", Lost, "groups of the cloud are not written to the forest"},
	{"Microsoft.UserWriteBack.Forest", Lost, "users of the cloud are not written to the forest"},
	{"Microsoft.UserWriteBack.Container", Lost, "users of the cloud are not written to the forest"},
	{"Microsoft.DeviceWriteBack.Forest", Lost, "devices are not written to the forest"},
	{"Microsoft.DeviceWriteBack.Container", Lost, "devices are not written to the forest"},
}

const featurePrefix = "Microsoft.OptionalFeature."

// Settings are the server's settings, each with what becomes of it: the server's own first, then each connector's.
func (e *Export) Settings(o Options) []Setting {
	var out []Setting
	for _, p := range e.Metaverse.Parameters {
		if s, ok := e.global(p); ok {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Setting) int { return cmp.Compare(a.Name, b.Name) })
	for i := range e.Connectors {
		out = append(out, e.Connectors[i].settings(o)...)
	}
	return out
}

func (e *Export) global(p Parameter) (Setting, bool) {
	s := Setting{Of: "server", Name: p.Name, Value: p.Value}
	if p.Value == "" {
		return s, false // nothing was set
	}
	if name, ok := strings.CutPrefix(p.Name, featurePrefix); ok {
		switch name {
		case "ExportDeletionThreshold":
			s.Outcome, s.Text = Taken, "guard in the configuration stops a plan with more deletions than its limit"
			if !truth(p.Value) {
				s.Outcome, s.Text = Adapted, "the guard of deletions is always on; its limit can be raised"
			}
			return s, true
		case "ExportDeletionThresholdValue":
			s.Outcome, s.Text = Taken, "write guard: {delete: {number: "+p.Value+"}} into the configuration; it counts the deletions of a whole plan before anything is written"
			if _, err := strconv.Atoi(p.Value); err != nil {
				s.Outcome, s.Text = Lost, "it is no number; the guard has its default"
			}
			return s, true
		}
		for _, f := range features {
			if fold(f.name) != fold(name) {
				continue
			}
			if s.Outcome, s.Text = f.outcome, f.text; !truth(p.Value) {
				s.Outcome, s.Text = Taken, OffHereToo
			}
			return s, true
		}
	}
	for _, g := range globals {
		if fold(g.name) == fold(p.Name) {
			s.Outcome, s.Text = g.outcome, g.text
			return s, true
		}
	}
	s.Outcome, s.Text = Lost, "this parameter is not known: nothing is done with it"
	return s, true
}

// connection are parameters that say how a directory is reached, which the configuration says anew.
var connection = []string{"forest-", "sign-and-seal", "ssl-bind", "simple-bind", "crl-check", "default-ssl-strength", "password", "ads_", "forest.", "domain.",
	"connector.groupfilteringgroupdn", "username", "tenant"}

func (c *Connector) settings(o Options) []Setting {
	var out []Setting
	add := func(name, value string, oc Outcome, format string, args ...any) {
		out = append(out, Setting{Of: c.Name, Name: name, Value: value, Outcome: oc, Text: fmt.Sprintf(format, args...)})
	}
	switch c.Kind {
	case Other:
		add("connector", c.Category+" "+c.Subtype, Lost, "Canopy reads forests and writes the tenant: this connector and its rules are left out")
		return out
	case Cloud:
		add("connector", c.Name, Taken, "it is the tenant: target in the configuration")
		add("attributes", many(c.Attributes), Taken, "what the rules name is written")
		return out
	case Forest:
	}
	s := c.scope(o)
	add("connector", c.Forest, Taken, "write a forest of the name %s into the configuration, with its servers and an account that reads it; passwords are not in an export", s.Name)
	for _, p := range c.Partitions {
		if !p.Selected {
			add("partition", p.Name, Taken, "it is not selected, and not read: leave it out of base")
			continue
		}
		add("partition", p.Name, Taken, "it is read: base in the configuration")
		for _, dn := range p.Include {
			add("included", dn, Taken, "scope.include in the configuration")
		}
		for _, dn := range p.Exclude {
			if fold(dn) == fold(p.Name) {
				add("excluded", dn, Taken, "only what is included below is read: scope.include in the configuration says so already")
				continue
			}
			add("excluded", dn, Taken, "scope.exclude in the configuration")
		}
		add("object classes", many(p.Classes), Adapted, "the classes that the rules in force name are read")
	}
	if g := c.GroupFilter(); g != "" {
		add("group filter", g, Adapted, "scope.groups in the configuration: the group, its members, and the members of nested groups, who were out of scope there")
	}
	if c.PasswordHashSync {
		add("password hash sync", "enabled", Lost, "password hashes are not synchronised")
	}
	add("attributes", many(c.Attributes), Adapted, "what the rules in force name is read, no more and no less")
	for _, p := range c.Parameters {
		known := p.Intrinsic || p.Value == "" || slices.ContainsFunc(connection, func(k string) bool { return strings.HasPrefix(fold(p.Name), k) })
		if !known {
			add("parameter "+p.Name, p.Value, Lost, "expressions know the parameters of Canopy's connectors alone: a flow with %%%s%% has no value", p.Name)
		}
	}
	return out
}

func many(list []string) string {
	if len(list) > 8 {
		return fmt.Sprintf("%d: %s, ...", len(list), strings.Join(list[:4], ", "))
	}
	return strings.Join(list, ", ")
}
