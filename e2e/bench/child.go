package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// childFlag makes this program one of its own children: a forest, or the product.
const childFlag = "-child"

// order is what a child is told to do, one line of JSON on its standard input; its answer is one on its standard output.
type order struct {
	Do string `json:"do"`

	// for a forest
	People int   `json:"people,omitempty"` // of the lab
	Users  int   `json:"users,omitempty"`  // small ones besides
	Groups []int `json:"groups,omitempty"` // with so many members among them
	Count  int   `json:"count,omitempty"`
	Group  int   `json:"group,omitempty"`
	User   int   `json:"user,omitempty"`
	Remove bool  `json:"remove,omitempty"`

	// for the product
	Dir      string `json:"dir,omitempty"`
	CacheMiB int    `json:"cacheMiB,omitempty"`
	Rows     bool   `json:"rows,omitempty"`    // count rows after each stage
	Profile  string `json:"profile,omitempty"` // how the profiles of a cycle's stages begin; "": none
}

// answer is a child's. Error is "" when all went well.
type answer struct {
	Error string `json:"error,omitempty"`

	Forest  *served `json:"forest,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // CPU of the process so far
	Cycle   *cycle  `json:"cycle,omitempty"`
}

// served says where a forest is.
type served struct {
	URL      string `json:"url"`
	CA       string `json:"ca"`
	Account  string `json:"account"`
	Password string `json:"password"`
	Objects  int    `json:"objects"`
	People   int    `json:"people"`
}

// child is a process of this program.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// spawn starts a child; stop ends it.
func spawn(ctx context.Context, kind string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, childFlag, kind)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReaderSize(out, 1<<20)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", kind, err)
	}
	return c, nil
}

// ask gives a child an order and waits for its answer.
func (c *child) ask(o order) (answer, error) {
	var a answer
	line, err := json.Marshal(o)
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	if err == nil {
		line, err = c.out.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", o.Do, err)
	}
	return a, nil
}

// stop lets a child end and waits for it.
func (c *child) stop() error {
	_ = c.in.Close() // it ends with its input
	return c.cmd.Wait()
}

// worker is what a child does with its orders.
type worker interface {
	do(ctx context.Context, o *order) (answer, error)
	close() error
}

// serve is a child's life.
func serve(ctx context.Context, kind string, in io.Reader, out io.Writer) (err error) {
	var w worker
	switch kind {
	case "forest":
		w = &directory{}
	case "product":
		w = &product{}
	default:
		return fmt.Errorf("there is no child %q", kind)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	answers := json.NewEncoder(out)
	for orders := json.NewDecoder(in); ; {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := w.do(ctx, &o)
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}
