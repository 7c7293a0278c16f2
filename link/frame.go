package link

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/canopy-sync/canopy"
)

// kind says what a frame holds.
type kind byte

const (
	frameEnd     kind = iota + 1 // nothing: the answer is whole
	frameFault                   // what failed; the last frame
	frameJSON                    // a request or an answer without values
	frameBatch                   // a canopy.Batch or a part of one
	frameChanges                 // changes
	frameExports                 // exports
	frameRing                    // nothing: the directory announced a change
)

const (
	// partSize is where a batch is cut, in bytes before compression.
	partSize = 1 << 20
	// maxFrame is the most that a frame may hold, before compression and after.
	maxFrame = 64 << 20
	// packFrom is from where on compressing is worth it.
	packFrom = 256

	headSize = 6
)

// The forms of a frame's content.
const (
	formPlain byte = 0
	formZstd  byte = 1
)

var packer = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
})

var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxFrame), zstd.WithDecoderConcurrency(2))
})

// tooLarge is the error of a frame past the limit.
type tooLarge struct{ size, limit int }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("a frame of %d bytes, and %d are allowed", e.size, e.limit)
}

// frame makes a frame: its kind, its form, its length, its content.
func frame(k kind, content []byte) ([]byte, error) {
	if len(content) > maxFrame {
		return nil, &tooLarge{len(content), maxFrame}
	}
	b := make([]byte, headSize, headSize+len(content)/2+64)
	b[0], b[1] = byte(k), formPlain
	if len(content) < packFrom {
		b = append(b, content...)
	} else {
		enc, err := packer()
		if err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		b[1] = formZstd
		b = enc.EncodeAll(content, b)
	}
	binary.BigEndian.PutUint32(b[2:], uint32(len(b)-headSize))
	return b, nil
}

// readFrame reads a frame of at most limit bytes. Memory is taken as the bytes come, not as the head promises.
func readFrame(r io.Reader, limit int) (kind, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(binary.BigEndian.Uint32(head[2:]))
	if size > limit {
		return 0, nil, &tooLarge{size, limit}
	}
	var b bytes.Buffer
	if n, err := io.CopyN(&b, r, int64(size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, fmt.Errorf("after %d of a frame's %d bytes: %w", n, size, err)
	}
	switch head[1] {
	case formPlain:
		return kind(head[0]), b.Bytes(), nil
	case formZstd:
		content, err := unpack(b.Bytes(), limit)
		return kind(head[0]), content, err
	}
	return 0, nil, fmt.Errorf("a frame's form %d is not known", head[1])
}

func unpack(b []byte, limit int) ([]byte, error) {
	dec, err := unpacker()
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if h.HasFCS && h.FrameContentSize > uint64(limit) {
		return nil, &tooLarge{int(min(h.FrameContentSize, 1<<40)), limit}
	}
	content, err := dec.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(content) > limit {
		return nil, &tooLarge{len(content), limit}
	}
	return content, nil
}

func jsonFrame(k kind, v any) ([]byte, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write a frame: %w", err)
	}
	return frame(k, content)
}

// batchHead is what all parts of a batch say.
func (p *put) batchHead(b *canopy.Batch) {
	p.record(func(p *put) {
		p.flag(b.Full)
		p.flag(b.Anew)
		p.flag(b.Done)
		p.text(string(b.Cursor))
		p.int(int64(b.Expected))
	})
}

// cutter cuts the batches of a read into frames of about partSize. A part that does not end its batch carries the cursor
// of the batch before, from where nothing is lost.
type cutter struct {
	size   int
	before []byte // the cursor of the batch before
}

// cut calls each with the frames of a batch.
func (c *cutter) cut(b canopy.Batch, each func([]byte) error) error {
	var body put
	flush := func(h *canopy.Batch) error {
		var p put
		p.batchHead(h)
		f, err := frame(frameBatch, append(p.b, body.b...))
		if err != nil {
			return err
		}
		body.b = body.b[:0]
		return each(f)
	}
	part := b
	part.Cursor, part.Done = c.before, false
	for i := range b.Changes {
		at := len(body.b)
		if err := body.change(&b.Changes[i]); err != nil {
			return err
		}
		if len(body.b)-at > maxFrame/2 {
			body.b = body.b[:at]
			if err := body.change(tooBig(&b.Changes[i])); err != nil {
				return err
			}
		}
		if len(body.b) >= c.size && i < len(b.Changes)-1 {
			if err := flush(&part); err != nil {
				return err
			}
			part.Anew = false
		}
	}
	b.Anew = part.Anew
	c.before = b.Cursor
	return flush(&b)
}

// tooBig is what remains of a change that no frame can hold.
func tooBig(c *canopy.Change) *canopy.Change {
	return &canopy.Change{Kind: c.Kind, Class: c.Class, Anchor: c.Anchor, DN: c.DN, Parent: c.Parent, Failed: &canopy.Error{Kind: canopy.Invalid,
		Code: "too-large", Object: c.DN, Text: "the object is too large to be sent by the agent", Next: "look for a very large value or very many links"}}
}

func parseBatch(content []byte) (canopy.Batch, error) {
	t := take{b: content}
	var b canopy.Batch
	t.record(func(t *take) {
		b.Full, b.Anew, b.Done = t.flag(), t.flag(), t.flag()
		if c := t.text(); c != "" {
			b.Cursor = []byte(c)
		}
		b.Expected = int(t.int())
	})
	var err error
	b.Changes, err = t.changes()
	return b, err
}

func (t *take) changes() ([]canopy.Change, error) {
	var list []canopy.Change
	for len(t.b) > 0 && t.err == nil {
		list = append(list, t.change())
	}
	return list, t.err
}

func parseExports(content []byte) ([]canopy.Export, error) {
	t := take{b: content}
	var list []canopy.Export
	for len(t.b) > 0 && t.err == nil {
		list = append(list, t.export())
	}
	return list, t.err
}

// pack puts n records into frames of about partSize, and calls each with them; there is at least one.
func pack(k kind, n int, add func(p *put, i int) error, each func([]byte) error) error {
	var p put
	for i := range n {
		if err := add(&p, i); err != nil {
			return err
		}
		if len(p.b) < partSize && i < n-1 {
			continue
		}
		f, err := frame(k, p.b)
		if err == nil {
			err = each(f)
		}
		if err != nil {
			return err
		}
		p.b = p.b[:0]
	}
	return nil
}
