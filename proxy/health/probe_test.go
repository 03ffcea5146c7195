package health

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// member serves connections with handle until the test ends.
func member(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// answering reads a request head and sends answer.
func answering(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		readHead(conn)
		_, _ = io.WriteString(conn, answer)
	}
}

func readHead(conn net.Conn) string {
	var head []byte
	buf := make([]byte, 512)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		head = append(head, buf[:n]...)
	}
	return string(head)
}

// hang waits until the other side gives up.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func tcpTarget(addr netip.AddrPort) Target {
	return Target{
		Pool: "p", Member: "m", Monitor: "h", Addr: addr, Type: lb.MonitorTCP,
		Delay: time.Second, Timeout: 5 * time.Second, Rise: 2, Fall: 2,
	}
}

func httpTarget(addr netip.AddrPort) Target {
	t := tcpTarget(addr)
	t.Type, t.Method, t.Path, t.ExpectedCodes, t.Version = lb.MonitorHTTP, "GET", "/", "200", "1.0"
	return t
}

func run(t *testing.T, target Target) error {
	t.Helper()
	cfg := Config{}.withDefaults()
	return probe(t.Context(), &cfg, target)
}

func TestProbeHTTPAnswers(t *testing.T) {
	testenv.NoLeaks(t)
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for _, tt := range []struct {
		name, codes, answer string
		want                string // part of the error; "": healthy
	}{
		{"ok", "200", ok, ""},
		{"1.0", "200", "HTTP/1.0 200 OK\r\n\r\n", ""},
		{"body cut short", "200", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi", ""},
		{"chunked without end", "200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"interim", "200", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok, ""},
		{"only interim", "200", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxInterim+1), "interim"},
		{"wrong status", "200", "HTTP/1.1 503 Down\r\n\r\n", "status 503, expected 200"},
		{"list", "200,202", "HTTP/1.1 202 Accepted\r\n\r\n", ""},
		{"range", "200-204", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"above range", "200-204", "HTTP/1.1 205 Reset\r\n\r\n", "status 205, expected 200-204"},
		{"not http", "200", "220 smtp.example.com ESMTP\r\n\r\n", "read answer: malformed"},
		{"closed at once", "200", "", "closed the connection early"},
		{"closed in the head", "200", "HTTP/1.1 200 OK\r\nServer:", "closed the connection early"},
		{"endless head", "200", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHead/6), "more than 65536 bytes of headers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := httpTarget(member(t, answering(tt.answer)))
			target.ExpectedCodes = tt.codes
			err := run(t, target)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestProbeHTTPRequest(t *testing.T) {
	addr := netip.MustParseAddrPort("[2001:db8::1]:8080")
	for _, tt := range []struct {
		method, version, host, want string
	}{
		{"GET", "1.0", "", "GET /up?x=1 HTTP/1.0\r\nUser-Agent: amphora\r\nConnection: close\r\n\r\n"},
		{"HEAD", "1.1", "www.example.com", "HEAD /up?x=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: amphora\r\nConnection: close\r\n\r\n"},
		{"POST", "1.1", "", "POST /up?x=1 HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nContent-Length: 0\r\nUser-Agent: amphora\r\nConnection: close\r\n\r\n"},
	} {
		target := httpTarget(addr)
		target.Method, target.Path, target.Version, target.Host = tt.method, "/up?x=1", tt.version, tt.host
		if got := request(target); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
	var got string
	asked := make(chan struct{})
	target := httpTarget(member(t, func(conn net.Conn) {
		got = readHead(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		close(asked)
	}))
	if err := run(t, target); err != nil {
		t.Fatal(err)
	}
	<-asked
	if want := request(target); got != want {
		t.Errorf("the member got %q, want %q", got, want)
	}
}

func TestProbeTCP(t *testing.T) {
	if err := run(t, tcpTarget(member(t, func(net.Conn) {}))); err != nil {
		t.Errorf("a member that accepts: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = run(t, tcpTarget(l.Addr().(*net.TCPAddr).AddrPort()))
	if err == nil || err.Error() != "connect: connection refused" {
		t.Errorf("a closed port: %v", err)
	}
}

func TestProbeTimeouts(t *testing.T) {
	testenv.NoLeaks(t)
	const limit = 30 * time.Millisecond
	stuck := func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, tt := range []struct {
		name   string
		target func(netip.AddrPort) Target
		member func(net.Conn)
		dial   dialFunc
		want   string
	}{
		{"no answer to SYN", tcpTarget, hang, stuck, "connect: no answer within 30ms"},
		{"no answer", httpTarget, hang, nil, "read answer: no answer within 30ms"},
		{"half an answer", httpTarget, func(conn net.Conn) {
			answering("HTTP/1.1 200 OK\r\n")(conn)
			hang(conn)
		}, nil, "read answer: no answer within 30ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := tt.target(member(t, tt.member))
			target.Timeout = limit
			cfg := Config{Dial: tt.dial}.withDefaults()
			if err := probe(t.Context(), &cfg, target); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// A member that keeps the connection open after its answer does not hold up the
// probe.
func TestProbeDoesNotWaitForTheEnd(t *testing.T) {
	target := httpTarget(member(t, func(conn net.Conn) {
		answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")(conn)
		hang(conn)
	}))
	target.Timeout = time.Hour
	if err := run(t, target); err != nil {
		t.Error(err)
	}
}

func TestExpectedCodes(t *testing.T) {
	for _, tt := range []struct {
		codes string
		yes   []int
		no    []int
	}{
		{"200", []int{200}, []int{199, 201, 500}},
		{"200, 202 ,404", []int{200, 202, 404}, []int{201, 204}},
		{"200-204", []int{200, 201, 204}, []int{199, 205}},
		{"", nil, []int{200}},
		{"abc", nil, []int{200, 0}},
	} {
		for want, list := range map[bool][]int{true: tt.yes, false: tt.no} {
			for _, status := range list {
				if got := expected(tt.codes, status); got != want {
					t.Errorf("%s", fmt.Sprintf("%q, %d: got %v", tt.codes, status, got))
				}
			}
		}
	}
}

func BenchmarkProbe(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")(conn)
			conn.Close()
		}
	}()
	for name, target := range map[string]Target{
		"TCP":  tcpTarget(l.Addr().(*net.TCPAddr).AddrPort()),
		"HTTP": httpTarget(l.Addr().(*net.TCPAddr).AddrPort()),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			cfg := Config{}.withDefaults()
			for b.Loop() {
				if err := probe(b.Context(), &cfg, target); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
