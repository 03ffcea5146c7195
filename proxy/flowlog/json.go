package flowlog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

func appendJSON(b []byte, r *Record, at time.Time) []byte {
	b = append(b, `{"time":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, '"')
	b = member(b, "project_id", r.Project)
	b = member(b, "loadbalancer_id", r.LoadBalancer)
	b = member(b, "listener_id", r.Listener)
	b = append(b, `,"client":"`...)
	b = r.Client.Addr().AppendTo(b)
	b = append(b, `","client_port":`...)
	b = strconv.AppendUint(b, uint64(r.Client.Port()), 10)
	if r.HTTP {
		b = member(b, "method", r.Method)
		b = member(b, "host", r.Host)
		b = member(b, "target", r.Target)
		b = member(b, "protocol", r.Proto)
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(r.Status), 10)
	}
	b = member(b, "tls_version", r.TLS)
	b = member(b, "server_name", r.ServerName)
	if r.Verified {
		b = member(b, "client_subject", r.Subject)
	}
	b = member(b, "pool_id", r.Pool)
	b = member(b, "member_id", r.Member)
	b = append(b, `,"bytes_in":`...)
	b = strconv.AppendUint(b, r.BytesIn, 10)
	b = append(b, `,"bytes_out":`...)
	b = strconv.AppendUint(b, r.BytesOut, 10)
	b = append(b, `,"duration_us":`...)
	b = strconv.AppendInt(b, r.Duration.Microseconds(), 10)
	return append(append(b, `,"end":"`...), r.End[0], r.End[1], '"', '}')
}

// member appends a member with a string, unless that is empty.
func member[T ~string | ~[]byte](b []byte, name string, s T) []byte {
	if len(s) == 0 {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	b = appendEscaped(b, s[:min(len(s), maxField)])
	return append(b, '"')
}

// appendEscaped appends what stands between the quotes of a JSON string (RFC 8259
// section 7). Bytes that are not UTF-8 become U+FFFD.
func appendEscaped[T ~string | ~[]byte](b []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			var raw [utf8.UTFMax]byte
			r, n := utf8.DecodeRune(raw[:copy(raw[:], s[i:])])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return b
}
