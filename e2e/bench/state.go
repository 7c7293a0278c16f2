package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/run"
)

// source is a forest that the product is to read.
type source struct {
	url, ca, account, password string
}

// configure makes a state directory whose configuration names one forest. The guard lets everything through.
func configure(dir string, s source) error {
	guard := run.Limits{}
	for _, regret := range []canopy.Regret{canopy.RegretDelete, canopy.RegretDisable, canopy.RegretMembership, canopy.RegretEmptied,
		canopy.RegretClear, canopy.RegretAnchor, canopy.RegretUPN, canopy.RegretTakeover, canopy.RegretRules} {
		guard[regret] = run.Limit{Number: 10_000_000, Percent: 100}
	}
	text, err := yaml.Marshal(run.Config{Guard: guard, Target: run.Target{Kind: "tenant", Initial: "contoso.onmicrosoft.com", Domains: []string{mailDomain}},
		Forests: []run.Forest{{Section: ad.Section{Name: "contoso", Servers: []string{s.url}, CA: "ca.pem", Bind: ad.Account{Account: s.account, PasswordFile: "word"}}}}})
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "ca.pem"), []byte(s.ca), 0o600),
		os.WriteFile(filepath.Join(dir, "word"), []byte(s.password), 0o600), os.WriteFile(filepath.Join(dir, run.ConfigName), text, 0o600))
}

// opened is the product in a process of its own, with a state directory that ends with it.
type opened struct {
	*child
	dir string
}

// openProduct starts the product for a source.
func openProduct(ctx context.Context, o *options, s source) (_ *opened, err error) {
	p := &opened{}
	if p.dir, err = os.MkdirTemp("", "canopy-bench-"); err != nil {
		return nil, err
	}
	if err := configure(p.dir, s); err != nil {
		return nil, errors.Join(err, p.end())
	}
	if p.child, err = spawn(ctx, "product"); err != nil {
		return nil, errors.Join(err, p.end())
	}
	if _, err := p.ask(order{Do: "open", Dir: p.dir, CacheMiB: o.cache}); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

func (p *opened) end() error {
	var err error
	if p.child != nil {
		err = p.stop()
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// cycle runs one cycle.
func (p *opened) cycle(o order) (*cycle, error) {
	o.Do = "cycle"
	a, err := p.ask(o)
	return a.Cycle, err
}

// profileOf is how the names of a part's profiles begin, "" without profiles.
func (o *options) profileOf(part string) string {
	if o.profile == "" {
		return ""
	}
	return filepath.Join(o.profile, part)
}

// openForest starts a forest in a process of its own and fills it.
func openForest(ctx context.Context, o order) (*child, *served, error) {
	c, err := spawn(ctx, "forest")
	if err != nil {
		return nil, nil, err
	}
	o.Do = "fill"
	a, err := c.ask(o)
	if err != nil {
		return nil, nil, errors.Join(err, c.stop())
	}
	return c, a.Forest, nil
}

func (s *served) source() source {
	return source{url: s.URL, ca: s.CA, account: s.Account, password: s.Password}
}
