package flowlog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Syslog is a receiver of syslog messages (RFC 5424) over UDP, or over TCP with octet
// counting (RFC 6587 section 3.4.1).
type Syslog struct {
	link
	facility int
	tag      string
	head     []byte // of every message, up to the time
	tail     []byte // from there to the line
}

// severity is "informational".
const severity = 6

// NewSyslog returns a receiver. network is "udp" or "tcp", addr host:port, facility 0 to
// 23 (16 is local0). tag is the name of the application in the messages.
func NewSyslog(network, addr string, facility int, tag string) *Syslog {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "-"
	}
	return &Syslog{
		link:     link{network: network, addr: addr},
		facility: facility,
		tag:      tag,
		head:     fmt.Appendf(nil, "<%d>1 ", facility*8+severity),
		tail:     fmt.Appendf(nil, " %s %s %d - - ", host, tag, os.Getpid()),
	}
}

// message appends the message for a line.
func (t *Syslog) message(b, line []byte, at time.Time) []byte {
	b = append(b, t.head...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, t.tail...)
	return append(b, line...)
}

// Write implements Target.
func (t *Syslog) Write(ctx context.Context, lines []byte) (int, error) {
	now := time.Now()
	if t.network == "udp" {
		return t.each(ctx, lines, func(b, line []byte) []byte { return t.message(b, line, now) })
	}
	conn, err := t.open(ctx)
	if err != nil {
		return 0, err
	}
	var b, one []byte
	for line := range bytes.Lines(lines) {
		one = t.message(one[:0], bytes.TrimSuffix(line, []byte{'\n'}), now)
		b = strconv.AppendInt(b, int64(len(one)), 10)
		b = append(append(b, ' '), one...)
	}
	if _, err := conn.Write(b); err != nil {
		_ = t.Close() // what has arrived is not known: all is sent again
		return 0, err
	}
	return len(lines), nil
}

func (t *Syslog) String() string { return t.network + "://" + t.addr }
