package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/agent"
	"github.com/canopy-sync/canopy/link"
)

// The exit codes, for scripts.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// App is the program: what main gives it, and what its commands share.
type App struct {
	Out io.Writer
	Err io.Writer
	// Asked runs do as the machine asks for it: as a service of Windows where it was started as one.
	Asked func(ctx context.Context, do func(context.Context) error) error

	dir    string
	config string
	json   bool
	code   int
}

// usageError is an error in how the command was typed.
type usageError struct{ error }

// Run runs one command line and gives the exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return a.say(err)
	}
	return a.code
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "canopy-agent",
		Short: "Serve a forest to a Canopy service",
		Long: `The agent runs beside a forest. It calls the service over one port and answers what it asks: schema, changes, single
objects, writes where the configuration allows them. No port is opened here, and the forest's password is sent to
nobody but the forest.

Exit codes: 0 done, 1 an error, 2 wrong usage.`,
		Example: `  canopy-agent enrol --service https://canopy.contoso.com --token-file token
  canopy-agent check
  canopy-agent run`,
		Version: version(), SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.PersistentFlags().StringVar(&a.dir, "dir", "", "the agent's directory (default $CANOPY_AGENT_DIR, else $STATE_DIRECTORY, else the user's own)")
	root.PersistentFlags().StringVar(&a.config, "config", "", "configuration file (default "+agent.ConfigName+" in the agent's directory)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON, for programs")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
	})
	root.AddCommand(a.enrolCommand(), a.runCommand(), a.checkCommand())
	root.InitDefaultCompletionCmd()
	return root
}

// version is what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%q is too much; see: %s --help", args[0], c.CommandPath())}
	}
	return nil
}

func (a *App) enrolCommand() *cobra.Command {
	var service, file string
	var again bool
	c := &cobra.Command{
		Use:   "enrol --service URL --token-file FILE",
		Short: "Get a certificate of the service for this agent",
		Long: `Makes a key on this machine and has the service give a certificate for it, for a token of canopy agent token. The
token is used up. Key and certificate are kept in the agent's directory, for its owner's eyes only; later certificates
are fetched without asking. It asks for no password of the forest and sends none.`,
		Example: `  canopy-agent enrol --service https://canopy.contoso.com --token-file token
  canopy-agent enrol --service https://canopy.contoso.com:8843 --token-file - --again`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if service == "" || file == "" {
				return usageError{errors.New("--service and --token-file are needed; see: canopy-agent enrol --help")}
			}
			return a.enrol(c, service, file, again)
		},
	}
	c.Flags().StringVar(&service, "service", "", "the service's address, https://HOST or https://HOST:PORT (port "+link.DefaultPort+")")
	c.Flags().StringVar(&file, "token-file", "", "a file with the enrolment token; - reads it from standard input")
	c.Flags().BoolVar(&again, "again", false, "take another identity although there is one")
	return c
}

func (a *App) enrol(c *cobra.Command, service, file string, again bool) error {
	text, err := readToken(c.InOrStdin(), file)
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	o, err := a.options()
	if err != nil {
		return err
	}
	id, err := agent.Enrol(c.Context(), o, service, text, again)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]string{"agent": id, "service": service, "dir": o.Dir})
		return nil
	}
	fmt.Fprintf(a.Out, "This is agent %s of %s now.\nThe token is used up: delete its file.\nNext: canopy-agent check --dir %s\n", id, service, o.Dir)
	return nil
}

// readToken reads no more than a token may have.
func readToken(in io.Reader, file string) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 4<<10))
	return strings.TrimSpace(string(text)), err
}

func (a *App) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Serve the forests of the configuration, until it is stopped",
		Long: `Calls the service and answers it; calls again whenever the connection ends. It opens no port, and keeps nothing of what
it reads. With --json the log is JSON.`,
		Example: "  canopy-agent run\n  canopy-agent run --dir /var/lib/canopy-agent --json",
		Args:    none,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := a.options()
			if err != nil {
				return err
			}
			o.Log = slog.New(slog.NewTextHandler(a.Err, nil))
			if a.json {
				o.Log = slog.New(slog.NewJSONHandler(a.Err, nil))
			}
			x, err := agent.Open(o)
			if err != nil {
				return err
			}
			defer x.Close()
			return a.Asked(c.Context(), x.Run)
		},
	}
}

func (a *App) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the way to the service and to the forests, and what the account may do",
		Long: `Connects to the service, and to every domain controller of the configuration; signs in, and looks what the account may
see. It reads no objects and writes to no directory. Exit codes: 0 all is there, or only warnings; 1 something needed
is missing.`,
		Example: "  canopy-agent check\n  canopy-agent check --json",
		Args:    none,
		RunE:    func(c *cobra.Command, _ []string) error { return a.check(c.Context()) },
	}
}

func (a *App) check(ctx context.Context) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	x, err := agent.Open(o)
	if err != nil {
		return err
	}
	defer x.Close()
	found, err := x.Check(ctx)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Severity == canopy.Severe {
			a.code = exitFailed
		}
	}
	if a.json {
		a.print(found)
		return nil
	}
	for _, f := range found {
		fmt.Fprintf(a.Out, "%-8s %s: %s\n", f.Severity, printable(f.Object), printable(f.Text))
		if f.Next != "" {
			fmt.Fprintf(a.Out, "         what to do: %s\n", printable(f.Next))
		}
	}
	return nil
}

// printable is text that cannot move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func (a *App) options() (agent.Options, error) {
	dir, err := a.findDir()
	return agent.Options{Dir: dir, Config: a.config, Version: version()}, err
}

// findDir is the agent's directory.
func (a *App) findDir() (string, error) {
	for _, dir := range []string{a.dir, os.Getenv("CANOPY_AGENT_DIR"), os.Getenv("STATE_DIRECTORY")} {
		if dir != "" {
			return dir, nil
		}
	}
	if data := os.Getenv("ProgramData"); runtime.GOOS == "windows" && data != "" {
		return filepath.Join(data, "Canopy Agent"), nil
	}
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the agent's directory: %w; give one with --dir", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "canopy-agent"), nil
}

// say prints an error for a person: what is wrong, and what to do next.
func (a *App) say(err error) int {
	var e *canopy.Error
	var u usageError
	code := exitFailed
	if errors.As(err, &u) {
		code = exitUsage
	}
	if a.json {
		out := map[string]any{"error": err.Error()}
		if errors.As(err, &e) {
			out["kind"], out["code"], out["next"] = e.Kind.String(), e.Code, e.Next
		}
		a.print(out)
		return code
	}
	fmt.Fprintln(a.Err, "canopy-agent:", err)
	if errors.As(err, &e) && e.Next != "" {
		fmt.Fprintln(a.Err, "  what to do:", e.Next)
	}
	return code
}

// print writes one JSON value on one line.
func (a *App) print(v any) {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(a.Err, "canopy-agent: write output:", err)
		a.code = exitFailed
	}
}
