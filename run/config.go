package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
)

// ConfigName is the configuration's file name in the state directory.
const ConfigName = "canopy.yaml"

// Config is canopy.yaml: which forests are read, how, and how far a run may go. Unknown keys are errors.
type Config struct {
	Forests []Forest `yaml:"forests"`
	// Join says how people are joined across forests: mail, sid, none or attribute:NAME. Empty is mail.
	Join string `yaml:"join,omitempty"`
	// Clash says what waits when a value belongs to another object: "value" (only the value) or "object" (all of it).
	// Objects that are new to the target wait whole in both. Empty is value.
	Clash string `yaml:"clash,omitempty"`
	// Like makes the engine behave as another product did: cloud-provisioning-2020. Empty is Canopy itself.
	Like string `yaml:"like,omitempty"`
	// Duplicates says what becomes of objects that are likely one person and are not joined.
	Duplicates Doubt  `yaml:"duplicates,omitempty"`
	Target     Target `yaml:"target,omitempty"`
	Guard      Limits `yaml:"guard,omitempty"`
	// Database is where connector spaces, metaverse, plans and log are kept. Without one it is a file in the state directory.
	Database *Database `yaml:"database,omitempty"`
}

// Forest is one forest of the configuration, in the order that breaks ties of precedence.
type Forest struct {
	ad.Section `yaml:",inline"`
	Scope      ScopeByName `yaml:"scope,omitempty"`
	// Exchange is for canopy onprem.
	Exchange Exchange `yaml:"exchange,omitempty"`
	// Agent says that agents read the forest. Its servers and its account then stand in their configuration, not here.
	Agent bool `yaml:"agent,omitempty"`
}

// ScopeByName is a forest's scope as an administrator writes it: DNs, resolved once to GUIDs.
type ScopeByName struct {
	Include []string `yaml:"include,omitempty" json:"include,omitempty"`
	Exclude []string `yaml:"exclude,omitempty" json:"exclude,omitempty"`
	Groups  []string `yaml:"groups,omitempty" json:"groups,omitempty"`
}

// Doubt is about likely duplicates. Who is one of at least the rank Wait, of 100, is not projected before a person has
// decided. 0: nobody waits.
type Doubt struct {
	Wait int `yaml:"wait,omitempty"`
}

// Target is where people, groups and contacts are written: the embedded tenant.
type Target struct {
	Kind    string   `yaml:"kind,omitempty"`    // tenant
	Initial string   `yaml:"initial,omitempty"` // the tenant's initial domain
	Domains []string `yaml:"domains,omitempty"` // its verified domains
	// Uniqueness says what a value does there that another object holds: fail, quarantine or none. Empty is as it was set
	// there, or with Like as that product had it.
	Uniqueness string `yaml:"uniqueness,omitempty"`
}

// Limits are the guard's: a plan that exceeds one waits for an approval. A limit that is not named has its default.
type Limits map[canopy.Regret]Limit

// Limit is the most that a plan may do: both must be exceeded by nothing.
type Limit struct {
	Number  int     `yaml:"number"`
	Percent float64 `yaml:"percent"`
}

// LoadConfig reads a configuration file and says everything that is wrong with it, with lines.
func LoadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "config-missing", Object: path, Text: "there is no configuration",
			Next: "write one (README, \"Your own forests\"), or run: canopy lab"}
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "config-invalid", Object: path, Text: err.Error(),
			Next: "correct the file and try again"}
	}
	c.relativeTo(filepath.Dir(path))
	return c, nil
}

// ParseConfig reads a configuration; its error has every fault found.
func ParseConfig(text []byte) (*Config, error) {
	var c Config
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty: it needs at least one forest")
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is a second document behind \"---\": a configuration is one")
	}
	return &c, errors.Join(c.faults()...)
}

func (c *Config) faults() []error {
	var f []error
	if len(c.Forests) == 0 {
		f = append(f, errors.New("forests: at least one forest is needed"))
	}
	seen := map[canopy.ConnectorID]bool{}
	for i := range c.Forests {
		x := &c.Forests[i]
		switch {
		case x.Name == "":
			f = append(f, fmt.Errorf("forests[%d]: name is missing", i))
		case x.Name == canopy.Tenant:
			f = append(f, fmt.Errorf("forests[%d]: %q is the tenant's name", i, x.Name))
		case seen[x.Name]:
			f = append(f, fmt.Errorf("forests[%d]: there is a forest %q already", i, x.Name))
		}
		seen[x.Name] = true
		f = append(f, x.faults()...)
	}
	if err := c.CheckWays(); err != nil {
		f = append(f, err)
	}
	if c.Clash != "" && c.Clash != "value" && c.Clash != "object" {
		f = append(f, fmt.Errorf("clash: %q is neither value nor object", c.Clash))
	}
	if c.Duplicates.Wait < 0 || c.Duplicates.Wait > 100 {
		f = append(f, fmt.Errorf("duplicates: wait: %d is no rank; it is from 0 (nobody waits) to 100", c.Duplicates.Wait))
	}
	if c.Target.Kind != "" && c.Target.Kind != "tenant" {
		f = append(f, fmt.Errorf("target: kind %q is not known; there is tenant", c.Target.Kind))
	}
	if u := c.Target.Uniqueness; u != "" && u != "fail" && u != "quarantine" && u != "none" {
		f = append(f, fmt.Errorf("target: uniqueness %q is neither fail nor quarantine nor none", u))
	}
	return append(append(f, c.Database.faults()...), c.Guard.faults()...)
}

// CheckWays is an error for a Join or Like that there is not.
func (c *Config) CheckWays() error {
	var f []error
	if !validJoin(c.Join) {
		f = append(f, fmt.Errorf("join: %q is not one of mail, sid, none, attribute:NAME", c.Join))
	}
	if c.Like != "" && c.Like != "cloud-provisioning-2020" {
		f = append(f, fmt.Errorf("like: %q is not known; there is cloud-provisioning-2020", c.Like))
	}
	return errors.Join(f...)
}

func validJoin(j string) bool {
	name, isAttr := strings.CutPrefix(j, "attribute:")
	return j == "" || j == "mail" || j == "sid" || j == "none" || isAttr && name != ""
}

func (l Limits) faults() []error {
	var f []error
	known := map[canopy.Regret]bool{canopy.RegretDelete: true, canopy.RegretDisable: true, canopy.RegretMembership: true,
		canopy.RegretEmptied: true, canopy.RegretClear: true, canopy.RegretAnchor: true, canopy.RegretUPN: true, canopy.RegretTakeover: true, canopy.RegretRules: true}
	for name, limit := range l {
		if !known[name] {
			f = append(f, fmt.Errorf("guard: %q is not counted", name))
		}
		if limit.Number < 0 || !(limit.Percent >= 0 && limit.Percent <= 100) { // also what is no number
			f = append(f, fmt.Errorf("guard: %s: number must be 0 or more and percent between 0 and 100", name))
		}
	}
	return f
}

func (x *Forest) faults() []error {
	var f []error
	own := ad.Section{Name: x.Name}
	switch {
	case !x.Agent:
		f = x.Faults()
	case !reflect.DeepEqual(own, x.Section):
		f = append(f, fmt.Errorf("forest %s: with agent: true its servers and its account do not stand here; they belong to the agents' own configuration", x.Name))
	}
	for _, text := range x.Exchange.faults() {
		f = append(f, fmt.Errorf("forest %s: %s", x.Name, text))
	}
	return f
}

// relativeTo makes the files that the configuration names relative to its own place.
func (c *Config) relativeTo(dir string) {
	for i := range c.Forests {
		c.Forests[i].RelativeTo(dir)
	}
	if d := c.Database; d != nil && d.PasswordFile != "" && !filepath.IsAbs(d.PasswordFile) {
		d.PasswordFile = filepath.Join(dir, d.PasswordFile)
	}
}

// secret reads an account's password from a file or the environment; "" where neither is named.
func secret(account, file, env string) (string, error) {
	switch {
	case file != "":
		text, err := os.ReadFile(file)
		if err != nil {
			return "", &canopy.Error{Kind: canopy.Invalid, Code: "password-file", Object: account, Text: "the password file cannot be read",
				Next: "check password_file in the configuration", Err: err}
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	case env != "":
		p, ok := os.LookupEnv(env)
		if !ok || p == "" {
			return "", &canopy.Error{Kind: canopy.Invalid, Code: "password-env", Object: account,
				Text: "the environment variable " + env + " is not set", Next: "set it to the account's password and try again"}
		}
		return p, nil
	}
	return "", nil
}
