package clients

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	binDir string // where TestMain has the programs put
	// binary builds the product once.
	binary = sync.OnceValues(func() (string, error) {
		file := filepath.Join(binDir, "canopy")
		out, err := exec.Command("go", "build", "-o", file, "github.com/canopy-sync/canopy/cmd/canopy").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build the product: %w\n%s", err, out)
		}
		return file, nil
	})
)

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "canopy-clients-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(binDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// served is a tenant that the product serves in a process of its own.
type served struct {
	dir, url, ca, tenant string
	client, secret       string
}

// serve starts canopy tenant serve on a free port, with an app that may do everything.
func serve(t *testing.T, flags ...string) *served {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{dir: t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	args := []string{"tenant", "serve", "--dir", s.dir, "--listen", "127.0.0.1:0", "--json", "--initial", "contoso.onmicrosoft.com", "--domain", "contoso.com"}
	cmd := exec.CommandContext(ctx, file, append(args, flags...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadBytes('\n')
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
		if t.Failed() || said.Len() > 0 {
			t.Logf("the server said:\n%s", &said)
		}
	})
	var told map[string]string
	if err := json.Unmarshal(line, &told); readErr != nil || err != nil {
		t.Fatalf("the server did not tell where it is: %v %v %q", readErr, err, line)
	}
	s.url, s.ca, s.tenant = told["url"], told["ca"], told["tenant"]
	s.client, s.secret = s.register(t, "tests")
	return s
}

// register makes an app while the server runs.
func (s *served) register(t *testing.T, name string, flags ...string) (client, secret string) {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"tenant", "app", "add", name, "--dir", s.dir, "--json", "--role", "Directory.ReadWrite.All"}, flags...)
	out, err := exec.CommandContext(t.Context(), file, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("register an app: %v\n%s", err, out)
	}
	var app struct{ ID, Secret string }
	if err := json.Unmarshal(out, &app); err != nil {
		t.Fatal(err)
	}
	return app.ID, app.Secret
}

func (s *served) env(more ...string) []string {
	return append(append(os.Environ(), "URL="+s.url, "TENANT="+s.tenant, "CLIENT="+s.client, "SECRET="+s.secret, "NODE_EXTRA_CA_CERTS="+s.ca, "SSL_CERT_FILE="+s.ca), more...)
}

// require ends a test whose client is not there: it fails where everything is wanted.
func require(t *testing.T, missing string) {
	t.Helper()
	switch {
	case missing == "" && os.Getenv("CANOPY_REAL") != "no":
	case os.Getenv("CI") == "true" || os.Getenv("CANOPY_REAL") == "require":
		t.Fatalf("the real clients are required here; missing: %s; see scripts/install-real-parts.sh", missing)
	default:
		t.Skipf("left out: a real client of the Graph door; missing: %s", orElse(missing, "consent (CANOPY_REAL=no)"))
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func node(t *testing.T) {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "node"
	} else if _, err := os.Stat("node/node_modules/@azure/identity"); err != nil {
		missing = "npm ci in e2e/clients/node"
	}
	require(t, missing)
}

// see runs a program and reads the JSON object that it prints.
func (s *served) see(t *testing.T, into any, cmd *exec.Cmd, env ...string) {
	t.Helper()
	cmd.Env = s.env(env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(cmd.Args, " "), err, &said, &out)
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%s printed no JSON: %v\n%s", strings.Join(cmd.Args, " "), err, &out)
	}
}

// certificate writes a key and its certificate, alone and together.
func certificate(t *testing.T) (cert, both string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a program"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	cert, both = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "both.pem")
	for file, text := range map[string][]byte{cert: certText, both: append(keyText, certText...)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, both
}

// TestJavaScript: Microsoft's Graph client, its identity library and MSAL, with a secret and with a certificate.
func TestJavaScript(t *testing.T) {
	t.Parallel()
	node(t)
	s := serve(t)
	cert, both := certificate(t)
	client, secret := s.register(t, "with a certificate", "--certificate", cert)
	if secret != "" {
		t.Errorf("an app with a certificate was given a secret")
	}
	var got map[string]any
	s.see(t, &got, exec.CommandContext(t.Context(), "node", "node/walk.mjs"), "CERT_CLIENT="+client, "CERT_FILE="+both)
	want := map[string]any{"msal": "Bearer", "patched": "Lund", "filtered": 2.0, "counted": 5.0, "paged": 5.0, "members": []any{"Node 0", "Node 1", "Node 2"},
		"removed": []any{"changed"}, "batch": []any{200.0, 204.0}, "missing": []any{404.0, "Request_ResourceNotFound"}, "certificate": 1.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestHashiCorp: the SDK that Terraform's provider uses.
func TestHashiCorp(t *testing.T) {
	t.Parallel()
	require(t, "")
	file := filepath.Join(binDir, "azure")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, ".")
	build.Dir = "azure"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the client: %v\n%s", err, out)
	}
	s := serve(t)
	var got map[string]any
	s.see(t, &got, exec.CommandContext(t.Context(), file))
	want := map[string]any{"environment": "Canopy", "city": "Lund", "cleared": true, "users": 3.0, "members": []any{"Azure 0", "Azure 1"}, "left": 1.0, "missing": 404.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAuthorityIsPrivate: the authority's key is for its owner alone, and its certificate is one that is trusted for
// others' names by nobody.
func TestAuthorityIsPrivate(t *testing.T) {
	t.Parallel()
	s := serve(t)
	info, err := os.Stat(filepath.Join(s.dir, "tenant-ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the key's mode: got %v, want 0600", got)
	}
	text, err := os.ReadFile(s.ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := ca.PublicKey.(*ecdsa.PublicKey); !ok || !ca.IsCA || !ca.MaxPathLenZero {
		t.Errorf("got %v, CA %v, path length zero %v", ca.PublicKeyAlgorithm, ca.IsCA, ca.MaxPathLenZero)
	}
}
