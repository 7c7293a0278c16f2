package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
)

// Account is the account that the lab reads and changes its forests with.
const (
	Account  = "canopy"
	password = "Lab-only-0-secret"
)

// Options say which lab is started.
type Options struct {
	Dir    string // the state directory
	People int
	Seed   uint64
	Join   string // see run.Config
	Like   string // see run.Config
	Clock  func() time.Time
}

// Lab is three running forests and the configuration that names them.
type Lab struct {
	Options
	Forests []*Forest
	Config  *run.Config
}

// Forest is one running forest of the lab.
type Forest struct {
	Directory Counted
	Server    *forest.Server
}

// Counted is what was put into a forest.
type Counted struct {
	Name     string `json:"name"`
	Objects  int    `json:"objects"`
	People   int    `json:"people"`
	Groups   int    `json:"groups"`
	Contacts int    `json:"contacts"`
}

// Start makes the forests, fills them, and writes canopy.yaml, the forests' certificates and lab.json into the state
// directory. The caller stops it.
//
// A state directory with a configuration that no lab wrote is refused, and left as it is.
func Start(ctx context.Context, o Options) (*Lab, error) {
	if err := refuse(o.Dir); err != nil {
		return nil, err
	}
	l := &Lab{Options: o, Config: &run.Config{Join: o.Join, Like: o.Like, Target: run.Target{
		Kind: "tenant", Initial: "canopylab.onmicrosoft.com", Domains: nil}}}
	for _, d := range Generate(Population{Seed: o.Seed, People: o.People}) {
		f, err := o.start(ctx, &d)
		if err != nil {
			l.Stop()
			return nil, fmt.Errorf("start %s: %w", d.Name, err)
		}
		l.Forests = append(l.Forests, f)
		l.Config.Target.Domains = append(l.Config.Target.Domains, d.Domain)
		if err := l.configure(&d, f); err != nil {
			l.Stop()
			return nil, err
		}
	}
	if err := l.write(); err != nil {
		l.Stop()
		return nil, err
	}
	return l, nil
}

// written begins the first line of a configuration that a lab may overwrite.
const written = "# Written by canopy lab"

// refuse is an error when the state directory is somebody's own: the lab overwrites configuration, store and tenant.
func refuse(dir string) error {
	path := filepath.Join(dir, run.ConfigName)
	text, err := os.ReadFile(path)
	switch {
	case err == nil && strings.HasPrefix(string(text), written):
		return nil
	case err == nil:
		return notOurs(path, "this configuration was not written by the lab, which would overwrite it")
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("read the configuration: %w", err)
	}
	for _, name := range []string{run.StoreName, run.TenantName} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return notOurs(path, "this was not made by a lab, which would write into it")
		}
	}
	return nil
}

func notOurs(path, text string) error {
	return &canopy.Error{Kind: canopy.Conflict, Code: "not-a-lab", Object: path, Text: text,
		Next: "give the lab a directory of its own: canopy lab --dir DIR, with CANOPY_DIR unset or set to another"}
}

func (o *Options) start(ctx context.Context, d *Directory) (*Forest, error) {
	s, err := forest.Start(ctx, forest.Options{Domain: d.Name, Netbios: d.Netbios, Seed: o.Seed, Clock: o.Clock, Exchange: true})
	if err != nil {
		return nil, err
	}
	f := &Forest{Server: s, Directory: Counted{Name: d.Name}}
	if err := errors.Join(f.admit(d), f.fill(d)); err != nil {
		s.Close()
		return nil, err
	}
	return f, nil
}

// admit makes the account that reads the forest, in a container of its own that is out of scope.
func (f *Forest) admit(d *Directory) error {
	if err := f.Server.Add(outside(d), map[string][]string{"objectClass": {"top", "organizationalUnit"}}); err != nil {
		return err
	}
	err := f.Server.Add("CN="+Account+","+outside(d), map[string][]string{"objectClass": {"top", "person", "organizationalPerson", "user"},
		"sAMAccountName": {Account}, "userAccountControl": {"512"}})
	if err != nil {
		return err
	}
	return f.Server.AddAccount(forest.Account{Name: Account, Password: password, Rights: forest.Rights{Replicate: true, Write: true, Deleted: true}})
}

// outside is the container that the lab keeps out of scope.
func outside(d *Directory) string { return "OU=Canopy," + d.Base() }

// fill puts a directory into the forest's memory.
func (f *Forest) fill(d *Directory) error {
	for i := range d.Objects {
		o := &d.Objects[i]
		attrs := maps.Clone(o.Attrs)
		attrs["objectGUID"] = []string{o.GUID}
		if o.SID != "" {
			attrs["objectSid"] = []string{o.SID}
		}
		if err := f.Server.Add(o.DN, attrs); err != nil {
			if canopy.KindOf(err) == canopy.Conflict { // the forest has it from birth
				continue
			}
			return err
		}
		f.count(o)
	}
	return f.links(d.Links)
}

func (f *Forest) count(o *Object) {
	f.Directory.Objects++
	switch {
	case o.Person():
		f.Directory.People++
	case o.Class() == "group":
		f.Directory.Groups++
	case o.Class() == "contact":
		f.Directory.Contacts++
	}
}

// links sets links, all of one owner and attribute in one modification.
func (f *Forest) links(list []Link) error {
	for len(list) > 0 {
		first := list[0]
		n := 0
		var targets []string
		for n < len(list) && list[n].DN == first.DN && list[n].Attr == first.Attr {
			targets = append(targets, list[n].Target)
			n++
		}
		if err := f.Server.Modify(first.DN, forest.Mod{Op: "add", Attr: first.Attr, Values: targets}); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// configure adds the forest to the configuration that canopy run reads too.
func (l *Lab) configure(d *Directory, f *Forest) error {
	ca := d.Name + ".pem"
	if err := os.WriteFile(filepath.Join(l.Dir, ca), f.Server.CA(), 0o600); err != nil {
		return fmt.Errorf("write the forest's certificate: %w", err)
	}
	l.Config.Forests = append(l.Config.Forests, run.Forest{Scope: run.ScopeByName{Exclude: []string{outside(d)}},
		Section: ad.Section{Name: canopy.ConnectorID(d.Name), Servers: []string{f.Server.URL()}, CA: ca, Write: true,
			Bind: ad.Account{Account: d.Netbios + `\` + Account, PasswordFile: "lab-password"}}})
	return nil
}

// write leaves the lab's files in the state directory.
func (l *Lab) write() error {
	if err := os.WriteFile(filepath.Join(l.Dir, "lab-password"), []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the lab's password: %w", err)
	}
	text, err := yaml.Marshal(l.Config)
	if err != nil {
		return fmt.Errorf("write the lab's configuration: %w", err)
	}
	head := written + " each time it starts: the forests' ports change.\n"
	if err := os.WriteFile(filepath.Join(l.Dir, run.ConfigName), append([]byte(head), text...), 0o600); err != nil {
		return fmt.Errorf("write the lab's configuration: %w", err)
	}
	type server struct {
		Counted
		URL string `json:"url"`
		CA  string `json:"ca"`
	}
	var about []server
	for _, f := range l.Forests {
		about = append(about, server{f.Directory, f.Server.URL(), filepath.Join(l.Dir, f.Directory.Name+".pem")})
	}
	out, err := json.MarshalIndent(map[string]any{"seed": l.Seed, "people": l.People, "account": Account, "forests": about}, "", "  ")
	if err != nil {
		return fmt.Errorf("write lab.json: %w", err)
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "lab.json"), append(out, '\n'), 0o600); err != nil {
		return fmt.Errorf("write lab.json: %w", err)
	}
	return nil
}

// Stop ends the forests.
func (l *Lab) Stop() {
	for _, f := range l.Forests {
		f.Server.Close()
	}
}

// Forest is the forest of that name, nil when there is none.
func (l *Lab) Forest(name string) *Forest {
	for _, f := range l.Forests {
		if strings.EqualFold(f.Directory.Name, name) {
			return f
		}
	}
	return nil
}
