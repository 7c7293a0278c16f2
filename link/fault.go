package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// fault is an error on the wire: its whole text, and what is known of it for programs.
type fault struct {
	Text  string      `json:"text"`
	Known *knownFault `json:"known,omitempty"`
}

// knownFault is a *canopy.Error.
type knownFault struct {
	Kind   string `json:"kind"`
	Code   string `json:"code,omitempty"`
	Object string `json:"object,omitempty"`
	Attr   string `json:"attr,omitempty"`
	Other  string `json:"other,omitempty"`
	Text   string `json:"text,omitempty"`
	Next   string `json:"next,omitempty"`
	Cause  string `json:"cause,omitempty"`
}

// answered is an error that the other end answered with.
type answered struct {
	text  string
	known *canopy.Error
}

func (e *answered) Error() string { return e.text }

func (e *answered) Unwrap() error {
	if e.known == nil {
		return nil
	}
	return e.known
}

func known(e *canopy.Error) *knownFault {
	k := &knownFault{Kind: e.Kind.String(), Code: e.Code, Object: e.Object, Attr: string(e.Attr), Other: e.Other, Text: e.Text, Next: e.Next}
	if e.Err != nil {
		k.Cause = e.Err.Error()
	}
	return k
}

func (k *knownFault) error() *canopy.Error {
	e := &canopy.Error{Kind: canopy.Other, Code: k.Code, Object: k.Object, Attr: canopy.Attr(k.Attr), Other: k.Other, Text: k.Text, Next: k.Next}
	for kind := canopy.Other; kind <= canopy.Unsupported; kind++ {
		if kind.String() == k.Kind {
			e.Kind = kind
		}
	}
	if k.Cause != "" {
		e.Err = errors.New(k.Cause)
	}
	return e
}

// faultOf is an error as it goes over the wire.
func faultOf(err error) *fault {
	f := &fault{Text: err.Error()}
	var e *canopy.Error
	if errors.As(err, &e) {
		f.Known = known(e)
	}
	return f
}

func (f *fault) error() error {
	e := &answered{text: f.Text}
	if f.Known != nil {
		e.known = f.Known.error()
	}
	return e
}

// faultText is what made one object fail, "" for nothing.
func faultText(e *canopy.Error) (string, error) {
	if e == nil {
		return "", nil
	}
	b, err := json.Marshal(known(e))
	return string(b), err
}

func parseFault(text string) (*canopy.Error, error) {
	if text == "" {
		return nil, nil
	}
	var k knownFault
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return nil, fmt.Errorf("an object's error cannot be read: %w", err)
	}
	return k.error(), nil
}

// Broken is the code of the error of a connection that ended in the middle of an answer.
const Broken = "link-broken"

// broken is the error of a connection that does not carry; the context's own when that has ended.
func broken(ctx context.Context, agent string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &canopy.Error{Kind: canopy.Unreachable, Code: Broken, Object: agent, Text: "the connection to the agent broke", Err: err,
		Next: "look whether the agent runs and reaches the service; it connects again by itself"}
}
