package flowlog

import (
	"strconv"
	"time"
)

// Format is how a record becomes a line.
type Format uint8

// The formats.
const (
	// Octavia is Octavia's default, "user_log_format": project, load balancer, listener,
	// client address, client port, time, "request line", status, bytes to the client,
	// bytes from the client, verification of the client's certificate, "its subject",
	// pool:listener, member, milliseconds, how it ended. What does not apply is "-".
	Octavia Format = iota
	// JSON is an object a line, without the members that do not apply.
	JSON
)

// maxField bounds what a client can put into a line.
const maxField = 1024

// append appends the line of r without its end. It allocates nothing but room in b.
func (f Format) append(b []byte, r *Record, c *clock, at time.Time) []byte {
	if f == JSON {
		return appendJSON(b, r, at)
	}
	return appendOctavia(b, r, c, at)
}

func appendOctavia(b []byte, r *Record, c *clock, at time.Time) []byte {
	b = appendWord(b, r.Project)
	b = appendWord(append(b, ' '), string(r.LoadBalancer))
	b = appendWord(append(b, ' '), string(r.Listener))
	b = append(b, ' ')
	b = r.Client.Addr().AppendTo(b)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(r.Client.Port()), 10)
	b = append(b, ' ')
	b = c.append(b, at)
	b = append(b, ' ', '"')
	switch {
	case !r.HTTP:
		b = append(b, '-')
	case len(r.Method) == 0:
		b = append(b, "<BADREQ>"...)
	default:
		b = appendQuoted(b, r.Method)
		b = append(b, ' ')
		b = appendQuoted(b, r.Target)
		b = append(b, ' ')
		b = append(b, r.Proto...)
	}
	b = append(b, '"', ' ')
	if r.Status == 0 {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, int64(r.Status), 10)
	}
	b = append(b, ' ')
	b = strconv.AppendUint(b, r.BytesOut, 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, r.BytesIn, 10)
	if r.Verified {
		b = append(b, " 0 \""...)
	} else {
		b = append(b, " - \""...)
	}
	b = appendQuoted(b, r.Subject)
	b = append(b, '"', ' ')
	b = appendWord(b, string(r.Pool))
	if r.Pool != "" {
		b = append(b, ':')
		b = append(b, r.Listener...)
	}
	b = appendWord(append(b, ' '), string(r.Member))
	b = append(b, ' ')
	b = strconv.AppendInt(b, r.Duration.Milliseconds(), 10)
	return append(b, ' ', r.End[0], r.End[1], '-', '-')
}

// appendWord appends a word without spaces, "-" for none.
func appendWord(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return append(b, s...)
}

const hexDigits = "0123456789ABCDEF"

// appendQuoted appends what stands between quotes. What could end them, or the line, is
// written as HAProxy does: # and two digits.
func appendQuoted[T string | []byte](b []byte, s T) []byte {
	for i := range min(len(s), maxField) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '#', c == '\\':
			b = append(b, '#', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// clock writes times and keeps what does not change within a second.
type clock struct {
	second int64
	text   [len(timeLayout)]byte
}

// timeLayout is HAProxy's %t, in UTC.
const timeLayout = "02/Jan/2006:15:04:05."

func (c *clock) append(b []byte, at time.Time) []byte {
	if second := at.Unix(); second != c.second || c.text[0] == 0 {
		c.second = second
		at.UTC().AppendFormat(c.text[:0], timeLayout)
	}
	b = append(b, c.text[:]...)
	ms := at.Nanosecond() / 1e6
	return append(b, '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10))
}
