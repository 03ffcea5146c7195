package flowlog

import (
	"bytes"
	"context"
	"net"
	"time"
)

// writeTime is how long a receiver of logs may take nothing.
const writeTime = 5 * time.Second

// link is a connection that is opened when it is needed.
type link struct {
	network, addr string
	conn          net.Conn
}

// open returns the connection, ready for the next writes.
func (l *link) open(ctx context.Context) (net.Conn, error) {
	if l.conn == nil {
		d := net.Dialer{Timeout: writeTime}
		conn, err := d.DialContext(ctx, l.network, l.addr)
		if err != nil {
			return nil, err
		}
		l.conn = conn
	}
	return l.conn, l.conn.SetWriteDeadline(time.Now().Add(writeTime))
}

// each sends a datagram for every line and returns the length of those that were sent.
// message makes it, in a buffer that it is given.
func (l *link) each(ctx context.Context, lines []byte, message func(b, line []byte) []byte) (n int, err error) {
	conn, err := l.open(ctx)
	if err != nil {
		return 0, err
	}
	var b []byte
	for n < len(lines) {
		end := n + bytes.IndexByte(lines[n:], '\n')
		b = message(b[:0], lines[n:end])
		if _, err := conn.Write(b); err != nil {
			_ = l.Close()
			return n, err
		}
		n = end + 1
	}
	return n, nil
}

// Close implements Target.
func (l *link) Close() error {
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}
