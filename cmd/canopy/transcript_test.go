package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

var update = flag.Bool("update", false, "rewrite what the transcripts print")

// TestTranscripts types the lines of testdata/transcripts that begin with "$", and compares what is printed. The people are in
// a forest that is read over LDAP, "canopy run" is a whole cycle, and "canopy tenant forward" is how the directory reaches
// Exchange; a line that ends in "> /dev/null" prints counts and times, and must go well. Lines that begin with "@" are what an
// administrator of the forest does besides: @ user NAME GUID DISPLAYNAME.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := playTranscript(t, string(text))
			if *update && got != string(text) {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(text), got); diff != "" {
				t.Errorf("%s (-want +got), rewritten by go test ./cmd/canopy -run TestTranscripts -update:\n%s", path, diff)
			}
		})
	}
}

// stage is where a transcript is played.
type stage struct {
	*ground
	guids []string // of new mailboxes
}

// playTranscript gives the transcript with what was printed in the place of what was expected.
func playTranscript(t *testing.T, text string) string {
	s := newStage(t)
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		case strings.HasPrefix(line, "@ "):
			fmt.Fprintln(&out, line)
			s.forestAct(strings.Fields(line[2:]))
		case strings.HasPrefix(line, "$ canopy "):
			fmt.Fprintln(&out, line)
			words, quiet := strings.CutSuffix(strings.TrimPrefix(line, "$ canopy "), " > /dev/null")
			code, said := s.typed(wordsOf(words))
			switch {
			case quiet && code != exitDone:
				t.Fatalf("%s: exit code %d\n%s", line, code, said)
			case !quiet:
				out.WriteString(said)
				if code != exitDone {
					fmt.Fprintf(&out, "exit code %d\n", code)
				}
			}
		}
	}
	return out.String()
}

func newStage(t *testing.T) *stage {
	t.Helper()
	f, err := forest.Start(t.Context(), forest.Options{Domain: "domain.lab", Exchange: true, Seed: 1,
		Accounts: []forest.Account{{Name: "canopy", Password: groundPassword, Rights: forest.Rights{Replicate: true, Write: true, Deleted: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	s := &stage{ground: &ground{t: t, dir: t.TempDir(), forest: f}, guids: []string{"9e58304a-ed80-416a-8eac-f2e769056e52", "17d89853-ec3e-4bb3-9bf8-a7d022818fb0"}}
	s.add("OU=People,DC=domain,DC=lab", "objectClass", "organizationalUnit")
	config := fmt.Sprintf("forests:\n- name: domain.lab\n  servers: ['%s']\n  ca: ca.pem\n  bind: {account: 'DOMAIN\\canopy', password_file: password}\n  scope: {include: ['OU=People,DC=domain,DC=lab']}\n"+
		"  write: true\n  exchange: {organisation: Domain, database: 'OU=People,DC=domain,DC=lab', server: '/o=Domain/cn=EX1'}\n"+
		"target: {initial: organization.onmicrosoft.com, domains: [domain.com]}\n", f.URL())
	for name, text := range map[string]string{"ca.pem": string(f.CA()), "password": groundPassword, run.ConfigName: config} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Nothing reaches Exchange by itself, however long the test takes.
	opt := s.options()
	opt.Domains = []tenant.Domain{{Name: "domain.com", Verified: true}}
	opt.Seed = func(ctx context.Context, a *tenant.Admin) error {
		x := a.ExchangeSettings()
		x.ForwardDelay = tenant.Period(1000 * time.Hour)
		return a.SetExchangeSettings(ctx, x, false)
	}
	w, err := tenant.Open(t.Context(), filepath.Join(s.dir, run.TenantName), opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) options() tenant.Options {
	return tenant.Options{Initial: "organization.onmicrosoft.com", Durability: tenant.Volatile, NewGUID: func() string {
		if len(s.guids) == 0 {
			return ""
		}
		first := s.guids[0]
		s.guids = s.guids[1:]
		return first
	}}
}

// typed runs one command, and gives what it prints on both outputs, in order.
func (s *stage) typed(words []string) (int, string) {
	var out bytes.Buffer
	app := App{Out: &out, Err: &out, tenantOptions: s.options()}
	code := app.Run(s.t.Context(), append([]string{"--dir", s.dir}, words...))
	return code, out.String()
}

// forestAct is "user NAME GUID DISPLAYNAME": an account with that value of mS-DS-ConsistencyGuid.
func (s *stage) forestAct(words []string) {
	s.t.Helper()
	if len(words) < 4 || words[0] != "user" {
		s.t.Fatalf("an administrator of the forest does not %q", words)
	}
	octets, err := parseOctets(words[2])
	if err != nil {
		s.t.Fatal(err)
	}
	cn := strings.Join(words[3:], " ")
	s.add("CN="+cn+",OU=People,DC=domain,DC=lab", "objectClass", "user", "sAMAccountName", words[1], "userPrincipalName", words[1]+"@domain.com",
		"displayName", cn, "userAccountControl", "512", "mS-DS-ConsistencyGuid", octets)
}

// wordsOf splits a line at spaces, but for what is between apostrophes.
func wordsOf(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

func parseOctets(guid string) (string, error) {
	g, err := recipient.ParseGUID(guid)
	return string(g[:]), err
}
