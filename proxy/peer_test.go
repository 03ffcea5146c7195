package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// front is an engine with an HTTP listener on port 80 and members under the
// test's control.
type front struct {
	*rig
	listener lb.ListenerID
	pool     lb.PoolID
	ids      []lb.MemberID
	origins  []*origin
}

func newFront(t testing.TB, members int, edit func(*lb.ListenerSpec)) *front {
	t.Helper()
	return newFrontWith(t, Config{HeadTimeout: 500 * time.Millisecond}, members, edit)
}

func newFrontWith(t testing.TB, cfg Config, members int, edit func(*lb.ListenerSpec)) *front {
	t.Helper()
	f := &front{rig: newRig(t, cfg)}
	var addrs []netip.AddrPort
	for range members {
		o := newOrigin(t)
		f.origins = append(f.origins, o)
		addrs = append(addrs, o.addr)
	}
	f.listener, f.pool, f.ids = f.serve(lb.ProtocolHTTP, 8080, edit, addrs...)
	return f
}

// peer is one end of a scripted HTTP connection.
type peer struct {
	halfCloser
	t testing.TB
	r *bufio.Reader
}

// halfCloser is a TCP connection, or a TLS one.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// SetLinger makes closing a TCP connection reset it, with 0.
func (p *peer) SetLinger(sec int) error { return p.halfCloser.(*net.TCPConn).SetLinger(sec) }

func newPeer(t testing.TB, c halfCloser) *peer { return &peer{c, t, bufio.NewReader(c)} }

func (f *front) client() *peer { return newPeer(f.t, f.dial(8080)) }

// member is the connection that the next request opens to member i.
func (f *front) member(i int) *peer { return newPeer(f.t, f.origins[i].accept()) }

// send sends s, in which each line ends in CRLF.
func (p *peer) send(format string, args ...any) {
	p.t.Helper()
	write(p.t, p, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n"))
}

// head reads a message head and returns it with LF line ends, without the last.
func (p *peer) head() string {
	p.t.Helper()
	var b strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("read head, got %q: %v", b.String()+line, err)
		}
		line = strings.TrimSuffix(line, "\r\n")
		if line == "" {
			return strings.TrimSuffix(b.String(), "\n")
		}
		b.WriteString(line + "\n")
	}
}

// wantHead reads a head and requires lines to be among its lines, the first one
// to be its first.
func (p *peer) wantHead(first string, lines ...string) string {
	p.t.Helper()
	head := p.head()
	got := strings.Split(head, "\n")
	if got[0] != first {
		p.t.Fatalf("first line is %q, want %q", got[0], first)
	}
	for _, want := range lines {
		found := false
		for _, line := range got[1:] {
			found = found || strings.EqualFold(line, want)
		}
		if !found {
			p.t.Fatalf("head lacks %q:\n%s", want, head)
		}
	}
	return head
}

func (p *peer) body(n int) string { p.t.Helper(); return readN(p.t, p.r, n) }

func (p *peer) wantBody(want string) {
	p.t.Helper()
	if got := p.body(len(want)); got != want {
		p.t.Fatalf("got %q, want %q", got, want)
	}
}

func (p *peer) wantEnd() {
	p.t.Helper()
	if got := readAll(p.t, p.r); got != "" {
		p.t.Fatalf("got %q, want the end", got)
	}
}

// wantAbort requires the connection to end in a way that cannot be taken for the
// end of the message.
func (p *peer) wantAbort() {
	p.t.Helper()
	_, err := io.Copy(io.Discard, p.r)
	if err == nil {
		p.t.Fatal("connection ended cleanly, want it aborted")
	}
	if isTimeout(err) {
		p.t.Fatal("connection hangs, want it aborted")
	}
}

// get sends a request and reads the response, which has to be that of hello.
func (p *peer) get() error {
	if _, err := io.WriteString(p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(body) != "hello") {
		err = fmt.Errorf("status %d, body %q", resp.StatusCode, body)
	}
	return err
}
