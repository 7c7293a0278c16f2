package canopy_test

import (
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// history are the things that comments do not say: they are wrong after the next change, or known to git.
var history = regexp.MustCompile(`(?i)\blines? [0-9]+\b|\b(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]\b|@author|\bTODO\b|\bFIXME\b|\bXXX\b`)

// layout is Go's reference time, which looks like a date.
const layout = "2006-01-02"

func TestCommentsHaveNoHistory(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			text := strings.ReplaceAll(group.Text(), layout, "")
			if hit := history.FindString(text); hit != "" {
				t.Errorf("%s: a comment says %q", s.fset.Position(group.Pos()), hit)
			}
		}
	}
}

// TestStateIsPassed: package variables do not change, and nothing happens by being imported.
func TestStateIsPassed(t *testing.T) {
	t.Parallel()
	files := sources(t)
	vars := map[string]map[string]bool{}
	for _, s := range files {
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || s.test {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if name.Name == "_" {
						continue
					}
					if vars[s.dir] == nil {
						vars[s.dir] = map[string]bool{}
					}
					vars[s.dir][name.Name] = true
				}
			}
		}
	}
	for _, s := range files {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.path)
			}
			own := names(f)
			for _, target := range assigned(f) {
				if vars[s.dir][target.Name] && !own[target.Name] {
					t.Errorf("%s: the package variable %s is changed", s.fset.Position(target.Pos()), target.Name)
				}
			}
		}
	}
}

// names are all names that a function declares anywhere within: a hit on one of them is not looked at.
func names(f *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	add := func(e ast.Expr) {
		if i, ok := e.(*ast.Ident); ok {
			own[i.Name] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					add(e)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key)
				add(n.Value)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		}
		return true
	})
	return own
}

// assigned are the variables that a function sets, in whole or in part.
func assigned(f *ast.FuncDecl) []*ast.Ident {
	var list []*ast.Ident
	root := func(e ast.Expr) {
		for e != nil {
			switch x := e.(type) {
			case *ast.Ident:
				list = append(list, x)
				return
			case *ast.SelectorExpr:
				e = x.X
			case *ast.IndexExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			default:
				return
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					root(e)
				}
			}
		case *ast.IncDecStmt:
			root(n.X)
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "delete" || fn.Name == "clear") && len(n.Args) > 0 {
				root(n.Args[0])
			}
		}
		return true
	})
	return list
}

// TestNoRegistryHosts: where packages come from is the builder's setting, not the project's.
func TestNoRegistryHosts(t *testing.T) {
	t.Parallel()
	hosts := []string{"proxy." + "golang.org", "sum." + "golang.org", "registry." + "npmjs", "npmjs" + ".com", "deb." + "debian.org",
		"archive." + "ubuntu.com", "pypi" + ".org", "pypi." + "python", "crates" + ".io", "GO" + "PROXY="}
	for _, p := range tracked(t) {
		text, err := os.ReadFile(p)
		if err != nil {
			continue // deleted, and not committed yet
		}
		for _, h := range hosts {
			if strings.Contains(string(text), h) {
				t.Errorf("%s names %s", p, h)
			}
		}
	}
}

// tracked are the files that are or will be committed; without git all files.
func tracked(t *testing.T) []string {
	t.Helper()
	var list []string
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		walk(t, func(p string) { list = append(list, p) })
		return list
	}
	for _, p := range strings.Fields(string(out)) {
		if ext := path.Ext(p); ext != ".png" && ext != ".zst" {
			list = append(list, p)
		}
	}
	return list
}

// TestChangelog: every change is a file of its own, named for what it changes, and says it in one line or a few.
func TestChangelog(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("changelog/unreleased")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^(added|changed|fixed|removed|security): \S`)
	for _, f := range files {
		text, err := os.ReadFile("changelog/unreleased/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f.Name(), ".md") || !form.Match(text) {
			t.Errorf("changelog/unreleased/%s: want a .md file that begins with added, changed, fixed, removed or security, a colon and the change", f.Name())
		}
	}
}
