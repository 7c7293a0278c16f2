// Command bench measures the product beside its floors and aims: first reads from a real domain controller and from the
// forest in memory, runs in which little or nothing changed, and the memory that they need. It is no test: what is not
// reached is said, and the profiles show why.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// size is how much is measured.
type size struct {
	Name    string `json:"name"`
	Samba   int    `json:"samba"`   // people in the real directory
	Rounds  int    `json:"rounds"`  // first reads of it
	Small   int    `json:"small"`   // people in the small forest
	Large   int    `json:"large"`   // and in the large one
	Members int    `json:"members"` // links of the large group
	Repeats int    `json:"repeats"` // of each short run
}

// sizes are those that SIZE may name.
func sizes() []size {
	return []size{
		{Name: "quick", Samba: 1000, Rounds: 1, Small: 1000, Large: 5000, Members: 5000, Repeats: 5},
		{Name: "full", Samba: 10_000, Rounds: 3, Small: 10_000, Large: 50_000, Members: 250_000, Repeats: 15},
	}
}

// options are the program's.
type options struct {
	size
	json    bool
	profile string
	only    string
	cache   int
}

func start(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == childFlag {
		return serve(ctx, args[1], os.Stdin, os.Stdout)
	}
	o := options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	name := f.String("size", orDefault(os.Getenv("SIZE"), "full"), "quick or full; the environment's SIZE says the default")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of tables")
	f.StringVar(&o.profile, "profile", "", "write profiles of each stage, of CPU and heap, into this directory")
	f.StringVar(&o.only, "only", "", "parts to measure, with commas between: samba, forest, member")
	f.IntVar(&o.cache, "cache", 4, "MiB of the store's cache")
	members := f.Int("members", 0, "links of the large group, instead of the size's")
	people := f.Int("people", 0, "people in the large forest, instead of the size's")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := o.choose(*name); err != nil {
		return err
	}
	if *members > 0 {
		o.Members = *members
	}
	if *people > 0 {
		o.Large = *people
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return fmt.Errorf("make the directory for profiles: %w", err)
		}
	}
	return measure(ctx, o)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (o *options) choose(name string) error {
	for _, s := range sizes() {
		if s.Name == name {
			o.size = s
			return nil
		}
	}
	return fmt.Errorf("there is no size %q: quick or full", name)
}

func (o *options) wants(part string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+part+",")
}

// measure measures everything and prints it, also what came before an error.
func measure(ctx context.Context, o options) error {
	r := &result{Size: o.size, CPUs: cpus(), Load: []string{load()}}
	progress := io.Writer(os.Stderr)
	var errs []error
	for _, part := range []struct {
		name string
		do   func(context.Context, *options, *result, io.Writer) error
	}{{"samba", measureSamba}, {"forest", measureForest}, {"member", measureMember}} {
		if !o.wants(part.name) {
			continue
		}
		if err := part.do(ctx, &o, r, progress); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	r.Load = append(r.Load, load())
	if o.json {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		errs = append(errs, out.Encode(r))
	} else {
		r.print(os.Stdout)
	}
	return errors.Join(errs...)
}
