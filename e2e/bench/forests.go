package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// measureForest reads a small and a large forest in memory, lets nothing and then a little change, and compares.
func measureForest(ctx context.Context, o *options, r *result, progress io.Writer) error {
	var peaks, idles []float64
	for _, people := range []int{o.Small, o.Large} {
		fmt.Fprintf(progress, "filling a forest with %d people\n", people)
		peak, idle, err := oneForest(ctx, o, r, progress, people)
		if err != nil {
			return fmt.Errorf("%d people: %w", people, err)
		}
		peaks, idles = append(peaks, peak), append(idles, idle)
	}
	r.below(fmt.Sprintf("peak memory at %d people", o.Large), peaks[1], "MB", 200)
	r.below(fmt.Sprintf("peak memory at %d : at %d people", o.Large, o.Small), peaks[1]/peaks[0], "x", 1.2)
	r.tell(fmt.Sprintf("nothing changed at %d : at %d people", o.Large, o.Small), idles[1]/idles[0], "x")
	return nil
}

func oneForest(ctx context.Context, o *options, r *result, progress io.Writer, people int) (peakMB, idle float64, err error) {
	f, served, err := openForest(ctx, order{People: people})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	p, err := openProduct(ctx, o, served.source())
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	fmt.Fprintf(progress, "first cycle\n")
	name := fmt.Sprintf("forest-%d", people)
	c, err := p.cycle(order{Rows: true, Profile: o.profileOf(name)})
	if err != nil {
		return 0, 0, err
	}
	part := r.add(fmt.Sprintf("first cycle from a forest in memory, %d people", people), c.Read, c, fmt.Sprintf("store's cache %d MiB", o.cache))
	r.above(fmt.Sprintf("import of %d people", people), float64(c.Read)/c.stage(stageImport).Seconds, "objects/s", 15_000)
	r.tell(fmt.Sprintf("first cycle of %d people", people), float64(c.Read)/c.Seconds, "objects/s")
	if err := quiet(p.child); err != nil {
		return 0, 0, err
	}
	fmt.Fprintf(progress, "nothing changed, %d times\n", o.Repeats)
	if idle, err = nothing(o, r, f, p, name, people); err != nil {
		return 0, 0, err
	}
	fmt.Fprintf(progress, "1 %% changed\n")
	return part.PeakMB, idle, changed(o, r, f, p, name, served.People)
}

// nothing measures runs in which nothing changed, without the server's time.
func nothing(o *options, r *result, f *child, p *opened, name string, people int) (float64, error) {
	var own, all []float64
	var last *cycle
	for i := range o.Repeats {
		what := order{}
		if i == o.Repeats-1 {
			what.Profile = o.profileOf(name + "-nothing")
		}
		c, server, err := beside(f, p, what)
		if err != nil {
			return 0, err
		}
		if c.Planned+c.Written > 0 {
			return 0, fmt.Errorf("%d writes were planned though nothing changed", c.Planned)
		}
		if last = c; what.Profile == "" {
			own, all = append(own, 1000*(c.Seconds-server)), append(all, 1000*c.Seconds)
		}
	}
	r.add(fmt.Sprintf("nothing changed, %d people", people), 0, last, "the last of them")
	r.below(fmt.Sprintf("nothing changed, %d people, without the server's time", people), median(own), "ms", 50)
	r.tell(fmt.Sprintf("nothing changed, %d people, with it", people), median(all), "ms")
	return median(own), nil
}

// beside runs a cycle and tells how much CPU the forest needed meanwhile.
func beside(f *child, p *opened, what order) (c *cycle, server float64, err error) {
	before, err := f.ask(order{Do: "cpu"})
	if err != nil {
		return nil, 0, err
	}
	if c, err = p.cycle(what); err != nil {
		return nil, 0, err
	}
	after, err := f.ask(order{Do: "cpu"})
	return c, after.Seconds - before.Seconds, err
}

// changed measures a run after one in a hundred people changed.
func changed(o *options, r *result, f *child, p *opened, name string, people int) error {
	n := people / 100
	if _, err := f.ask(order{Do: "touch", Count: n}); err != nil {
		return err
	}
	c, err := p.cycle(order{Profile: o.profileOf(name + "-changed")})
	if err != nil {
		return err
	}
	if c.Written != n {
		return fmt.Errorf("%d people changed, and %d objects were written", n, c.Written)
	}
	r.add(fmt.Sprintf("1 %% changed, %d people", people), n, c, "")
	r.tell(fmt.Sprintf("1 %% changed, %d people", people), 1000*c.Seconds/float64(n), "ms an object")
	return nil
}
