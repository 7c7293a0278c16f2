package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/twin"
)

// The environment that carries what must not stand on a command line.
const (
	tokenVariable  = "CANOPY_GRAPH_TOKEN"
	secretVariable = "CANOPY_GRAPH_SECRET" //nolint:gosec // its name
)

// twinFlags are what import is told.
type twinFlags struct {
	replace    bool
	keep       string
	ca         string
	tenant     string
	client     string
	authority  string
	tokenFile  string
	secretFile string
	properties []string
}

func (a *App) tenantExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write the tenant down as Microsoft Graph tells it, with a companion for the rest",
		Long: `Writes users, groups with members and owners, contacts, deleted users, products, domains and the organisation into a
new folder, as Microsoft Graph's JSON, an object a line; and beside them companion.jsonl with what Graph does not tell:
what was synchronised, mailboxes, what is on its way. canopy tenant import makes the same tenant of it. The audit log
and the programs that may call are not in it: it does not replace a backup.`,
		Example: "  canopy tenant export before-the-merger\n  canopy tenant export --dir /tmp/lab7 /tmp/lab7-export",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
			show := a.bars()
			out, err := twin.Export(ctx, t.Tenant, args[0], show.twin)
			show.end()
			if err != nil {
				return err
			}
			if a.json {
				a.print(out)
				return nil
			}
			fmt.Fprintf(a.Out, "%d users, %d deleted users, %d groups and %d contacts are in %s, and %d mailboxes.\n", out.Objects["users"], out.Objects["deletedUsers"],
				out.Objects["groups"], out.Objects["contacts"], args[0], out.Mailboxes)
			fmt.Fprintf(a.Out, "Make a tenant of it: canopy tenant import --dir NEW %s\n", quoted(args[0]))
			return nil
		}),
	}
}

// twin shows the progress of an export or import.
func (b *bars) twin(step string, done, total int, end bool) {
	b.tell(run.Event{Step: step, Done: done, Total: total, End: end})
}

func (a *App) tenantImportCommand() *cobra.Command {
	var f twinFlags
	c := &cobra.Command{
		Use:   "import FOLDER|URL",
		Short: "Fill the tenant from what a real one tells of itself, or from an export",
		Long: `Fills an empty tenant from a folder of Microsoft Graph's JSON (pages, lists, or an object a line: users*.json,
groups*.json, members*.json or members/GROUP.json, owners*.json, contacts*.json, deletedItems*.json, domains.json,
subscribedSkus.json, organization.json ...), or from a Graph endpoint, page by page. A fetch that was interrupted goes
on where it was. Either everything is filled in or nothing.

A token is read from ` + tokenVariable + ` or --token-file; with --client and --tenant a program signs in with the secret in
` + secretVariable + ` or --secret-file. They are never taken from the command line. The program needs Directory.Read.All; with
OnPremDirectorySynchronization.Read.All and the roles for onPremisesSyncBehavior more is told.

Graph does not tell of mailboxes: without the companion that an export writes, recipients and mailboxes are what Exchange
decides from the objects, and the report says so. It does not write to what it reads from.`,
		Example: `  canopy tenant import before-the-merger
  canopy tenant import https://graph.microsoft.com --tenant contoso.com --client CLIENT --secret-file secret --keep contoso`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.tenantImport(c.Context(), args[0], f) },
	}
	c.Flags().BoolVar(&f.replace, "replace", false, "let go what the tenant holds; without it a tenant that is not empty is refused")
	c.Flags().StringVar(&f.keep, "keep", "", "a folder for what is fetched, which stays; without it the state directory's, which goes when all is filled in")
	c.Flags().StringVar(&f.ca, "ca", "", "a PEM file with the authority that made the endpoint's certificate")
	c.Flags().StringVar(&f.tenant, "tenant", "", "the tenant that the program signs in to, by domain or id")
	c.Flags().StringVar(&f.client, "client", "", "the program's id (application id)")
	c.Flags().StringVar(&f.authority, "authority", "", "where the program signs in; Microsoft's for Microsoft's endpoints, otherwise the endpoint's host")
	c.Flags().StringVar(&f.tokenFile, "token-file", "", "a file with an access token")
	c.Flags().StringVar(&f.secretFile, "secret-file", "", "a file with the program's secret")
	c.Flags().StringSliceVar(&f.properties, "property", nil, "a further property of users and groups to ask for, such as a directory extension")
	return c
}

func (a *App) tenantImport(ctx context.Context, from string, f twinFlags) error {
	if !strings.Contains(from, "://") {
		return a.importFolder(ctx, from, f.replace, nil)
	}
	s, err := f.source(from)
	if err != nil {
		return err
	}
	dir, err := a.stateDir("")
	if err != nil {
		return err
	}
	folder := f.keep
	if folder == "" {
		folder = filepath.Join(dir, "fetched")
	}
	if err := a.mayFill(ctx, f.replace); err != nil {
		return err
	}
	show := a.bars()
	fetched, err := twin.Fetch(ctx, s, folder, show.twin)
	show.end()
	if err != nil {
		return fmt.Errorf("%w (what was fetched is kept in %s: the same command goes on)", err, folder)
	}
	if err := a.importFolder(ctx, folder, f.replace, fetched.Withheld); err != nil || f.keep != "" {
		return err
	}
	return os.RemoveAll(folder)
}

// mayFill refuses before anything is fetched what would be refused afterwards.
func (a *App) mayFill(ctx context.Context, replace bool) error {
	dir, err := a.stateDir("")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, run.TenantName)); os.IsNotExist(err) || replace {
		return nil
	}
	t, _, end, err := a.openTenant(ctx, "", tenant.Options{})
	if err != nil {
		return err
	}
	defer end()
	users, groups, contacts, err := t.Counts(ctx)
	if err == nil && users+groups+contacts > 0 {
		err = &canopy.Error{Kind: canopy.Conflict, Code: tenant.CodeNotEmpty, Text: "the tenant is not empty", Next: "let go what it holds with --replace, or name another state directory with --dir"}
	}
	return err
}

func (a *App) importFolder(ctx context.Context, folder string, replace bool, withheld map[string]string) error {
	f, err := twin.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	dir, err := a.stateDir("")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, run.TenantName)
	_, err = os.Stat(path)
	fresh := os.IsNotExist(err)
	opt := a.tenantOptions
	opt.Initial = ""
	if fresh {
		opt.Initial = f.Initial()
	}
	t, _, end, err := a.openTenant(ctx, "canopy tenant import", opt)
	if err != nil {
		return err
	}
	show := a.bars()
	report, err := f.Import(ctx, t, replace, show.twin)
	show.end()
	end()
	if err != nil {
		if fresh {
			for _, more := range []string{"", "-wal", "-shm"} {
				if gone := os.Remove(path + more); gone != nil && !os.IsNotExist(gone) {
					err = errors.Join(err, gone)
				}
			}
		}
		return err
	}
	a.showImport(report, withheld)
	return nil
}

// showImport tells what was filled in, and what is not as in the tenant that was read.
func (a *App) showImport(r *twin.Report, withheld map[string]string) {
	if a.json {
		a.print(struct {
			*twin.Report
			Withheld map[string]string `json:"withheld,omitempty"`
		}{r, withheld})
		return
	}
	fmt.Fprintf(a.Out, "The tenant %s (%s) has %d users, %d deleted users, %d groups, %d contacts, %d links and %d mailboxes.\n", r.Initial, r.Tenant, r.Users, r.Deleted, r.Groups,
		r.Contacts, r.Links, r.Mailboxes)
	for _, note := range notes(r, withheld) {
		fmt.Fprintln(a.Out, "- "+note)
	}
}

func notes(r *twin.Report, withheld map[string]string) []string {
	var out []string
	note := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if r.Derived {
		note("There is no companion of an export: recipients and mailboxes are what Exchange decides from the objects, not what it has. canopy tenant recipient list shows them.")
	}
	if r.Unanchored > 0 {
		note("%d synchronised objects have no source anchor, since Graph does not tell that of groups and contacts: the first synchronisation finds them by security identifier or primary address.", r.Unanchored)
	}
	if r.Foreign > 0 {
		note("%d links lead to what is no user, group or contact, and are left out.", r.Foreign)
	}
	for _, c := range r.Unknown {
		note("%d licences of the product %s are left out: it is not known here.", c.Count, c.Name)
	}
	for _, c := range r.Left {
		note("%d values of %s are left out: there is no place for it.", c.Count, c.Name)
	}
	if len(r.Missing) > 0 {
		note("There are no files of: %s.", strings.Join(r.Missing, ", "))
	}
	for _, k := range r.Unfinished {
		note("The last page of %s says that there are more (@odata.nextLink).", k)
	}
	kinds := []string{}
	for k := range withheld {
		if withheld[k] != "" {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		note("The endpoint did not give %s: %s", k, withheld[k])
	}
	return out
}

// authorities are where programs sign in for Microsoft's endpoints.
var authorities = map[string]string{"graph.microsoft.com": "https://login.microsoftonline.com", "graph.microsoft.us": "https://login.microsoftonline.us",
	"dod-graph.microsoft.us": "https://login.microsoftonline.us", "microsoftgraph.chinacloudapi.cn": "https://login.chinacloudapi.cn"}

// source is the endpoint with what is needed to read it.
func (f *twinFlags) source(address string) (*twin.Source, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" {
		return nil, usageError{fmt.Errorf("%s is no address of an endpoint", address)}
	}
	ip := net.ParseIP(u.Hostname())
	if loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(); u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return nil, usageError{fmt.Errorf("the endpoint must be reached by https: a token is not sent in the clear")}
	}
	if u.User != nil {
		return nil, usageError{fmt.Errorf("put no credentials into the address; see canopy tenant import --help")}
	}
	if u.Path == "" {
		u.Path = "/v1.0"
	}
	client, err := f.http()
	if err != nil {
		return nil, err
	}
	s := &twin.Source{Base: u.String(), Client: client, Properties: f.properties}
	s.Token, err = f.token(u, client)
	return s, err
}

// answering is how long a single answer may take.
const answering = 5 * time.Minute

func (f *twinFlags) http() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("read the authority: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, &canopy.Error{Kind: canopy.Invalid, Object: f.ca, Text: "the file holds no certificate in PEM form", Next: "canopy tenant serve prints where its authority is"}
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: answering}, nil
}

// token is how the endpoint is signed in to.
func (f *twinFlags) token(u *url.URL, client *http.Client) (func(context.Context, bool) (string, error), error) {
	token, err := secretOf(tokenVariable, f.tokenFile)
	if err != nil {
		return nil, err
	}
	secret, err := secretOf(secretVariable, f.secretFile)
	switch {
	case err != nil:
		return nil, err
	case f.client == "" && token != "":
		return twin.GivenToken(token), nil
	case f.client == "" || f.tenant == "" || secret == "":
		return nil, usageError{fmt.Errorf("give a token in %s or --token-file; or --client, --tenant and the secret in %s or --secret-file", tokenVariable, secretVariable)}
	}
	host := u.Scheme + "://" + u.Host
	authority := f.authority
	if authority == "" {
		authority = authorities[u.Hostname()]
	}
	if authority == "" {
		authority = host
	}
	return twin.Credentials{Authority: authority, Tenant: f.tenant, Client: f.client, Secret: secret, Scope: host + "/.default", HTTP: client}.Token(), nil
}

// secretOf is what a file has, or the environment.
func secretOf(variable, file string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(variable)), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read what to sign in with: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
