package forest

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// How many searches and change notifications one connection may have at once.
const (
	mostSearches = 20
	mostWatches  = 5
)

// conn is one client's connection. One goroutine reads requests; searches have one each, everything else is answered
// in turn.
type conn struct {
	server *Server
	net    net.Conn
	in     *bufio.Reader
	tls    bool
	who    *object // bound as; nil is nobody. Changes only while no search is running

	writeMu sync.Mutex
	running sync.WaitGroup
	slots   chan struct{}

	opMu    sync.Mutex
	ops     map[int64]context.CancelFunc
	watches map[int64]bool

	pageMu   sync.Mutex
	pages    map[string]*page
	lastPage int
}

func newConn(s *Server, n net.Conn, secure bool) *conn {
	return &conn{server: s, net: n, in: bufio.NewReader(n), tls: secure, slots: make(chan struct{}, mostSearches),
		ops: map[int64]context.CancelFunc{}, watches: map[int64]bool{}, pages: map[string]*page{}}
}

// serve answers requests until the connection ends.
func (c *conn) serve(ctx context.Context) {
	defer func() {
		c.net.Close()
		c.cancelAll()
		c.running.Wait()
	}()
	for {
		b, err := readMessage(c.in, c.in, c.server.opt.Behave.MaxReceive)
		var m *message
		if err == nil {
			m, err = decodeMessage(b)
		}
		if err != nil {
			c.disconnect(err)
			return
		}
		if !c.dispatch(ctx, m) {
			return
		}
	}
}

// disconnect says why the connection ends, when it is for what the client sent.
func (c *conn) disconnect(err error) {
	if _, ok := err.(net.Error); ok || c.server.isClosed() {
		return
	}
	var e encoder
	msg, body := e.message(0, 0x78)
	e.integer(0x0a, protocolError)
	e.octets("")
	e.octets("00000057: LdapErr: comment: Error decoding ldap message")
	e.str(0x8a, "1.3.6.1.4.1.1466.20036")
	e.endMessage(msg, body)
	_ = c.send(e.b)
}

// dispatch carries one request out. It returns false when the connection is to end.
func (c *conn) dispatch(ctx context.Context, m *message) bool {
	switch m.op.Tag {
	case 2: // unbind
		return false
	case 16: // abandon
		if id, err := ber.ParseInt64(m.op.Data.Bytes()); err == nil && m.op.Data.Len() > 0 {
			c.end(id)
		}
		return true
	}
	if stop, ended := c.suffer(ctx, m); stop {
		return !ended
	}
	if r := m.unsupported(); r != nil {
		c.answer(m, r)
		return true
	}
	switch m.op.Tag {
	case 0:
		c.quiet()
		c.bind(m)
	case 3:
		return c.launch(ctx, m)
	case 6, 8, 10, 12:
		c.write(m)
	case 14:
		c.compare(m)
	case 23:
		return c.extended(ctx, m)
	default:
		return false
	}
	return true
}

// launch runs a search in a goroutine of its own. A change notification is registered before the next request is read,
// so that it misses nothing that the same client does afterwards.
func (c *conn) launch(ctx context.Context, m *message) bool {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	op := c.begin(ctx, m.id)
	if m.find(notificationOID) != nil {
		m.watcher = c.server.dir.register()
	}
	c.running.Add(1)
	go func() {
		defer c.running.Done()
		defer func() { <-c.slots }()
		defer c.end(m.id)
		defer c.server.dir.release(m.watcher)
		c.search(op, m)
	}()
	return true
}

// begin notes that an operation is running and gives the context that ends with it.
func (c *conn) begin(ctx context.Context, id int64) context.Context {
	c.opMu.Lock()
	defer c.opMu.Unlock()
	op, cancel := context.WithCancel(ctx)
	if old := c.ops[id]; old != nil {
		old()
	}
	c.ops[id] = cancel
	return op
}

// watching counts a change notification, unless there are too many.
func (c *conn) watching(id int64) bool {
	c.opMu.Lock()
	defer c.opMu.Unlock()
	if len(c.watches) >= mostWatches {
		return false
	}
	c.watches[id] = true
	return true
}

// end ends an operation, by itself or because it was abandoned.
func (c *conn) end(id int64) {
	c.opMu.Lock()
	defer c.opMu.Unlock()
	if cancel := c.ops[id]; cancel != nil {
		cancel()
	}
	delete(c.ops, id)
	delete(c.watches, id)
}

func (c *conn) cancelAll() {
	c.opMu.Lock()
	defer c.opMu.Unlock()
	for _, cancel := range c.ops {
		cancel()
	}
}

// quiet ends what is running, before the connection changes who it is or how it is protected.
func (c *conn) quiet() {
	c.cancelAll()
	c.running.Wait()
}

// send writes octets of whole messages.
func (c *conn) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	_, err := c.net.Write(b)
	return err
}

// answer sends a request's result; nil is success.
func (c *conn) answer(m *message, r *refusal, controls ...[]byte) {
	tag := 0x60 | byte(m.op.Tag+1)
	if m.op.Tag == 3 {
		tag = 0x65
	}
	var e encoder
	e.result(m.id, tag, r, controls...)
	_ = c.send(e.b)
}

func (c *conn) scheme() string {
	if c.tls {
		return "ldaps"
	}
	return "ldap"
}

// extended carries out StartTLS and refuses all other extended operations.
func (c *conn) extended(ctx context.Context, m *message) bool {
	oid := ""
	if len(m.op.Children) > 0 {
		oid = octetsOf(m.op.Children[0])
	}
	switch {
	case oid != "1.3.6.1.4.1.1466.20037":
		c.answer(m, refuse(protocolError, "0000203D: LdapErr: comment: Unknown extended request OID %s", oid))
		return true
	case c.tls:
		c.answer(m, refuse(operationsError, "00002020: LdapErr: comment: TLS is in place already"))
		return true
	}
	c.quiet()
	c.answer(m, nil)
	secure := tls.Server(c.net, c.server.tlsConfig)
	if secure.HandshakeContext(ctx) != nil {
		return false
	}
	c.net, c.in, c.tls, c.who = secure, bufio.NewReader(secure), true, nil
	return true
}
