package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/link"
)

// Options say where the agent has its files, and what it is.
type Options struct {
	Dir     string // the agent's directory: its identity, and agent.yaml unless Config says otherwise
	Config  string
	Version string // of the product
	Clock   func() time.Time
	Log     *slog.Logger
	Pulse   link.Pulse
	// Pause is the first pause before the service is called again, and Longest the longest; 0: 1 s and 30 s.
	Pause, Longest time.Duration
	// Look is how often it is looked whether the certificate is to be renewed; 0: 1 min.
	Look time.Duration
}

func (o *Options) complete() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Config == "" {
		o.Config = filepath.Join(o.Dir, ConfigName)
	}
	for d, v := range map[*time.Duration]time.Duration{&o.Pause: time.Second, &o.Longest: 30 * time.Second, &o.Look: time.Minute} {
		if *d <= 0 {
			*d = v
		}
	}
}

// Enrol makes a key, has the service give a certificate for it, and keeps both. An agent that is enrolled already stays
// so unless again is set.
func Enrol(ctx context.Context, o Options, service, token string, again bool) (string, error) {
	o.complete()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return "", fmt.Errorf("make the agent's directory: %w", err)
	}
	if old, err := loadIdentity(o.Dir); !again && canopy.KindOf(err) != canopy.NotFound {
		e := &canopy.Error{Kind: canopy.Conflict, Code: "enrolled", Object: o.Dir, Text: "this agent is enrolled already", Err: err,
			Next: "if it is to get another identity, say --again"}
		if old != nil {
			e.Other = old.Agent + " at " + old.Service
		}
		return "", e
	}
	proxy, err := proxyOf(o.Config)
	if err != nil {
		return "", err
	}
	key, err := link.NewKey()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	s := link.Service{URL: service, Proxy: proxy, Clock: o.Clock}
	made, err := s.Enrol(ctx, token, hostname(), o.Version, key)
	if err != nil {
		return "", err
	}
	id, err := newIdentity(service, made, key)
	if err != nil {
		return "", err
	}
	return made.Agent, id.save(o.Dir)
}

// proxyOf is the way that the configuration names, or the environment where there is no configuration yet.
func proxyOf(config string) (func(*http.Request) (*url.URL, error), error) {
	c, err := LoadConfig(config)
	if canopy.KindOf(err) == canopy.NotFound {
		return http.ProxyFromEnvironment, nil
	}
	if err != nil {
		return nil, err
	}
	return c.proxy()
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// Agent is an agent that is enrolled and configured. Close it.
type Agent struct {
	Options
	forests []*ad.Conn
	end     link.End
	service link.Service

	mu sync.Mutex
	id *identity
}

// Open reads what the agent has. Nothing is contacted.
func Open(o Options) (*Agent, error) {
	o.complete()
	cfg, err := LoadConfig(o.Config)
	if err != nil {
		return nil, err
	}
	a := &Agent{Options: o}
	if a.id, err = loadIdentity(o.Dir); err != nil {
		return nil, err
	}
	a.service = link.Service{URL: a.id.Service, Clock: o.Clock}
	if a.service.Proxy, err = cfg.proxy(); err != nil {
		return nil, err
	}
	a.end = link.End{About: a.about, Clock: o.Clock, Connectors: map[canopy.ConnectorID]canopy.Connector{}}
	for i := range cfg.Forests {
		c, err := cfg.Forests[i].Open(o.Clock)
		if err != nil {
			return nil, errors.Join(err, a.Close())
		}
		a.forests = append(a.forests, c)
		a.end.Connectors[cfg.Forests[i].Name] = c
	}
	return a, nil
}

// Close ends the connections to the forests.
func (a *Agent) Close() error {
	var errs []error
	for _, c := range a.forests {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (a *Agent) about() link.About {
	about := link.About{Version: a.Version, Host: hostname()}
	for _, c := range a.forests {
		about.Forests = append(about.Forests, link.Serving{Forest: c.Name(), Reached: c.Reached()})
	}
	return about
}

func (a *Agent) identity() *identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.id
}

// Run serves until ctx ends. It calls the service again whenever the connection ends.
func (a *Agent) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	busy.Go(func() { a.renewals(ctx) })
	pause := a.Pause
	for {
		began := time.Now()
		err := a.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			a.Log.Warn("the service cannot be reached", "error", err, "next", next(err))
		} else {
			a.Log.Warn("the connection to the service ended")
		}
		if time.Since(began) > time.Minute {
			pause = a.Pause // it had worked
		}
		t := time.NewTimer(pause + time.Duration(rand.Int64N(int64(pause)/4+1))) // not all at the same time
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
		pause = min(2*pause, a.Longest)
	}
}

func next(err error) string {
	var e *canopy.Error
	if errors.As(err, &e) {
		return e.Next
	}
	return ""
}

// once makes one connection and answers on it until it ends.
func (a *Agent) once(ctx context.Context) error {
	key, err := a.identity().key()
	if err != nil {
		return err
	}
	conn, err := a.service.Connect(ctx, key)
	if err != nil {
		return err
	}
	a.Log.Info("connected to the service", "service", a.service.URL, "agent", a.identity().Agent)
	a.end.Serve(ctx, conn, a.Pulse)
	return nil
}

// renewals renews the certificate in time.
func (a *Agent) renewals(ctx context.Context) {
	tick := time.NewTicker(a.Look)
	defer tick.Stop()
	for {
		if err := a.renew(ctx); err != nil && ctx.Err() == nil {
			a.Log.Warn("the certificate cannot be renewed", "error", err, "next", next(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// renew gets a certificate for a new key when the old one's time has come.
func (a *Agent) renew(ctx context.Context) error {
	old := a.identity()
	key, err := old.key()
	if err != nil {
		return err
	}
	from, to, err := key.Until()
	if err != nil || a.Clock().Before(due(from, to)) {
		return err
	}
	fresh, err := link.NewKey()
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	made, err := a.service.Renew(ctx, key, hostname(), a.Version, fresh)
	if err != nil {
		return err
	}
	id, err := newIdentity(old.Service, made, fresh)
	if err != nil {
		return err
	}
	if err := id.save(a.Dir); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id = id
	a.Log.Info("certificate renewed", "agent", id.Agent)
	return nil
}

// Check tries the service and every forest, and tells what is in order and what is missing.
func (a *Agent) Check(ctx context.Context) ([]canopy.Finding, error) {
	all := []canopy.Finding{a.checkService(ctx)}
	for _, c := range a.forests {
		found, err := c.Check(ctx)
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		all = append(all, found...)
		if err != nil {
			all = append(all, finding(err, string(c.Name())))
		}
	}
	return all, nil
}

func finding(err error, object string) canopy.Finding {
	f := canopy.Finding{Code: "check", Severity: canopy.Severe, Object: object, Text: err.Error(), Next: next(err)}
	var e *canopy.Error
	if errors.As(err, &e) && e.Code != "" {
		f.Code = e.Code
	}
	return f
}

func (a *Agent) checkService(ctx context.Context) canopy.Finding {
	key, err := a.identity().key()
	var to time.Time
	if err == nil {
		_, to, err = key.Until()
	}
	if err == nil {
		err = a.service.Probe(ctx, key)
	}
	if err != nil {
		return finding(err, a.service.URL)
	}
	return canopy.Finding{Code: "service", Severity: canopy.Info, Object: a.service.URL,
		Text: fmt.Sprintf("the service takes this agent (%s); its certificate is good until %s", a.identity().Agent, to.UTC().Format(time.RFC3339))}
}
