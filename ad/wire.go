package ad

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// firstID is the first number of this package's own messages; go-ldap counts from 1 and never comes here.
const firstID = 1 << 30

// spareSize is the largest message whose memory is used again.
const spareSize = 64 << 10

// wire is a connection to a controller that go-ldap (bind, writes) and this package's own searches share: messages are
// handed on by their numbers. Searches have a reader of their own since go-ldap builds a tree of packets for each value,
// which costs ten times the decoding, and since its time limit is for a whole answer and drops messages on a slow reader.
//
// One search at a time may be read slowly, since a message that nobody takes stops those behind it.
type wire struct {
	net.Conn // TLS, or TCP without
	idle     *idleConn

	others chan []byte // messages for go-ldap
	rest   []byte      // of the message that go-ldap reads now
	spare  chan []byte

	writing sync.Mutex
	mu      sync.Mutex
	streams map[int64]*stream
	next    int64
	err     error         // why it ended
	ended   chan struct{} // closed with it
	pumped  chan struct{} // closed when the pump has ended
}

// stream is one search on a wire.
type stream struct {
	id   int64
	in   chan []byte
	quit chan struct{}
}

func newWire(c net.Conn, idle *idleConn) *wire {
	w := &wire{Conn: c, idle: idle, others: make(chan []byte, 4), spare: make(chan []byte, 64), streams: map[int64]*stream{}, next: firstID,
		ended: make(chan struct{}), pumped: make(chan struct{})}
	go w.pump()
	return w
}

// pump reads messages and hands them on until the connection ends.
func (w *wire) pump() {
	defer close(w.pumped)
	r := bufio.NewReaderSize(w.Conn, 64<<10)
	for {
		msg, id, err := readMessage(r, w.spareBuffer)
		if err != nil {
			w.fail(err)
			return
		}
		if id == 0 { // a notice of disconnection
			w.fail(noticeOf(msg))
			return
		}
		if id < firstID {
			select {
			case w.others <- msg:
			case <-w.ended:
				return
			}
			continue
		}
		w.mu.Lock()
		s := w.streams[id]
		w.mu.Unlock()
		if s == nil {
			continue // of a search that was given up
		}
		select {
		case s.in <- msg:
		case <-s.quit:
		case <-w.ended:
			return
		}
	}
}

func noticeOf(msg []byte) error {
	if _, op, _, err := operation(msg); err == nil {
		if _, err := parseDone(op, nil); err != nil {
			return err
		}
	}
	return errors.New("the controller ended the connection")
}

func (w *wire) spareBuffer() []byte {
	select {
	case b := <-w.spare:
		return b
	default:
		return nil
	}
}

// giveBack lets a message's memory be used again.
func (w *wire) giveBack(msg []byte) {
	if cap(msg) <= spareSize {
		select {
		case w.spare <- msg:
		default:
		}
	}
}

// fail ends the wire; the first error is kept.
func (w *wire) fail(err error) {
	w.mu.Lock()
	first := w.err == nil
	if first {
		w.err = err
		close(w.ended)
	}
	w.mu.Unlock()
	if first {
		_ = w.Conn.Close() // it is of no use any more
	}
}

// Close ends the connection. It is what go-ldap calls, too.
func (w *wire) Close() error {
	w.fail(net.ErrClosed)
	return nil
}

// alive tells whether the connection has not ended.
func (w *wire) alive() bool {
	select {
	case <-w.ended:
		return false
	default:
		return true
	}
}

// Read gives go-ldap its messages.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.rest) == 0 {
		select {
		case w.rest = <-w.others:
		case <-w.ended:
			return 0, io.EOF
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// Write sends one or more whole messages.
func (w *wire) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	n, err := w.Conn.Write(p)
	if err != nil {
		w.fail(err)
	}
	return n, err
}

// open starts a search; the caller ends it with close.
func (w *wire) open(q *query) (*stream, error) {
	w.mu.Lock()
	s := &stream{id: w.next, in: make(chan []byte, 64), quit: make(chan struct{})}
	w.next++
	w.streams[s.id] = s
	w.mu.Unlock()
	msg, err := q.encode(s.id)
	if err == nil {
		w.idle.begin()
		if _, err = w.Write(msg); err != nil {
			w.idle.end()
		}
	}
	if err != nil {
		w.forget(s)
		return nil, err
	}
	return s, nil
}

func (w *wire) forget(s *stream) {
	w.mu.Lock()
	delete(w.streams, s.id)
	w.mu.Unlock()
}

// close ends a search. What still comes of it is thrown away.
func (w *wire) close(s *stream) {
	w.forget(s)
	close(s.quit)
	w.idle.end()
}

// receive gives a search's next message. Its memory goes to giveBack.
func (w *wire) receive(ctx context.Context, s *stream) ([]byte, error) {
	select {
	case msg := <-s.in:
		return msg, nil
	default:
	}
	select {
	case msg := <-s.in:
		return msg, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.ended:
		select {
		case msg := <-s.in: // came before the end
			return msg, nil
		default:
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return nil, w.err
	}
}

// idleConn ends a connection that is silent for too long while an answer is owed.
type idleConn struct {
	net.Conn
	limit time.Duration

	mu   sync.Mutex
	owed int
}

func (c *idleConn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed++
	c.arm()
}

func (c *idleConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed--
	c.arm()
}

// arm sets the time until which something must have been read.
func (c *idleConn) arm() {
	var at time.Time
	if c.owed > 0 {
		at = time.Now().Add(c.limit)
	}
	_ = c.Conn.SetReadDeadline(at) // fails only on a connection that is closed, which reading tells
}

func (c *idleConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.arm()
	c.mu.Unlock()
	return c.Conn.Read(p)
}

func (c *idleConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
