package canopy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// list runs go list and gives its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestLibcFitsSQLite: modernc.org/sqlite is generated for one version of its libc, and another one may corrupt data.
func TestLibcFitsSQLite(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(list(t, "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")[0])
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindStringSubmatch(string(mod))
	if want == nil {
		t.Fatal("sqlite's go.mod names no libc")
	}
	if got := list(t, "-m", "-f", "{{.Version}}", "modernc.org/libc")[0]; got != want[1] {
		t.Errorf("modernc.org/libc is %s, and sqlite wants %s", got, want[1])
	}
}

// licences are those that may be linked, each with a phrase that only it has.
var licences = []struct{ name, phrase string }{
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD", "Redistribution and use in source and binary forms, with or without modification"},
	{"Apache-2.0", "Apache License Version 2.0"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"CC0-1.0", "CC0 1.0 Universal"},
}

// unchanged are modules whose licence (MPL-2.0) asks that changes to their own files be published: they are linked as they
// are, and their source is where go.mod says. Each with what needs it.
var unchanged = map[string]string{
	"github.com/hashicorp/go-uuid": "Kerberos, by jcmturner/gokrb5",
}

// TestLicences: every module that is linked here has a licence that lets us give the product away.
func TestLicences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, line := range list(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "./...") {
		name, dir, ok := strings.Cut(line, " ")
		if !ok || seen[name] {
			continue
		}
		seen[name] = true
		if unchanged[name] == "" && licence(t, dir) == "" {
			t.Errorf("%s: none of the licences that may be linked was found in %s", name, dir)
		}
	}
	if len(seen) == 0 {
		t.Error("no module is linked: go list was not understood")
	}
}

// licence names the licence of a module, "" for one that may not be linked.
func licence(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "[LC][IO][CP][EY]*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range files {
		text, err := os.ReadFile(p)
		if err != nil {
			continue // a folder
		}
		flat := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n>", "\n")), " ") // one quotes it
		for _, l := range licences {
			if strings.Contains(flat, l.phrase) {
				return l.name
			}
		}
	}
	return ""
}

// TestModulesArePinned: the product and its tools name exact versions, and nothing is replaced.
func TestModulesArePinned(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"go.mod", "tools/go.mod", "e2e/clients/azure/go.mod"} {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "replace ") {
			t.Errorf("%s replaces a module", p)
		}
	}
}

// TestAgentHasNothingOfTheService: what runs beside a forest holds neither engine nor store, tenant nor database.
func TestAgentHasNothingOfTheService(t *testing.T) {
	t.Parallel()
	may := []string{".", "expr", "rule", "ad", "link", "agent", "cmd"}
	for _, dep := range list(t, "-deps", "./cmd/canopy-agent") {
		room, ours := roomOf(dep)
		if ours && !slices.Contains(may, room) || strings.Contains(dep, "sqlite") || strings.HasSuffix(dep, "cobra/doc") {
			t.Errorf("cmd/canopy-agent holds %s", dep)
		}
	}
}
