package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// bars shows a run's progress: a bar on a terminal, a line at each step's end, nothing for programs. What goes on side by
// side, such as the reading of several forests, shares one bar.
type bars struct {
	mu    sync.Mutex
	out   io.Writer
	live  bool
	quiet bool

	bar   *progressbar.ProgressBar // nil: none is drawn
	step  string
	parts map[canopy.ConnectorID]run.Event // how far each connector is in step
}

func (a *App) bars() *bars {
	b := &bars{out: a.Err, quiet: a.json}
	if f, ok := a.Err.(*os.File); ok {
		b.live = term.IsTerminal(int(f.Fd()))
	}
	a.shown = b
	return b
}

func (b *bars) tell(e run.Event) {
	if b.quiet {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live {
		b.draw(e)
	}
	if e.End && e.Done > 0 {
		fmt.Fprintf(b.out, "%-24s %d\n", named(e.Step, e.Connector), e.Done)
	}
	if b.live && e.End {
		b.next()
	}
}

func named(step string, c canopy.ConnectorID) string {
	if c == "" {
		return step
	}
	return step + " " + string(c)
}

// draw brings the bar up to date; at the end of a part it is wiped away, so that a line can be written in its place.
func (b *bars) draw(e run.Event) {
	if b.step != e.Step {
		b.clear()
		b.step, b.parts = e.Step, map[canopy.ConnectorID]run.Event{}
	}
	b.parts[e.Connector] = e
	if e.End && b.bar != nil {
		_ = b.bar.Clear() // a bar that cannot be drawn is no reason to stop
		return
	}
	done, total := sumParts(b.parts)
	if b.bar == nil {
		b.bar = b.begin(total)
	}
	if total > 0 && b.bar.GetMax() != total {
		b.bar.ChangeMax(total)
	}
	_ = b.bar.Set(done)
}

// sumParts is how far a step is over all connectors; total is -1 while that of one is not known.
func sumParts(parts map[canopy.ConnectorID]run.Event) (done, total int) {
	for _, p := range parts {
		done += p.Done
		switch {
		case p.End:
			total += p.Done
		case p.Total > 0 && total >= 0:
			total += p.Total
		default:
			return sumDone(parts), -1
		}
	}
	return done, total
}

func sumDone(parts map[canopy.ConnectorID]run.Event) int {
	done := 0
	for _, p := range parts {
		done += p.Done
	}
	return done
}

// begin draws a bar that moves only when something is told, never by itself: lines are written in between.
func (b *bars) begin(total int) *progressbar.ProgressBar {
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(fmt.Sprintf("%-8s", b.step)),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionClearOnFinish())
	bar.StartWithoutRender() // the rate counts from now
	return bar
}

// next draws the bar again for the parts that still go on, and takes it away when there are none.
func (b *bars) next() {
	for _, p := range b.parts {
		if !p.End {
			b.draw(p)
			return
		}
	}
	b.clear()
	b.step = ""
}

// end leaves no bar behind.
func (b *bars) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
}

// clear takes the bar away.
func (b *bars) clear() {
	if b.bar != nil {
		_ = b.bar.Finish()
		b.bar = nil
	}
}
