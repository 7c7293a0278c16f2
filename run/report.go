package run

import (
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
)

// Report is what one cycle did, for people and programs.
type Report struct {
	Run  canopy.RunID  `json:"run"`
	Plan canopy.PlanID `json:"plan,omitempty"` // 0: there was nothing to plan
	// Followed is the plan of what only carrying out Plan has made possible, 0 when there was nothing.
	Followed canopy.PlanID  `json:"followed,omitempty"`
	Imports  []ImportReport `json:"imports,omitempty"`
	Totals   canopy.Totals  `json:"totals"`
	// Stopped says why nothing was written: the guard's breaches. The plan waits for an approval.
	Stopped []canopy.Breach `json:"stopped,omitempty"`
	Exports ExportReport    `json:"exports"`
	Stale   int             `json:"stale,omitempty"` // items whose meta had moved: they are planned again
	Confirm *ImportReport   `json:"confirm,omitempty"`
	Seconds float64         `json:"seconds"`
}

// ExportReport counts what became of exports in one cycle, by object; links count one by one.
type ExportReport struct {
	Written     int `json:"written"`
	Links       int `json:"links"`
	Later       int `json:"later"`
	Refused     int `json:"refused"`
	Held        int `json:"held"`
	Unconfirmed int `json:"unconfirmed"`
	NotKept     int `json:"notKept"`
}

// Sum adds up the exports of a plan: the objects that it would write.
func Sum(t canopy.Totals) int {
	n := 0
	for _, tally := range t.Exports {
		for _, c := range tally {
			n += c
		}
	}
	return n + t.Links["added"] + t.Links["removed"]
}

// Flat are a plan's totals as one list of counts.
func Flat(t canopy.Totals) map[string]int {
	flat := map[string]int{"joined": t.Joined, "projected": t.Made}
	for conn, tally := range t.Entries {
		for k, n := range tally {
			flat[string(conn)+" "+k] = n
		}
	}
	for _, tally := range t.Exports {
		for k, n := range tally {
			flat[k] += n
		}
	}
	for k, n := range t.Links {
		flat["links "+k] = n
	}
	for k, n := range t.Held {
		flat["held: "+k] = n
	}
	return flat
}

// sum adds what another pass has sent.
func (r *ExportReport) sum(o ExportReport) {
	r.Written += o.Written
	r.Links += o.Links
	r.Later += o.Later
	r.Refused += o.Refused
	r.Held += o.Held
}

func (r *ExportReport) counts() map[string]int {
	return map[string]int{"written": r.Written, "links": r.Links, "later": r.Later, "refused": r.Refused}
}

// Failures are the imports that did not go through.
func (r *Report) Failures() []ImportReport {
	return slices.DeleteFunc(slices.Clone(r.Imports), func(i ImportReport) bool { return i.Error == "" })
}

// Blind tells whether there were forests to read and none was read.
func (r *Report) Blind() bool {
	read, failed := 0, 0
	for _, i := range r.Imports {
		switch {
		case i.Connector == canopy.Tenant:
		case i.Error != "":
			failed++
		default:
			read++
		}
	}
	return failed > 0 && read == 0
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
