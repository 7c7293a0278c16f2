package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// The exit codes, for scripts.
const (
	exitDone    = 0
	exitFailed  = 1 // an error, said on standard error
	exitUsage   = 2 // the command's words are off
	exitStopped = 3 // the guard stopped the plan: it waits for an approval
	exitPartly  = 4 // the run went through, and some forests were not read, or some objects were refused

	exitInterrupted = 130 // by Ctrl-C, as shells have it
)

// App is the program: what main gives it, and what its commands share.
type App struct {
	Out io.Writer
	Err io.Writer
	In  io.Reader // for answers; nil: the terminal

	tenantOptions tenant.Options // for tests

	dir     string
	config  string
	json    bool
	wide    bool
	columns int // of the terminal, for tests; 0: asked of Out
	code    int
	shown   *bars // the last, which an error may have left on the screen
}

// Run runs one command line and gives the exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.shown.end()
	if err != nil {
		if ctx.Err() != nil {
			return a.interrupted(err)
		}
		return a.say(err)
	}
	return a.code
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "canopy",
		Short: "Synchronise people, groups and contacts of several forests with one cloud tenant",
		Long: `Canopy reads people, groups and contacts from Active Directory forests, joins them, shows what it would change, and
writes the result to a cloud tenant when it is told to run. A forest is never written to unless the configuration says so.

Exit codes: 0 done, 1 an error, 2 wrong usage, 3 the guard stopped the plan, 4 the run went through without some
forests or objects, 130 interrupted.`,
		Example: `  canopy lab --once
  canopy plan
  canopy run --plan 1
  canopy explain anna@contoso.com`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.PersistentFlags().StringVar(&a.dir, "dir", "", "state directory (default $CANOPY_DIR, else $XDG_STATE_HOME/canopy)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON, for programs")
	root.PersistentFlags().BoolVar(&a.wide, "wide", false, "do not cut tables to the width of the terminal")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
	})
	checks := a.checkCommand()
	checks.AddCommand(a.hybridChecks()...)
	for _, c := range []*cobra.Command{a.planCommand(), a.runCommand(), a.explainCommand(), a.logCommand(), a.entryCommand(), a.metaCommand(),
		a.ruleCommand(), checks, a.exprCommand(), a.importCommand(), a.compareCommand(), a.schemaCommand(), a.serveCommand(), a.onpremCommand(),
		a.matchCommand()} {
		c.PersistentFlags().StringVar(&a.config, "config", "", "configuration file (default canopy.yaml in the state directory)")
		root.AddCommand(c)
	}
	root.AddCommand(a.labCommand(), a.agentCommand(), a.tenantCommand(), a.anchorCommand(), a.manCommand(root))
	completions(root)
	strict(root)
	return root
}

// usageError is an error in how the command was typed.
type usageError struct{ error }

// interrupted says that a person ended the command. A run keeps its progress with its data, so nothing has to be mended.
func (a *App) interrupted(err error) int {
	const text = "stopped; nothing is lost; the same command goes on from here"
	if a.json {
		a.print(map[string]any{"stopped": true, "text": text, "error": err.Error()})
	} else {
		fmt.Fprintln(a.Err, "canopy:", text)
	}
	return exitInterrupted
}

// say prints an error for a person: what is wrong, and what to do next.
func (a *App) say(err error) int {
	var e *canopy.Error
	code := exitFailed
	var u usageError
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
	fmt.Fprintln(a.Err, "canopy:", cleanLines(err.Error()))
	if errors.As(err, &e) && strings.HasSuffix(e.Code, "Exception") {
		fmt.Fprintln(a.Err, "  class:", e.Code)
	}
	if errors.As(err, &e) && e.Next != "" {
		fmt.Fprintln(a.Err, "  what to do:", cleanLines(e.Next))
	}
	return code
}

// print writes one JSON object on one line.
func (a *App) print(v any) {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(a.Err, "canopy: write output:", err)
		a.code = exitFailed
	}
}

// stateDir is the state directory, made if it does not exist. Lab commands use its subfolder lab.
func (a *App) stateDir(sub string) (string, error) {
	dir, err := a.findDir(sub)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the state directory: %w", err)
	}
	return dir, nil
}

// findDir is where the state directory is, or would be.
func (a *App) findDir(sub string) (string, error) {
	dir := a.dir
	if dir == "" {
		dir = os.Getenv("CANOPY_DIR")
	}
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find the state directory: %w; give one with --dir", err)
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "canopy", sub)
	}
	return dir, nil
}
