package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi"
)

type serveFlags struct {
	listen   string
	hosts    []string
	initial  string
	domains  []string
	throttle bool
	nosync   string
}

func (a *App) tenantServeCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer programs that speak Microsoft Graph, over HTTPS",
		Long: `Serves the tenant of the state directory as Microsoft Graph and its sign-in service do, to this machine alone unless
--listen says otherwise. The certificate is made by a local authority in the state directory; clients have to trust it.
Programs sign in as apps: see canopy tenant app add. It does not synchronise, and no run can write meanwhile: canopy lab
--serve does both.`,
		Example: `  canopy tenant serve
  canopy tenant serve --listen 0.0.0.0:8443 --host tenant.example.com`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.tenantServe(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8443", "address and port to listen on")
	c.Flags().StringSliceVar(&f.hosts, "host", nil, "further names that clients call this machine by")
	c.Flags().StringVar(&f.initial, "initial", "", "the initial domain of a new tenant, for instance contoso.onmicrosoft.com")
	c.Flags().StringSliceVar(&f.domains, "domain", nil, "a verified domain of the tenant; replaces those it has")
	c.Flags().BoolVar(&f.throttle, "throttle", false, "limit callers as the real service does (429 and Retry-After)")
	c.Flags().StringVar(&f.nosync, "durability", string(tenant.Durable), "when a write is answered: full (it survives a power failure), normal, off")
	return c
}

// openTenant opens the tenant of the state directory. With a command's name it takes the state directory's lock; without,
// it works beside the process that has it, which is enough for what that one does not remember.
func (a *App) openTenant(ctx context.Context, command string, opt tenant.Options) (t *tenant.Tenant, dir string, end func(), err error) {
	if dir, err = a.stateDir(""); err != nil {
		return nil, "", nil, err
	}
	unlock := func() {}
	if command != "" {
		lock, err := run.Lock(dir, command)
		if err != nil {
			return nil, "", nil, err
		}
		unlock = func() { lock.Close() }
	}
	path := filepath.Join(dir, run.TenantName)
	if _, err := os.Stat(path); os.IsNotExist(err) && opt.Initial == "" {
		opt.Initial = "canopy.onmicrosoft.com"
	}
	if t, err = tenant.Open(ctx, path, opt); err != nil {
		unlock()
		return nil, "", nil, err
	}
	return t, dir, func() {
		if err := t.Close(); err != nil {
			fmt.Fprintln(a.Err, "canopy: close the tenant:", err)
			a.code = exitFailed
		}
		unlock()
	}, nil
}

func (a *App) tenantServe(ctx context.Context, f serveFlags) error {
	opt := tenant.Options{Initial: f.initial, Durability: tenant.Durability(f.nosync)}
	for _, d := range f.domains {
		opt.Domains = append(opt.Domains, tenant.Domain{Name: d, Verified: true})
	}
	t, dir, end, err := a.openTenant(ctx, "canopy tenant serve", opt)
	if err != nil {
		return err
	}
	defer end()
	l, err := a.serve(ctx, t, dir, f)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return l.Close()
}

// serve opens the Graph door and tells how to come in.
func (a *App) serve(ctx context.Context, t *tenant.Tenant, dir string, f serveFlags) (*graphapi.Listening, error) {
	o := graphapi.Options{Tenant: t, Log: slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if f.throttle {
		users, _, _, err := t.Counts(ctx)
		if err != nil {
			return nil, err
		}
		o.Throttle = graphapi.RealThrottle(users)
	}
	s, err := graphapi.New(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := graphapi.Listen(ctx, s, f.listen, dir, f.hosts)
	if err != nil {
		return nil, err
	}
	set := t.Directory().Settings()
	ca := filepath.Join(dir, graphapi.AuthorityName)
	if a.json {
		a.print(map[string]string{"url": l.URL, "ca": ca, "tenant": set.Tenant, "initial": set.Initial})
		return l, nil
	}
	fmt.Fprintf(a.Out, "The tenant %s (%s) answers at %s/v1.0\n\n", set.Initial, set.Tenant, l.URL)
	fmt.Fprintf(a.Out, "Sign-in:     %s/%s/oauth2/v2.0/token\n", l.URL, set.Tenant)
	fmt.Fprintf(a.Out, "Apps:        canopy tenant app add --dir %s NAME --role User.Read.All\n", quoted(dir))
	fmt.Fprintf(a.Out, "             shows CLIENT and SECRET, with which a program gets a TOKEN and calls:\n")
	fmt.Fprintf(a.Out, "  curl -s --cacert %s -d grant_type=client_credentials -d scope=%s/.default -d client_id=CLIENT -d client_secret=SECRET %s/%s/oauth2/v2.0/token\n",
		quoted(ca), l.URL, l.URL, set.Tenant)
	fmt.Fprintf(a.Out, "  curl -s --cacert %s -H 'Authorization: Bearer TOKEN' %s/v1.0/users\n", quoted(ca), l.URL)
	fmt.Fprintf(a.Out, "Trust:       %s is the authority that made the certificate\n", ca)
	fmt.Fprintf(a.Out, "  curl       --cacert %s\n  Go, OpenSSL  SSL_CERT_FILE=%s\n  Node       NODE_EXTRA_CA_CERTS=%s\n  Python     REQUESTS_CA_BUNDLE=%s\n", quoted(ca), quoted(ca), quoted(ca), quoted(ca))
	fmt.Fprintf(a.Out, "  Debian     cp %s /usr/local/share/ca-certificates/canopy-tenant.crt && update-ca-certificates\n", quoted(ca))
	return l, nil
}

func (a *App) tenantAppCommand() *cobra.Command {
	c := &cobra.Command{Use: "app", Short: "The programs that may call the tenant",
		Long:    "Programs sign in to the served tenant with what they were registered with. These are no accounts of people.",
		Example: "  canopy tenant app add reports --role User.Read.All\n  canopy tenant app list"}
	var roles []string
	var certificate string
	add := &cobra.Command{
		Use:   "add NAME --role ROLE...",
		Short: "Register a program, and show its secret once",
		Long: `Registers a program with the application permissions it may use, such as User.Read.All or Directory.ReadWrite.All, and shows
the secret it signs in with. The secret itself is not kept. With --certificate it signs in with assertions signed by that
certificate's key instead, and gets no secret.`,
		Example: `  canopy tenant app add reports --role User.Read.All --role Group.Read.All
  canopy tenant app add sync --role Directory.ReadWrite.All --certificate sync.pem`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.appAdd(c.Context(), args[0], roles, certificate) },
	}
	add.Flags().StringSliceVar(&roles, "role", nil, "an application permission; may be given several times")
	add.Flags().StringVar(&certificate, "certificate", "", "a PEM file with the certificate whose key signs the program's assertions")
	list := &cobra.Command{Use: "list", Short: "Show the programs that are registered",
		Long: "Shows who may call the tenant, and what each may do. Secrets are not kept and not shown.", Example: "  canopy tenant app list", Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.appList(c.Context()) }}
	remove := &cobra.Command{Use: "remove APP", Short: "End a registration, by id or name",
		Long: "Ends a registration. What the program wrote stays; it is not asked back.", Example: "  canopy tenant app remove reports", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.appRemove(c.Context(), args[0]) }}
	c.AddCommand(add, list, remove)
	return c
}

func (a *App) appAdd(ctx context.Context, name string, roles []string, certificate string) error {
	known := graphapi.Roles()
	for _, r := range roles {
		if !slices.Contains(known, r) {
			return usageError{fmt.Errorf("no resource here asks for the role %q; the roles are: %s", r, strings.Join(known, " "))}
		}
	}
	if len(roles) == 0 {
		return usageError{fmt.Errorf("name at least one --role; the roles are: %s", strings.Join(known, " "))}
	}
	var der []byte
	if certificate != "" {
		text, err := os.ReadFile(certificate)
		if err != nil {
			return fmt.Errorf("read the certificate: %w", err)
		}
		block, _ := pem.Decode(text)
		if block == nil || block.Type != "CERTIFICATE" {
			return &canopy.Error{Kind: canopy.Invalid, Object: certificate, Text: "the file holds no certificate in PEM form", Next: "give the certificate, not the key"}
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("read the certificate %s: %w", certificate, err)
		}
		der = block.Bytes
	}
	t, _, end, err := a.openTenant(ctx, "", tenant.Options{})
	if err != nil {
		return err
	}
	defer end()
	app, secret, err := t.Directory().AddApp(ctx, name, roles, der)
	if err != nil {
		return err
	}
	set := t.Directory().Settings()
	if a.json {
		a.print(map[string]any{"id": app.ID, "object": app.Object, "name": app.Name, "roles": app.Roles, "secret": secret, "tenant": set.Tenant})
		return nil
	}
	fmt.Fprintf(a.Out, "tenant   %s\nclient   %s\n", set.Tenant, app.ID)
	if secret != "" {
		fmt.Fprintf(a.Out, "secret   %s   (shown once; only a hash of it is kept)\n", secret)
	}
	fmt.Fprintf(a.Out, "roles    %s\n", strings.Join(app.Roles, " "))
	return nil
}

func (a *App) appList(ctx context.Context) error {
	t, _, end, err := a.openTenant(ctx, "", tenant.Options{})
	if err != nil {
		return err
	}
	defer end()
	apps, err := t.Directory().Apps(ctx)
	if err != nil {
		return err
	}
	if a.json {
		out := []map[string]any{}
		for _, x := range apps {
			out = append(out, map[string]any{"id": x.ID, "object": x.Object, "name": x.Name, "roles": x.Roles, "made": x.Made})
		}
		a.print(out)
		return nil
	}
	table := a.table("NAME", "CLIENT", "SIGNS IN WITH", "MADE", "ROLES")
	for _, x := range apps {
		way := "certificate"
		if len(x.Secrets) > 0 {
			way = "secret " + x.Secrets[0].Hint + "…"
		}
		table.row(x.Name, x.ID, way, x.Made.Format(time.DateOnly), strings.Join(x.Roles, " "))
	}
	table.end()
	return nil
}

func (a *App) appRemove(ctx context.Context, name string) error {
	t, _, end, err := a.openTenant(ctx, "", tenant.Options{})
	if err != nil {
		return err
	}
	defer end()
	return t.Directory().RemoveApp(ctx, name)
}
