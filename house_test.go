package canopy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/canopy-sync/canopy"

// allowed are the imports that a room's code may have from the other rooms, rung by rung; tests may have any. A child
// folder belongs to its room, unless it has a place of its own. Creating a package means giving it its place here, and a
// sentence of its own.
var allowed = map[string][]string{
	// rung 0
	".":    {},
	"expr": {},
	// rung 1
	"rule":      {".", "expr"},
	"check":     {"."},
	"db":        {"."},
	"recipient": {"."},
	// rung 2: never each other
	"store":                 {".", "db"},
	"auth":                  {".", "db"},
	"ad":                    {"."},
	"forest":                {"."},
	"onprem":                {".", "recipient"},
	"tenant":                {".", "check", "db", "recipient"},
	"tenant/exchange":       {".", "recipient"}, // decides for tenant, which imports it
	"tenant/graphapi":       {"."},
	"tenant/graphapi/odata": {},
	"tenant/twin":           {".", "tenant/exchange", "tenant/graphapi"}, // speaks the door's language from the other side
	"connectortest":         {"."},
	"link":                  {"."},
	// rung 3
	"engine": {".", "expr", "rule", "check"},
	// rung 4
	"run": {".", "expr", "rule", "check", "engine", "db", "store", "ad", "tenant", "recipient", "onprem"},
	// rung 5
	"api":   {".", "expr", "rule", "check", "engine", "store", "auth", "run"},
	"agent": {".", "expr", "rule", "ad", "link"},
	// rung 6: the product builds without it, and without forest
	"lab": {".", "rule", "run", "store", "ad", "forest", "tenant"},
	// rung 7
	"cmd/canopy-agent": {".", "agent", "link"}, // nothing of the service is in it
	"cmd":              {".", "expr", "rule", "check", "recipient", "onprem", "engine", "store", "ad", "forest", "tenant", "auth", "run", "api", "agent", "link", "lab"},
	// beside the ladder: what is tested end to end is not asked for help, but what is measured is run
	"e2e":       {".", "forest"},
	"e2e/bench": {".", "run", "ad", "forest", "lab"},
}

// bare are the rooms that may use no module but the standard library, and those that may use the ones named.
var bare = map[string][]string{
	".": {}, "recipient": {}, "onprem": {}, "expr": {"github.com/dlclark/regexp2/v2"}, "check": {}, "engine": {"github.com/zeebo/xxh3"}, "rule": {"go.yaml.in/yaml/v3", "github.com/zeebo/xxh3"},
}

// pure are the rooms that decide: they have no clock, no randomness, no files, no network, and log nothing.
var pure = []string{".", "expr", "rule", "check", "recipient", "onprem", "engine", "tenant/exchange"}

var impureImports = []string{"os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "syscall", "unsafe", "plugin"}

// harmless packages below impure ones only take texts apart.
var harmless = []string{"net/mail", "net/netip", "net/url"}

var impureNames = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// source is one Go file of the module.
type source struct {
	path, dir, room string
	test            bool
	lines           int
	file            *ast.File
	fset            *token.FileSet
}

// sources parses every Go file of the module.
func sources(t *testing.T) []*source {
	t.Helper()
	var list []*source
	walk(t, func(p string) {
		if path.Ext(p) != ".go" {
			return
		}
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(p)
		room, _, _ := strings.Cut(dir, "/")
		list = append(list, &source{path: p, dir: dir, room: room, test: strings.HasSuffix(p, "_test.go"),
			lines: strings.Count(string(text), "\n"), file: f, fset: fset})
	})
	if len(list) < 10 {
		t.Fatalf("only %d Go files were found: is the test run in the module's root?", len(list))
	}
	return list
}

// walk gives every file of the module by its slashed path; what begins with a dot is no part of it, nor are modules within.
func walk(t *testing.T, each func(p string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || p == "bin" || d.Name() == "node_modules" || exists(filepath.Join(p, "go.mod"))):
			return fs.SkipDir
		case !d.IsDir():
			each(filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// imports are the paths that a file imports.
func (s *source) imports() []string {
	var list []string
	for _, i := range s.file.Imports {
		list = append(list, strings.Trim(i.Path.Value, `"`))
	}
	return list
}

// roomOf is the room of an import path, false for what is not ours.
func roomOf(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	rest, ours := strings.CutPrefix(imported, module+"/")
	room, _, _ := strings.Cut(rest, "/")
	return room, ours
}

func TestLadder(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		may, known := allowed[s.dir]
		if !known {
			may, known = allowed[s.room]
		}
		if !known {
			t.Errorf("%s: the room %s has no rung; give it one in house_test.go", s.path, s.room)
			continue
		}
		if s.test {
			continue
		}
		for _, i := range s.imports() {
			if room, ours := roomOf(i); ours {
				if room != s.room && !slices.Contains(may, room) {
					t.Errorf("%s: imports %s; %s may import %v", s.path, room, s.room, may)
				}
				continue
			}
			outside := strings.Contains(strings.SplitN(i, "/", 2)[0], ".")
			if only, limited := bare[s.room]; limited && outside && !slices.Contains(only, i) {
				t.Errorf("%s: imports %s; besides the standard library %s may import %v", s.path, i, s.room, only)
			}
		}
	}
}

// TestOneWay: between a room and each of its child folders imports go one way.
func TestOneWay(t *testing.T) {
	t.Parallel()
	down, up := map[string]string{}, map[string]string{}
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			room, ours := roomOf(i)
			switch dir := strings.TrimPrefix(i, module+"/"); {
			case !ours || s.test || room != s.room || room == "." || room == "cmd":
			case s.dir == room && dir != room:
				down[dir] = s.path
			case s.dir != room && dir == room:
				up[s.dir] = s.path
			}
		}
	}
	for dir, p := range down {
		if up[dir] != "" {
			t.Errorf("%s imports the child folder %s, and %s imports the room", p, dir, up[dir])
		}
	}
}

func TestPurity(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure, s.room) && !slices.Contains(pure, s.dir) {
			continue
		}
		for _, i := range s.imports() {
			if slices.ContainsFunc(impureImports, func(bad string) bool { return i == bad || strings.HasPrefix(i, bad+"/") }) &&
				!slices.Contains(harmless, i) {
				t.Errorf("%s: imports %s, and %s decides without it", s.path, i, s.room)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(impureNames, sel.Sel.Name) {
					t.Errorf("%s: time.%s; the time comes in as an argument", s.fset.Position(sel.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestSentences: every package says once what it is for.
func TestSentences(t *testing.T) {
	t.Parallel()
	docs, seen := map[string][]string{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		seen[s.dir] = true
		if s.file.Doc == nil {
			continue
		}
		text := strings.TrimSpace(s.file.Doc.Text())
		docs[s.dir] = append(docs[s.dir], text)
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command " + path.Base(s.dir) + " "
		}
		if s.dir == "." {
			want = "Package canopy "
		}
		if !strings.HasPrefix(text, want) || !strings.Contains(text, ".") {
			t.Errorf("%s: the package comment is no sentence beginning with %q", s.path, want)
		}
	}
	for dir := range seen {
		if len(docs[dir]) != 1 {
			t.Errorf("%s has %d package comments, want one", dir, len(docs[dir]))
		}
	}
}

func TestNoDrawers(t *testing.T) {
	t.Parallel()
	drawers := []string{"internal", "pkg", "util", "utils", "common", "types", "models", "mocks", "service", "services",
		"manager", "helpers", "misc", "lib", "base"}
	for _, s := range sources(t) {
		for _, part := range strings.Split(s.dir, "/") {
			if slices.Contains(drawers, part) {
				t.Errorf("%s: a folder %q says nothing of what is in it", s.path, part)
			}
		}
		if name := strings.TrimSuffix(s.file.Name.Name, "_test"); name != strings.ToLower(name) || strings.Contains(name, "_") {
			t.Errorf("%s: package %s: one short lower-case noun", s.path, name)
		}
	}
}

// TestSizes reports files past 400 lines and functions past 60, and refuses 800 and 120, and more than six methods.
func TestSizes(t *testing.T) {
	t.Parallel()
	var look []string
	report := func(what string, n, soft, hard int) {
		if n > hard {
			t.Errorf("%s has %d lines, more than %d", what, n, hard)
		} else if n > soft {
			look = append(look, fmt.Sprintf("%s: %d", what, n))
		}
	}
	for _, s := range sources(t) {
		report(s.path, s.lines, 400, 800)
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				from, to := s.fset.Position(n.Pos()), s.fset.Position(n.End())
				if !s.test {
					report(s.path+" "+n.Name.Name, to.Line-from.Line+1, 60, 120)
				}
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > 6 {
					t.Errorf("%s: interface %s has %d methods, more than six", s.path, n.Name.Name, i.Methods.NumFields())
				}
			}
			return true
		})
	}
	if len(look) > 0 {
		t.Logf("look at these again:\n%s", strings.Join(look, "\n"))
	}
}
