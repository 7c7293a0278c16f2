// Package agent is the process beside a forest: it calls the service, and answers for the forests of its configuration.
// It decides nothing and keeps nothing of what it reads.
package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
)

// ConfigName is the configuration's file name in the agent's directory.
const ConfigName = "agent.yaml"

// Config is agent.yaml. Unknown keys are errors.
type Config struct {
	// Proxy is http://host:port, on the way to the service alone; "": as HTTPS_PROXY and NO_PROXY say.
	Proxy   string       `yaml:"proxy,omitempty"`
	Forests []ad.Section `yaml:"forests"`
}

// LoadConfig reads a configuration file and says everything that is wrong with it.
func LoadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "config-missing", Object: path, Text: "there is no configuration",
			Next: "write one that names the forests that this agent is to serve (docs/agents.md)"}
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "config-invalid", Object: path, Text: err.Error(), Next: "correct the file and try again"}
	}
	for i := range c.Forests {
		c.Forests[i].RelativeTo(filepath.Dir(path))
	}
	return c, nil
}

func parseConfig(text []byte) (*Config, error) {
	var c Config
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var f []error
	if len(c.Forests) == 0 {
		f = append(f, errors.New("forests: at least one forest is needed"))
	}
	seen := map[canopy.ConnectorID]bool{}
	for i := range c.Forests {
		x := &c.Forests[i]
		switch {
		case x.Name == "":
			f = append(f, fmt.Errorf("forests[%d]: name is missing: it is the forest's name in the service's configuration", i))
		case seen[x.Name]:
			f = append(f, fmt.Errorf("forests[%d]: there is a forest %q already", i, x.Name))
		}
		seen[x.Name] = true
		f = append(f, x.Faults()...)
	}
	if _, err := c.proxy(); err != nil {
		f = append(f, err)
	}
	return &c, errors.Join(f...)
}

// proxy finds the way to the service.
func (c *Config) proxy() (func(*http.Request) (*url.URL, error), error) {
	if c.Proxy == "" {
		return http.ProxyFromEnvironment, nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("proxy: %q is not the address of a proxy, such as http://proxy.contoso.com:3128", c.Proxy)
	}
	if u.User != nil {
		return nil, errors.New("proxy: a password must not stand in this file; set HTTPS_PROXY in the service's environment file instead, and leave proxy out")
	}
	return http.ProxyURL(u), nil
}
