package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
)

// asked is what the product asks a directory for in a first read.
type asked struct {
	filter string
	attrs  []string
}

// listen finds out, by listening to a connection in clear text, what the product asks for, so that the floor asks the same.
func listen(ctx context.Context) (_ asked, err error) {
	b := forest.Behave{PlainBind: true}
	s, err := forest.Start(ctx, forest.Options{Domain: domainName, Exchange: true, Behave: b,
		Accounts: []forest.Account{{Name: reader, Password: readerWord, Rights: forest.Rights{Replicate: true, Deleted: true}}}})
	if err != nil {
		return asked{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t, err := tap(ctx, strings.TrimPrefix(s.PlainURL(), "ldap://"))
	if err != nil {
		return asked{}, err
	}
	c, err := ad.Open(ad.Config{Name: domainName, Servers: []string{"ldap://" + t.l.Addr().String()}, Strict: true, Plain: true,
		Bind: ad.Bind{Account: reader + "@" + domainName, Password: readerWord}})
	if err != nil {
		return asked{}, errors.Join(err, t.close())
	}
	rules, err := run.LoadRules("", "")
	if err == nil {
		req := canopy.ReadRequest{}
		req.Classes, req.Attrs = rules.Reads("ad")
		err = c.Read(ctx, req, func(canopy.Batch) error { return nil })
	}
	if err := errors.Join(err, c.Close(), t.close()); err != nil {
		return asked{}, err
	}
	return t.asked()
}

// wiretap passes connections on, and keeps what clients say.
type wiretap struct {
	l    net.Listener
	to   string
	wait sync.WaitGroup

	mu   sync.Mutex
	said []*bytes.Buffer
}

func tap(ctx context.Context, to string) (*wiretap, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &wiretap{l: l, to: to}
	t.wait.Go(func() {
		for {
			n, err := l.Accept()
			if err != nil {
				return
			}
			t.wait.Go(func() { t.pass(n) })
		}
	})
	return t, nil
}

// pass carries one connection until either side ends it.
func (t *wiretap) pass(client net.Conn) {
	server, err := net.Dial("tcp", t.to)
	if err != nil {
		client.Close()
		return
	}
	said := &bytes.Buffer{}
	t.mu.Lock()
	t.said = append(t.said, said)
	t.mu.Unlock()
	t.wait.Go(func() {
		_, _ = io.Copy(client, server) // it ends when one of them is closed
		client.Close()
	})
	_, _ = io.Copy(io.MultiWriter(server, said), client)
	server.Close()
}

func (t *wiretap) close() error {
	err := t.l.Close()
	t.wait.Wait()
	return err
}

// asked finds the search with the DirSync control in what was said.
func (t *wiretap) asked() (asked, error) {
	for _, said := range t.said {
		for {
			m, err := ber.ReadPacket(said)
			if err != nil {
				break
			}
			if a, ok, err := dirSyncOf(m); ok {
				return a, err
			}
		}
	}
	return asked{}, errors.New("the product read without the DirSync control")
}

// dirSyncOf takes a search with the DirSync control apart.
func dirSyncOf(m *ber.Packet) (a asked, ok bool, err error) {
	if len(m.Children) < 3 || m.Children[1].Tag != ldap.ApplicationSearchRequest || len(m.Children[1].Children) < 8 {
		return a, false, nil
	}
	oids := m.Children[2].Children
	if !slices.ContainsFunc(oids, func(c *ber.Packet) bool { return len(c.Children) > 0 && c.Children[0].Value == ldap.ControlTypeDirSync }) {
		return a, false, nil
	}
	search := m.Children[1].Children
	if a.filter, err = ldap.DecompileFilter(search[6]); err != nil {
		return a, true, fmt.Errorf("read the filter of a search: %w", err)
	}
	for _, c := range search[7].Children {
		a.attrs = append(a.attrs, fmt.Sprint(c.Value))
	}
	return a, true, nil
}
