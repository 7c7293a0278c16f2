package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is all that was measured.
type result struct {
	Size    size      `json:"size"`
	CPUs    int       `json:"cpus"`
	Load    []string  `json:"load"` // of the machine, before and after: others were at work where it is above the processors
	Parts   []*part   `json:"parts"`
	Aims    []verdict `json:"aims"`
	LeftOut []string  `json:"leftOut,omitempty"`
}

// part is what was measured of one thing: its stages, and how many objects they were about.
type part struct {
	Name    string  `json:"name"`
	Objects int     `json:"objects"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	Stages  []stage `json:"stages"`
	PeakMB  float64 `json:"peakMB,omitempty"`
	Note    string  `json:"note,omitempty"`
}

// verdict is one number beside its aim. Without an aim it is told for comparison only.
type verdict struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Aim     string  `json:"aim,omitempty"`
	Reached *bool   `json:"reached,omitempty"`
}

func (r *result) add(name string, objects int, c *cycle, note string) *part {
	p := &part{Name: name, Objects: objects, Seconds: c.Seconds, CPU: c.CPU, Stages: c.Stages, PeakMB: float64(c.PeakByte) / 1e6, Note: note}
	r.Parts = append(r.Parts, p)
	return p
}

// below says whether a value is at most what is aimed at.
func (r *result) below(what string, value float64, unit string, aim float64) {
	ok := value <= aim
	r.Aims = append(r.Aims, verdict{What: what, Value: value, Unit: unit, Aim: fmt.Sprintf("<= %g", aim), Reached: &ok})
}

// above says whether a value is at least what is aimed at.
func (r *result) above(what string, value float64, unit string, aim float64) {
	ok := value >= aim
	r.Aims = append(r.Aims, verdict{What: what, Value: value, Unit: unit, Aim: fmt.Sprintf(">= %g", aim), Reached: &ok})
}

// tell adds a number without an aim.
func (r *result) tell(what string, value float64, unit string) {
	r.Aims = append(r.Aims, verdict{What: what, Value: value, Unit: unit})
}

func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "size %s, %d processors, load of the machine before and after: %s\n", r.Size.Name, r.CPUs, strings.Join(r.Load, ", "))
	for _, p := range r.Parts {
		p.print(out)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nmeasured\tvalue\taim\t")
	for _, v := range r.Aims {
		said := ""
		switch {
		case v.Reached == nil:
		case *v.Reached:
			said = "reached"
		default:
			said = "NOT REACHED"
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", v.What, number(v.Value), v.Unit, v.Aim, said)
	}
	_ = w.Flush() // to a terminal or a file: nobody could be told
	for _, l := range r.LeftOut {
		fmt.Fprintln(out, "left out:", l)
	}
}

func (p *part) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %d objects", p.Name, p.Objects)
	if p.PeakMB > 0 {
		fmt.Fprintf(out, ", peak %.0f MB", p.PeakMB)
	}
	if p.Note != "" {
		fmt.Fprintf(out, " (%s)", p.Note)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "stage\tseconds\tCPU\tobjects/s\trows/object\tpeak MB\t")
	all := stage{Name: "all", Seconds: p.Seconds, CPU: p.CPU}
	for _, s := range p.Stages {
		all.Rows += s.Rows
	}
	for _, s := range append(slices.Clone(p.Stages), all) {
		perSecond, rows, most := "", "", ""
		if s.PeakByte > 0 {
			most = fmt.Sprintf("%.0f", float64(s.PeakByte)/1e6)
		}
		if s.Seconds > 0 && p.Objects > 1 {
			perSecond = fmt.Sprintf("%.0f", float64(p.Objects)/s.Seconds)
		}
		if s.Rows != 0 && p.Objects > 0 {
			rows = fmt.Sprintf("%.1f", float64(s.Rows)/float64(p.Objects))
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%s\t%s\t%s\t\n", s.Name, s.Seconds, s.CPU, perSecond, rows, most)
	}
	_ = w.Flush()
}

// number writes a value with three digits that mean something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// median is the middle of some numbers.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(of))
	return s[len(s)/2]
}
