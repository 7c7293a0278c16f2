package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/canopy-sync/canopy/run"
)

// bars shows a run's progress: bars on a terminal, a line at each step's end elsewhere, nothing for programs.
type bars struct {
	mu    sync.Mutex
	out   io.Writer
	live  bool
	quiet bool
	open  map[string]*progressbar.ProgressBar
}

func (a *App) bars() *bars {
	b := &bars{out: a.Err, quiet: a.json, open: map[string]*progressbar.ProgressBar{}}
	if f, ok := a.Err.(*os.File); ok {
		b.live = term.IsTerminal(int(f.Fd()))
	}
	return b
}

func (b *bars) tell(e run.Event) {
	if b.quiet {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name := e.Step
	if e.Connector != "" {
		name += " " + string(e.Connector)
	}
	if !b.live {
		if e.End && e.Done > 0 {
			fmt.Fprintf(b.out, "%-24s %d\n", name, e.Done)
		}
		return
	}
	b.draw(name, e)
}

func (b *bars) draw(name string, e run.Event) {
	bar := b.open[name]
	if bar == nil {
		total := e.Total
		if total == 0 {
			total = -1
		}
		bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(fmt.Sprintf("%-24s", name)),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100_000_000), progressbar.OptionClearOnFinish())
		b.open[name] = bar
	}
	if e.Total > 0 {
		bar.ChangeMax(e.Total)
	}
	_ = bar.Set(e.Done) // a bar that cannot be drawn is no reason to stop
	if e.End {
		_ = bar.Finish()
		delete(b.open, name)
		if e.Done > 0 {
			fmt.Fprintf(b.out, "%-24s %d\n", name, e.Done)
		}
	}
}
