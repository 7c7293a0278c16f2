package forest

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// encoder writes LDAP messages in BER. Constructed elements have lengths of four octets, as a Windows server writes them,
// so that nothing has to be moved when they are closed.
type encoder struct {
	b []byte
}

func (e *encoder) open(tag byte) int {
	e.b = append(e.b, tag, 0x84, 0, 0, 0, 0)
	return len(e.b)
}

func (e *encoder) close(at int) {
	binary.BigEndian.PutUint32(e.b[at-4:at], uint32(len(e.b)-at))
}

// head writes a tag and the length of what follows.
func (e *encoder) head(tag byte, n int) {
	switch {
	case n < 0x80:
		e.b = append(e.b, tag, byte(n))
	case n < 0x100:
		e.b = append(e.b, tag, 0x81, byte(n))
	case n < 0x10000:
		e.b = append(e.b, tag, 0x82, byte(n>>8), byte(n))
	default:
		e.b = append(e.b, tag, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

func (e *encoder) str(tag byte, s string) {
	e.head(tag, len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) octets(s string) { e.str(0x04, s) }

func (e *encoder) integer(tag byte, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	i := 0
	for i < 7 && (b[i] == 0 && b[i+1] < 0x80 || b[i] == 0xff && b[i+1] >= 0x80) {
		i++
	}
	e.head(tag, 8-i)
	e.b = append(e.b, b[i:]...)
}

// message opens an LDAPMessage with an operation in it; endMessage closes both.
func (e *encoder) message(id int64, op byte) (msg, body int) {
	msg = e.open(0x30)
	e.integer(0x02, id)
	return msg, e.open(op)
}

func (e *encoder) endMessage(msg, body int, controls ...[]byte) {
	e.close(body)
	if len(controls) > 0 {
		list := e.open(0xa0)
		for _, c := range controls {
			e.b = append(e.b, c...)
		}
		e.close(list)
	}
	e.close(msg)
}

// result writes an LDAPResult message.
func (e *encoder) result(id int64, op byte, r *refusal, controls ...[]byte) {
	msg, body := e.message(id, op)
	if r == nil {
		r = &refusal{}
	}
	e.integer(0x0a, int64(r.code))
	e.octets(r.matched)
	e.octets(r.text)
	if r.referral != "" {
		at := e.open(0xa3)
		e.octets(r.referral)
		e.close(at)
	}
	e.endMessage(msg, body, controls...)
}

// control writes a control of an answer.
func control(oid string, value func(*encoder)) []byte {
	var v, e encoder
	value(&v)
	at := e.open(0x30)
	e.octets(oid)
	e.octets(string(v.b))
	e.close(at)
	return e.b
}

// extended says how DNs are written: plain, or with GUID and SID in front, in hexadecimal or as text.
type extended uint8

const (
	plainDNs extended = iota
	hexDNs
	textDNs
)

// dn writes an object's DN as an octet string.
func (e *encoder) dn(o *object, ext extended) {
	if ext == plainDNs {
		e.head(0x04, o.lenDN())
		e.b = o.appendDN(e.b)
		return
	}
	e.octets(extendedPrefix(o, ext) + o.distinguished())
}

func extendedPrefix(o *object, ext extended) string {
	g, s := o.guid.String(), sidText(o.sid)
	if ext == hexDNs {
		g, s = hex.EncodeToString(o.guid[:]), hex.EncodeToString([]byte(o.sid))
	}
	g = "<GUID=" + g + ">;"
	if s != "" {
		g += "<SID=" + s + ">;"
	}
	return g
}

// openAttr begins an attribute with its name; its values follow, then closeAttr.
func (e *encoder) openAttr(name string) (seq, set int) {
	seq = e.open(0x30)
	e.octets(name)
	return seq, e.open(0x31)
}

func (e *encoder) closeAttr(seq, set int) {
	e.close(set)
	e.close(seq)
}

// attr writes an attribute whose values are at hand.
func (e *encoder) attr(name string, vals ...string) {
	seq, set := e.openAttr(name)
	for _, v := range vals {
		e.octets(v)
	}
	e.closeAttr(seq, set)
}

// span is a range of values asked for: from lo to hi, both counted from 0; hi -1 is up to the last.
type span struct{ lo, hi int }

// cut says which of total values go into an answer (lo to before hi) and what is put behind the attribute's name.
func (s *span) cut(total, most int) (lo, hi int, option string) {
	if s == nil {
		if most <= 0 || total <= most {
			return 0, total, ""
		}
		s = &span{0, -1}
	}
	lo, hi = s.lo, total
	if s.hi >= 0 && s.hi < total {
		hi = s.hi + 1
	}
	if most > 0 && hi-lo > most {
		hi = lo + most
	}
	if lo >= total {
		return 0, 0, ";range=" + strconv.Itoa(lo) + "-*"
	}
	if hi >= total {
		return lo, total, ";range=" + strconv.Itoa(lo) + "-*"
	}
	return lo, hi, ";range=" + strconv.Itoa(lo) + "-" + strconv.Itoa(hi-1)
}
