package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/auth"
)

func (a *App) agentCommand() *cobra.Command {
	c := &cobra.Command{Use: "agent", Short: "The agents beside the forests: enrol, see and revoke them",
		Long: `Agents run beside forests and call this service (canopy serve), which reads the forests through them. They are let in by
a certificate that they get for an enrolment token. A forest's password stays with its agent and is not asked for.

These commands work while canopy serve runs.`,
		Example: "  canopy agent token --domain contoso.com > token\n  canopy agent list\n  canopy agent revoke 1a2b3c4d5e6f7081"}
	var domains []string
	var ttl time.Duration
	token := &cobra.Command{Use: "token", Short: "Make an enrolment token for one agent",
		Long: `Prints a token that enrols one agent, once, until it expires. Give it to canopy-agent enrol on the agent's machine, in a
file. It is not kept here, only a hash of it, and cannot be shown again. Without --domain the agent may serve every forest
that canopy.yaml reads through agents.`,
		Example: "  canopy agent token --domain contoso.com > token\n  canopy agent token --domain contoso.com --domain emea.contoso.com --ttl 1h", Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.agentToken(c.Context(), domains, ttl) }}
	token.Flags().StringSliceVar(&domains, "domain", nil, "a forest that the agent may serve, by its name in canopy.yaml; may be given several times")
	token.Flags().DurationVar(&ttl, "ttl", 24*time.Hour, "how long the token is good")
	list := &cobra.Command{Use: "list", Short: "Show the agents and how they are",
		Long: `Shows each agent with its state: ready (it can be given work), silent (nothing is heard of it) or revoked; its version and
machine, the forests and the domain controllers that it reaches, how far its clock is off, and when it was last heard
of. It asks no agent: canopy serve does so all the time.`,
		Example: "  canopy agent list\n  canopy agent list --json", Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.agentList(c.Context()) }}
	show := &cobra.Command{Use: "show AGENT", Short: "Show all that is known of one agent",
		Long: "Shows one agent, by its name or the beginning of it. It does not ask the agent.", Example: "  canopy agent show 1a2b", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.agentShow(c.Context(), args[0]) }}
	revoke := &cobra.Command{Use: "revoke AGENT", Short: "Shut an agent out for good",
		Long: `Shuts an agent out: canopy serve cuts it off within some seconds, and it does not come back. It changes nothing in the
forest; change the password of the account that the agent had, if somebody else may have it.`,
		Example: "  canopy agent revoke 1a2b3c4d5e6f7081", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.agentRevoke(c.Context(), args[0]) }}
	c.AddCommand(token, list, show, revoke)
	return c
}

func (a *App) agentToken(ctx context.Context, domains []string, ttl time.Duration) error {
	if ttl <= 0 {
		return usageError{errors.New("--ttl must be more than nothing")}
	}
	dir, err := a.stateDir("")
	if err != nil {
		return err
	}
	authority, agents, err := a.openAgents(ctx, dir)
	if err != nil {
		return err
	}
	defer agents.Close()
	token, hash, err := authority.NewToken()
	if err != nil {
		return err
	}
	if err := agents.AddToken(ctx, hash, ids(domains), ttl); err != nil {
		return err
	}
	expires := time.Now().Add(ttl).UTC().Format(time.RFC3339)
	if a.json {
		a.print(map[string]any{"token": token, "domains": ids(domains), "expires": expires})
		return nil
	}
	fmt.Fprintln(a.Out, token)
	fmt.Fprintf(a.Err, "Good once, until %s, on the agent's machine:\n  canopy-agent enrol --service https://THIS-SERVICE --token-file FILE\n", expires)
	return nil
}

// known opens the agents of a state directory that is there.
func (a *App) known(ctx context.Context) (*auth.Auth, error) {
	dir, err := a.findDir("")
	if err != nil {
		return nil, err
	}
	return auth.Open(ctx, filepath.Join(dir, auth.FileName), auth.Options{})
}

// agentView is an agent as it is shown.
type agentView struct {
	canopy.Agent
	State canopy.AgentState `json:"state"`
}

func (a *App) agentList(ctx context.Context) error {
	agents, err := a.known(ctx)
	if err != nil {
		return err
	}
	defer agents.Close()
	all, err := agents.Agents(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	views := []agentView{}
	for _, x := range all {
		views = append(views, agentView{x, x.State(now)})
	}
	if a.json {
		a.print(views)
		return nil
	}
	if len(views) == 0 {
		fmt.Fprintln(a.Out, "There are no agents. Make a token for one: canopy agent token --domain FOREST")
		return nil
	}
	t := a.table("AGENT", "STATE", "HOST", "VERSION", "LAST CONTACT", "CLOCK", "FORESTS")
	for i := range views {
		v := &views[i]
		t.row(v.ID, string(v.State), clean(v.Contact.Host), clean(v.Contact.Version), since(now, v.Contact.At), skew(v.Contact), clean(reaches(v.Contact)))
	}
	t.end()
	return nil
}

func since(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return now.Sub(at).Round(time.Second).String() + " ago"
}

func skew(c canopy.AgentContact) string {
	if c.At.IsZero() {
		return ""
	}
	return fmt.Sprintf("%+.1fs", c.Skew.Seconds())
}

// reaches are an agent's forests, with how many controllers it reaches.
func reaches(c canopy.AgentContact) string {
	var all []string
	for _, f := range c.Forests {
		switch {
		case f.Refused != "":
			all = append(all, string(f.Forest)+" (refused: "+f.Refused+")")
		case len(f.Reached) == 0:
			all = append(all, string(f.Forest)+" (no controller reached yet)")
		default:
			all = append(all, fmt.Sprintf("%s (%s)", f.Forest, strings.Join(f.Reached, " ")))
		}
	}
	return strings.Join(all, ", ")
}

// one finds an agent by its name or the beginning of it.
func one(ctx context.Context, agents *auth.Auth, name string) (canopy.Agent, error) {
	all, err := agents.Agents(ctx)
	if err != nil {
		return canopy.Agent{}, err
	}
	var hits []canopy.Agent
	for _, x := range all {
		if x.ID == name {
			return x, nil
		}
		if strings.HasPrefix(x.ID, name) {
			hits = append(hits, x)
		}
	}
	if len(hits) == 1 && name != "" {
		return hits[0], nil
	}
	text := "there is no such agent"
	if len(hits) > 1 {
		text = fmt.Sprintf("%d agents begin like that", len(hits))
	}
	return canopy.Agent{}, &canopy.Error{Kind: canopy.NotFound, Code: "agent", Object: name, Text: text, Next: "canopy agent list shows those there are"}
}

func (a *App) agentShow(ctx context.Context, name string) error {
	agents, err := a.known(ctx)
	if err != nil {
		return err
	}
	defer agents.Close()
	x, err := one(ctx, agents, name)
	if err != nil {
		return err
	}
	now := time.Now()
	v := agentView{x, x.State(now)}
	if a.json {
		a.print(v)
		return nil
	}
	may := "every forest that is read through agents"
	if len(x.Domains) > 0 {
		var names []string
		for _, d := range x.Domains {
			names = append(names, string(d))
		}
		may = strings.Join(names, ", ")
	}
	fmt.Fprintf(a.Out, "agent         %s\nstate         %s\nmay serve     %s\nhost          %s (%s)\nversion       %s\n", x.ID, v.State, clean(may),
		clean(x.Contact.Host), clean(x.Contact.Address), clean(x.Contact.Version))
	fmt.Fprintf(a.Out, "last contact  %s\nclock         %s\nenrolled      %s\ncertificate   good until %s\n", since(now, x.Contact.At), skew(x.Contact),
		x.Enrolled.Format(time.RFC3339), x.Expires.Format(time.RFC3339))
	if !x.Revoked.IsZero() {
		fmt.Fprintf(a.Out, "revoked       %s\n", x.Revoked.Format(time.RFC3339))
	}
	for _, f := range x.Contact.Forests {
		fmt.Fprintf(a.Out, "forest        %s\n", clean(reaches(canopy.AgentContact{Forests: []canopy.Served{f}})))
	}
	return nil
}

func (a *App) agentRevoke(ctx context.Context, name string) error {
	agents, err := a.known(ctx)
	if err != nil {
		return err
	}
	defer agents.Close()
	x, err := one(ctx, agents, name)
	if err != nil {
		return err
	}
	if x.ID != name { // the beginning of a name is for looking
		return usageError{fmt.Errorf("say the whole name to revoke an agent: canopy agent revoke %s", x.ID)}
	}
	if err := agents.Revoke(ctx, x.ID); err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"agent": x.ID, "state": canopy.AgentRevoked})
		return nil
	}
	fmt.Fprintf(a.Out, "Agent %s on %s is shut out.\n", x.ID, clean(x.Contact.Host))
	return nil
}
