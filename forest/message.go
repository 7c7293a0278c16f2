package forest

import (
	"errors"
	"io"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// message is one LDAP request.
type message struct {
	id       int64
	op       *ber.Packet
	controls []requestControl
	drop     int // entries after which a fault ends the connection
	watcher  *watcher
}

// requestControl is one control of a request.
type requestControl struct {
	oid      string
	critical bool
	value    *ber.Packet // nil when it has none or it is not BER
	given    bool        // there was a value
}

var errMessage = errors.New("message is malformed")

// readMessage reads the octets of one message, at most limit of them.
func readMessage(r io.ByteReader, rest io.Reader, limit int) ([]byte, error) {
	tag, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	first, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	b := []byte{tag, first}
	n := int(first)
	if first >= 0x80 {
		n = 0
		if first == 0x80 || first > 0x84 {
			return nil, errMessage
		}
		for range first & 0x7f {
			c, err := r.ReadByte()
			if err != nil {
				return nil, err
			}
			b = append(b, c)
			n = n<<8 | int(c)
		}
	}
	if tag != 0x30 || n > limit {
		return nil, errMessage
	}
	at := len(b)
	b = append(b, make([]byte, n)...)
	_, err = io.ReadFull(rest, b[at:])
	return b, err
}

// decodeMessage reads a message's outer form.
func decodeMessage(b []byte) (*message, error) {
	p, err := ber.DecodePacketErr(b)
	if err != nil {
		return nil, err
	}
	if len(p.Children) < 2 || len(p.Children) > 3 || p.Children[1].ClassType != ber.ClassApplication {
		return nil, errMessage
	}
	m := &message{op: p.Children[1]}
	var ok bool
	if m.id, ok = integerOf(p.Children[0]); !ok || m.id < 0 || m.id > 1<<31-1 {
		return nil, errMessage
	}
	if len(p.Children) == 3 {
		for _, c := range p.Children[2].Children {
			if rc, ok := decodeControl(c); ok {
				m.controls = append(m.controls, rc)
			} else {
				return nil, errMessage
			}
		}
	}
	return m, nil
}

func decodeControl(p *ber.Packet) (c requestControl, ok bool) {
	if len(p.Children) < 1 || len(p.Children) > 3 {
		return c, false
	}
	c.oid = octetsOf(p.Children[0])
	for _, x := range p.Children[1:] {
		switch {
		case x.ClassType == ber.ClassUniversal && x.Tag == ber.TagBoolean:
			c.critical, _ = x.Value.(bool)
		case x.ClassType == ber.ClassUniversal && x.Tag == ber.TagOctetString:
			raw := x.Data.Bytes()
			c.given = len(raw) > 0
			if v, err := ber.DecodePacketErr(raw); err == nil {
				c.value = v
			} else if x.TagType == ber.TypeConstructed && len(x.Children) == 1 {
				c.value = x.Children[0]
			}
		default:
			return c, false
		}
	}
	return c, true
}

// octetsOf is the content of a primitive element.
func octetsOf(p *ber.Packet) string {
	if p == nil || p.Data == nil || p.TagType != ber.TypePrimitive {
		return ""
	}
	return p.Data.String()
}

// integerOf is the content of an INTEGER or ENUMERATED.
func integerOf(p *ber.Packet) (int64, bool) {
	if p == nil || p.TagType != ber.TypePrimitive || p.Data == nil || p.Data.Len() == 0 || p.Data.Len() > 8 {
		return 0, false
	}
	n, err := ber.ParseInt64(p.Data.Bytes())
	return n, err == nil
}

// integersOf are the leading integers in a control's value; what is missing is 0.
func integersOf(p *ber.Packet, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		if p != nil && i < len(p.Children) {
			out[i], _ = integerOf(p.Children[i])
		}
	}
	return out
}

// stringsOf are the octet strings in a sequence.
func stringsOf(p *ber.Packet) []string {
	if p == nil {
		return nil
	}
	list := make([]string, 0, len(p.Children))
	for _, c := range p.Children {
		list = append(list, octetsOf(c))
	}
	return list
}
