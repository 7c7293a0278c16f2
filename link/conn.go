package link

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// Pulse is how a silent connection is found out: after Idle without a word the other end is asked, and after Answer
// without one the connection is given up. Zero fields have defaults.
type Pulse struct{ Idle, Answer time.Duration }

func (p Pulse) complete() Pulse {
	if p.Idle <= 0 {
		p.Idle = 3 * time.Second
	}
	if p.Answer <= 0 {
		p.Answer = 5 * time.Second
	}
	return p
}

const (
	maxStreams  = 64
	maxHead     = 16 << 10
	uploadCount = 1 << 20 // bytes of a request that may be on their way
)

// Serve answers on a connection that the agent made, until it ends or ctx does, and waits for what it began.
func (e *End) Serve(ctx context.Context, conn net.Conn, p Pulse) {
	p = p.complete()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whoever reads has its error
	defer stop()
	var at gate
	inner := e.Handler()
	s := http2.Server{MaxConcurrentStreams: maxStreams, ReadIdleTimeout: p.Idle, PingTimeout: p.Answer, WriteByteTimeout: p.Idle + p.Answer,
		MaxUploadBufferPerStream: uploadCount, MaxUploadBufferPerConnection: 4 * uploadCount}
	s.ServeConn(conn, &http2.ServeConnOpts{Context: ctx,
		BaseConfig: &http.Server{MaxHeaderBytes: maxHead, ErrorLog: log.New(io.Discard, "", 0)},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if at.enter() {
				defer at.busy.Done()
				inner.ServeHTTP(w, r)
			}
		})})
	cancel()
	at.shut()
}

// gate counts requests under way, and lets none in once it is shut.
type gate struct {
	mu   sync.Mutex
	over bool
	busy sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.busy.Add(1)
	}
	return !g.over
}

// shut waits for those that are within.
func (g *gate) shut() {
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	g.busy.Wait()
}

// closing tells when a connection was closed, by whomever.
type closing struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// carry makes the service's end of a connection that an agent made. The channel is closed with the connection.
func carry(conn net.Conn, p Pulse) (*http2.ClientConn, <-chan struct{}, error) {
	p = p.complete()
	c := &closing{Conn: conn, closed: make(chan struct{})}
	t := &http2.Transport{DisableCompression: true, MaxHeaderListSize: maxHead, ReadIdleTimeout: p.Idle, PingTimeout: p.Answer,
		WriteByteTimeout: p.Idle + p.Answer, StrictMaxConcurrentStreams: true}
	cc, err := t.NewClientConn(c)
	return cc, c.closed, err
}
