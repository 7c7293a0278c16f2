package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/canopy-sync/canopy/e2e/samba"
)

// measureSamba reads a real domain controller, with ldapsearch and with the product in turn.
func measureSamba(ctx context.Context, o *options, r *result, progress io.Writer) (err error) {
	if missing := samba.Available(); len(missing) > 0 {
		text := "a real domain controller; missing: " + strings.Join(missing, ", ")
		if os.Getenv("CI") == "true" {
			return errors.New(text)
		}
		r.LeftOut = append(r.LeftOut, text)
		return nil
	}
	dir, err := os.MkdirTemp("", "canopy-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintf(progress, "loading %d people into a Samba domain controller\n", o.Samba)
	dc, as, err := startSamba(ctx, o.Samba)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dc.Close()) }()
	f, err := newFloor(ctx, dc, as, dir)
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(dc.CA())
	if err != nil {
		return err
	}
	s := source{url: dc.URL(), ca: string(ca), account: as.UPN, password: as.Password}
	var floors, imports, cycles []float64
	var best *cycle
	for round := range o.Rounds {
		fmt.Fprintf(progress, "round %d of %d\n", round+1, o.Rounds)
		low, err := f.measure(ctx)
		if err != nil {
			return err
		}
		c, err := first(ctx, o, s, order{Rows: round == 0, Profile: o.profileOf("samba")})
		if err != nil {
			return err
		}
		floors, imports, cycles = append(floors, low.Seconds), append(imports, c.stage(stageImport).Seconds), append(cycles, c.Seconds)
		if round == 0 {
			best = c
			r.Parts = append(r.Parts, &part{Name: "ldapsearch -E '!dirSync=0/0' from Samba", Objects: f.Objects, Seconds: low.Seconds, CPU: low.CPU, Stages: []stage{low}})
		}
	}
	r.add(fmt.Sprintf("first cycle from Samba, %d people", o.Samba), best.Read, best, "the first round")
	r.below("import from Samba : ldapsearch", median(imports)/median(floors), "x", 1.25)
	r.below("first cycle from Samba : ldapsearch", median(cycles)/median(floors), "x", 2)
	return nil
}

// first runs the first cycle of a new state directory.
func first(ctx context.Context, o *options, s source, what order) (_ *cycle, err error) {
	p, err := openProduct(ctx, o, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	return p.cycle(what)
}

// startSamba starts a controller with the lab's people.
func startSamba(ctx context.Context, people int) (*samba.DC, samba.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	d := contoso(people)
	dc, err := samba.Start(ctx, samba.Options{Domain: d.Name, Netbios: d.Netbios, SID: d.SID, IP: samba.NetBench.IP(2), Exchange: true})
	if err != nil {
		return nil, samba.Account{}, err
	}
	var objects []samba.Object
	for _, x := range d.Objects {
		objects = append(objects, samba.Object{DN: x.DN, Attrs: x.Attrs, GUID: x.GUID, SID: x.SID})
	}
	var links []samba.Link
	for _, x := range d.Links {
		links = append(links, samba.Link(x))
	}
	var as samba.Account
	if _, err = dc.Load(ctx, objects, links); err == nil {
		as, err = dc.AddService(ctx, "svc-canopy", "Reads-only-1", samba.Reader)
	}
	if err != nil {
		return nil, as, errors.Join(err, dc.Close())
	}
	return dc, as, nil
}
