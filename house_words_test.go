package canopy_test

import (
	"errors"
	"go/ast"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// more are the nouns that tables and commands may have besides the words of doc.go, each with its meaning.
var more = map[string]string{
	"key":        "a name under which entries and metas are found",
	"due":        "what a coming plan has to look at",
	"item":       "one part of a plan",
	"log":        "short for the provisioning log where there is no other",
	"decision":   "what a person decided about a join",
	"lease":      "the right to work on a connector for a while",
	"identity":   "which source anchor an anchor once had",
	"setting":    "a switch of the tenant",
	"object":     "what a directory holds",
	"gone":       "an object that a directory does not hold any more",
	"counter":    "where numbers come from",
	"word":       "a name that recurs, under a number",
	"full":       "a read of everything in scope",
	"read":       "what a connector gives",
	"seen":       "what a full read has shown",
	"stub":       "an object that links name and that has not been read",
	"target":     "a connector that objects are written to",
	"retry":      "what is to be tried again",
	"day":        "where the change feed stood on a day",
	"migration":  "which form the database has",
	"forward":    "a change of the tenant's directory on its way to Exchange",
	"switch":     "what the tenant does or does not do",
	"units":      "how many of a product the tenant has",
	"immutable":  "the source anchor, as Entra calls it",
	"id":         "a name that never changes",
	"conflict":   "an object from which the tenant withholds a value that another one has",
	"attempt":    "a first try of a group at an address that another one has",
	"previous":   "what somebody had before",
	"gal":        "the global address list",
	"domain":     "a name that the tenant has verified",
	"expr":       "an expression of an attribute flow",
	"functions":  "what an expression may call",
	"rule":       "short for sync rule",
	"duplicates": "who is likely the same person as somebody else",
	"lab":        "three forests and a tenant on one machine",
	"canopy":     "the product",
	"completion": "the shell's completions",
	"man":        "the manual pages",
	"connect":    "a Connect Sync server",
	"filter":     "short for scoping filter",
	"operators":  "how a filter compares",
	"match":      "which object of the target an object would meet",
	"app":        "a program that may call the tenant, an app registration",
	"tick":       "which change of the tenant was the last one of a second",
	"onprem":     "the forests' side of what the tenant has",
	"mailboxes":  "who has a mailbox where",
	"hybrid":     "forests and tenant as one Exchange organisation",
	"remote":     "a mailbox that a forest asks the cloud to hold",
	"user":       "a person's object in a directory",
	"group":      "a group in a directory",
	"contact":    "a contact in a directory",
	"token":      "what enrols an agent, once",
}

// verbs are what commands do.
var verbs = []string{"plan", "run", "discover", "explain", "show", "list", "approve", "reject", "join", "release", "separate", "check", "compare",
	"import", "export", "serve", "login", "backup", "restore", "repair", "audit", "add", "remove", "set", "get", "delete", "init",
	"version", "eval", "validate", "lint", "diff", "test", "enable", "disable", "help", "search", "verify", "pin", "parse", "purge", "clear", "route",
	"assign", "reprocess", "convert", "enrol", "revoke", "new", "update", "report", "exclude", "include",
	"start", "complete"}

var wordLine = regexp.MustCompile(`^\t(\S.*?)(?:  |$)`)

// words are the words of doc.go: the left column of its list, also each for itself.
func words(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		hit := wordLine.FindStringSubmatch(strings.TrimPrefix(line, "//"))
		if hit == nil {
			continue
		}
		for _, phrase := range strings.Split(hit[1], ",") {
			phrase = strings.TrimSpace(phrase)
			all[phrase] = true
			for _, w := range strings.Fields(phrase) {
				all[w] = true
			}
		}
	}
	for _, want := range []string{"entry", "sync rule", "mailbox", "held back"} {
		if !all[want] {
			t.Fatalf("doc.go's list of words was not understood: no %q in it", want)
		}
	}
	return all
}

var tableName = regexp.MustCompile(`(?i)CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([a-z_]+)"?\s*\(`)

// TestTablesAreWords: a table is called by a word of doc.go, or by several of them.
func TestTablesAreWords(t *testing.T) {
	t.Parallel()
	known := words(t)
	walk(t, func(p string) {
		room, _, _ := strings.Cut(p, "/")
		if ext := path.Ext(p); !slices.Contains([]string{"store", "tenant", "auth"}, room) || ext != ".sql" && ext != ".go" ||
			strings.HasSuffix(p, "_test.go") {
			return
		}
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, hit := range tableName.FindAllStringSubmatch(string(text), -1) {
			for _, w := range strings.Split(hit[1], "_") {
				if !known[w] && more[w] == "" {
					t.Errorf("%s: the table %s: %q is no word of doc.go", p, hit[1], w)
				}
			}
		}
	})
}

// TestCommandsAreWords: a command is called by a word of doc.go, or by a verb.
func TestCommandsAreWords(t *testing.T) {
	t.Parallel()
	known := words(t)
	for _, s := range sources(t) {
		if s.test || s.room != "cmd" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isKey := kv.Key.(*ast.Ident)
			use, isText := kv.Value.(*ast.BasicLit)
			if !isKey || !isText || key.Name != "Use" {
				return true
			}
			name, _, _ := strings.Cut(strings.Trim(use.Value, "`\""), " ")
			for _, w := range strings.Split(name, "-") {
				if !known[w] && more[w] == "" && !slices.Contains(verbs, w) {
					t.Errorf("%s: the command %s: %q is no word of doc.go and no verb", s.fset.Position(use.Pos()), name, w)
				}
			}
			return true
		})
	}
}

// TestDocumentsAreThere: what the documents link to exists.
func TestDocumentsAreThere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	walk(t, func(p string) {
		if path.Ext(p) != ".md" {
			return
		}
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, hit := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(path.Join(path.Dir(p), hit[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", p, hit[1])
			}
		}
	})
}

// TestPromisesHaveProof: each row of the table of promises names, in backquotes, a scenario file or a test, and all
// that it names are there.
func TestPromisesHaveProof(t *testing.T) {
	t.Parallel()
	const table = "docs/scenarios.md"
	text, err := os.ReadFile(table)
	if errors.Is(err, fs.ErrNotExist) {
		t.Logf("there is no %s yet", table)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				tests[f.Name.Name] = true
			}
		}
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") || strings.Trim(line, "|-: ") == "" {
			continue
		}
		if rows++; rows == 1 {
			continue // the table's head
		}
		proofs := 0
		for _, hit := range quoted.FindAllStringSubmatch(line, -1) {
			name, _, _ := strings.Cut(hit[1], "/")
			isTest := strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
			isFile := strings.HasSuffix(hit[1], ".txtar") || strings.HasSuffix(hit[1], "_test.go")
			switch {
			case isTest && !tests[name]:
				t.Errorf("%s: there is no test %s: %s", table, name, line)
			case isFile:
				if _, err := os.Stat(hit[1]); err != nil {
					t.Errorf("%s: there is no file %s: %s", table, hit[1], line)
				}
			}
			if isTest || isFile {
				proofs++
			}
		}
		if proofs == 0 {
			t.Errorf("%s: a promise without a scenario or test: %s", table, line)
		}
	}
}
