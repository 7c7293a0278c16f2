package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/canopy-sync/canopy/run"
)

// The stages of a cycle, in their order.
const (
	stageImport  = "import"  // from the lease: describe, read, decode, store
	stageTarget  = "target"  // what the tenant changed since
	stageJoin    = "join"    // joining, what all want, and the first batch of the plan
	stagePlan    = "plan"    // the rest of it
	stageApply   = "apply"   // the plan into the store
	stageExport  = "write"   // to the tenant
	stageConfirm = "confirm" // what the tenant made of it, and the run's record
)

// stopwatch divides a cycle into stages by what is heard of it. What it does itself between two stages is not counted.
// It is for one source: its events must come one after the other.
type stopwatch struct {
	profile string              // how the profiles' names begin; "": none
	count   func() (int, error) // of rows; nil: not counted

	stages []stage
	now    string // the stage that runs; "": none
	from   time.Time
	cpu    time.Duration
	rows   int
	file   *os.File
	err    error
}

func (w *stopwatch) begin() {
	if w.count != nil {
		w.rows, w.err = w.count()
	}
	w.next(stageImport)
}

// target hears that the target begins to be read.
func (w *stopwatch) target() {
	if w.now == stageImport {
		w.next(stageTarget)
	} else {
		w.next(stageConfirm)
	}
}

// tell hears of progress.
func (w *stopwatch) tell(e run.Event) {
	switch {
	case e.Step == "confirm" && e.End && w.now == stageTarget:
		w.next(stageJoin)
	case e.Step == "plan" && w.now == stageJoin:
		w.next(stagePlan)
		if e.End {
			w.next(stageApply)
		}
	case e.Step == "plan" && e.End:
		w.next(stageApply)
	case e.Step == "apply" && e.End:
		w.next(stageExport)
	}
}

// next ends the stage that runs and begins another, or none.
func (w *stopwatch) next(name string) {
	if w.now == name {
		return
	}
	if w.now != "" {
		s := stage{Name: w.now, Seconds: time.Since(w.from).Seconds(), CPU: (used() - w.cpu).Seconds()}
		w.stop()
		s.PeakByte = w.most()
		w.heap()
		if w.count != nil {
			n, err := w.count()
			w.err = errors.Join(w.err, err)
			s.Rows, w.rows = n-w.rows, n
		}
		w.stages = append(w.stages, s)
	}
	if w.now = name; name != "" {
		w.start(name)
		forgetPeak()
	}
	w.from, w.cpu = time.Now(), used()
}

// most is the most memory that the process had in this stage.
func (w *stopwatch) most() int64 {
	n, err := peak()
	w.err = errors.Join(w.err, err)
	return n
}

// heap writes what the heap holds at the end of the stage that runs.
func (w *stopwatch) heap() {
	if w.profile == "" {
		return
	}
	runtime.GC() // a profile is as of the last collection
	f, err := os.Create(w.profile + "-" + w.now + "-heap.pprof")
	if err == nil {
		err = errors.Join(pprof.WriteHeapProfile(f), f.Close())
	}
	w.err = errors.Join(w.err, err)
}

func (w *stopwatch) start(name string) {
	if w.profile == "" {
		return
	}
	f, err := os.Create(w.profile + "-" + name + ".pprof")
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	w.file, w.err = f, errors.Join(w.err, err)
}

func (w *stopwatch) stop() {
	if w.file != nil {
		pprof.StopCPUProfile()
		w.err = errors.Join(w.err, w.file.Close())
		w.file = nil
	}
}
