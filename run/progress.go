package run

import "github.com/canopy-sync/canopy"

// Event tells how far one step of a run is. A step begins with one of nothing done. Total is 0 while it is not known. The last event of a step has End set.
type Event struct {
	Step      string // read, plan, apply, export, confirm
	Connector canopy.ConnectorID
	Done      int
	Total     int
	End       bool
}

// Progress receives events, from several goroutines, and must return at once. A nil Progress is silent.
type Progress func(Event)

func (p Progress) tell(e Event) {
	if p != nil {
		p(e)
	}
}
