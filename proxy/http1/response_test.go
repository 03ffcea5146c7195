package http1

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ask parses a request for the responses of a test.
func ask(t *testing.T, head string) *Request {
	t.Helper()
	var q Request
	if n, err := q.Parse([]byte(head), DefaultLimits()); n == 0 || err != nil {
		t.Fatalf("Parse(%q) = %d, %v", head, n, err)
	}
	return &q
}

const (
	askGet     = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	askHead    = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	askOld     = "GET / HTTP/1.0\r\n\r\n"
	askOldKeep = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	askTrailer = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
	askUpgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)

func TestResponseRefused(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := []struct{ rule, in string }{
		{"9112 2.2 bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n"},
		{"9112 2.2 bare CR", ok + "A: b\rc\r\n\r\n"},
		{"9112 2.2 empty line before", "\r\n" + ok + "\r\n"},
		{"9112 4 not HTTP", "SSH-2.0-OpenSSH_9.2"},
		{"9112 4 HTTP/0.9", "<html>"},
		{"9112 2.3 other major version", "HTTP/2.0 200 OK\r\n\r\n"},
		{"9112 4 two digits", "HTTP/1.1 20 OK\r\n\r\n"},
		{"9112 4 four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
		{"9110 15 below 100", "HTTP/1.1 099 OK\r\n\r\n"},
		{"9112 4 two spaces", "HTTP/1.1  200 OK\r\n\r\n"},
		{"9112 4 control character in reason", "HTTP/1.1 200 O\x00K\r\n\r\n"},
		{"9112 5.1 space before colon", ok + "A : b\r\n\r\n"},
		{"9112 5.2 obs-fold", ok + "A: b\r\n c\r\n\r\n"},
		{"9110 5.1 empty name", ok + ": b\r\n\r\n"},
		{"9110 5.5 NUL", ok + "A: \x00\r\n\r\n"},
		{"9112 6.1 unknown coding", ok + "Transfer-Encoding: gzip\r\n\r\n"},
		{"9112 6.1 unknown coding before chunked", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
		{"9112 6.1 chunked twice", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"9112 6.1 empty", ok + "Transfer-Encoding:\r\n\r\n"},
		{"9112 6.1 HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"9110 8.6 differing lines", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
		{"9110 8.6 list", ok + "Content-Length: 1, 1\r\n\r\n"},
		{"9110 8.6 sign", ok + "Content-Length: +1\r\n\r\n"},
		{"9110 8.6 empty", ok + "Content-Length: \r\n\r\n"},
		{"9110 15.2 interim with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n"},
		{"9110 15.2 interim with chunks", "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"9110 15.2.2 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
		{"head too large", ok + "A: " + strings.Repeat("b", 16<<10) + "\r\n\r\n"},
		{"too many field lines", ok + strings.Repeat("A: b\r\n", 101) + "\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var r Response
			n, err := r.Parse([]byte(tt.in), DefaultLimits(), ask(t, askGet))
			var e *Error
			if !errors.As(err, &e) || n != 0 || e.Status != 502 {
				t.Errorf("Parse(%.60q) = %d, %v, want 0 and status 502", tt.in, n, err)
			}
		})
	}
	for _, in := range []string{
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
	} {
		var r Response
		if _, err := r.Parse([]byte(in), DefaultLimits(), ask(t, askUpgrade)); err == nil {
			t.Errorf("Parse(%q) accepts a 101 that does not confirm the upgrade", in)
		}
	}
}

func TestResponseForwarded(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	type result struct {
		Head      string
		In, Out   Framing
		Length    int64
		Reuse     bool // of the member's connection
		KeepAlive bool // of the client's connection
	}
	tests := []struct {
		rule, ask, in string
		want          result
	}{
		{"9112 6.3 Content-Length", askGet, ok + "Date: x\r\nContent-Length: 5\r\n\r\n", result{ok + "Date: x\r\nContent-Length: 5\r\n\r\n", Length, Length, 5, true, true}},
		{"9112 6.3 equal Content-Length lines", askGet, ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", result{ok + "Content-Length: 5\r\n\r\n", Length, Length, 5, true, true}},
		{"9112 6.3 chunked", askGet, ok + "Transfer-Encoding: chunked\r\n\r\n", result{ok + "Transfer-Encoding: chunked\r\n\r\n", Chunked, Chunked, 0, true, true}},
		{"9112 6.3 chunked wins", askGet, ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", result{ok + "Transfer-Encoding: chunked\r\n\r\n", Chunked, Chunked, 0, false, true}},
		{"9112 7 chunked for HTTP/1.0", askOldKeep, ok + "Transfer-Encoding: chunked\r\n\r\n", result{ok + "Connection: close\r\n\r\n", Chunked, UntilClose, 0, true, false}},
		{"9112 6.3 until close", askGet, ok + "\r\n", result{ok + "Transfer-Encoding: chunked\r\n\r\n", UntilClose, Chunked, 0, false, true}},
		{"9112 6.3 until close for HTTP/1.0", askOldKeep, ok + "\r\n", result{ok + "Connection: close\r\n\r\n", UntilClose, UntilClose, 0, false, false}},
		{"9112 9.3 keep-alive for HTTP/1.0", askOldKeep, ok + "Content-Length: 0\r\n\r\n", result{ok + "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n", Length, Length, 0, true, true}},
		{"9112 9.3 HTTP/1.0 closes", askOld, ok + "Content-Length: 0\r\n\r\n", result{ok + "Content-Length: 0\r\nConnection: close\r\n\r\n", Length, Length, 0, true, false}},
		{"9112 9.3 member closes", askGet, ok + "Content-Length: 1\r\nConnection: close\r\n\r\n", result{ok + "Content-Length: 1\r\n\r\n", Length, Length, 1, false, true}},
		{"9112 9.3 member with HTTP/1.0", askGet, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", result{ok + "Content-Length: 1\r\n\r\n", Length, Length, 1, false, true}},
		{"9112 9.3 member with HTTP/1.0 keeps", askGet, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nKeep-Alive: x\r\nContent-Length: 1\r\n\r\n", result{ok + "Content-Length: 1\r\n\r\n", Length, Length, 1, true, true}},
		{"9110 9.3.2 HEAD keeps the length", askHead, ok + "Content-Length: 5\r\n\r\n", result{ok + "Content-Length: 5\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 9.3.2 HEAD with chunked", askHead, ok + "Transfer-Encoding: chunked\r\n\r\n", result{ok + "\r\n", NoBody, NoBody, 0, true, true}},
		{"9112 6.2 HEAD with chunked and a length", askHead, ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", result{ok + "\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 9.3.2 HEAD without framing", askHead, ok + "\r\n", result{ok + "\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 15.4.5 304 keeps the length", askGet, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", result{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 15.3.5 204", askGet, "HTTP/1.1 204 No Content\r\n\r\n", result{"HTTP/1.1 204 No Content\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 8.6 204 with a length", askGet, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", result{"HTTP/1.1 204 No Content\r\n\r\n", NoBody, NoBody, 0, false, true}},
		{"9112 6.1 204 with chunks", askGet, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", result{"HTTP/1.1 204 No Content\r\n\r\n", NoBody, NoBody, 0, false, true}},
		{"9110 15.2.1 100", askGet, "HTTP/1.1 100 Continue\r\n\r\n", result{"HTTP/1.1 100 Continue\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 8.6 no length in an interim response", askGet, "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n", result{"HTTP/1.1 103 Early Hints\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"8297 103", askGet, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n", result{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", NoBody, NoBody, 0, true, true}},
		{"9110 15.2.2 101", askUpgrade, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", result{"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", NoBody, NoBody, 0, false, true}},
		{"9110 15.5.22 426", askGet, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n", result{"HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\r\n", Length, Length, 0, true, true}},
		{"9110 7.6.1 hop-by-hop fields", askGet, ok + "Upgrade: h2c\r\nConnection: X-A, upgrade\r\nX-A: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nB: c\r\nTE: x\r\nContent-Length: 0\r\n\r\n", result{ok + "B: c\r\nContent-Length: 0\r\n\r\n", Length, Length, 0, true, true}},
		{"9110 6.6.2 Trailer without TE", askGet, ok + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", result{ok + "Transfer-Encoding: chunked\r\n\r\n", Chunked, Chunked, 0, true, true}},
		{"9110 6.6.2 Trailer without chunks", askTrailer, ok + "Trailer: X\r\nContent-Length: 0\r\n\r\n", result{ok + "Content-Length: 0\r\n\r\n", Length, Length, 0, true, true}},
		{"9110 7.6.1 Connection names Trailer", askTrailer, ok + "Connection: Trailer\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", result{ok + "Transfer-Encoding: chunked\r\n\r\n", Chunked, Chunked, 0, true, true}},
		{"9110 6.6.2 Trailer with TE", askTrailer, ok + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", result{ok + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", Chunked, Chunked, 0, true, true}},
		{"9112 4 empty reason", askGet, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", result{"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", Length, Length, 0, true, true}},
		{"9112 4 no space before empty reason", askGet, "HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n", result{"HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", Length, Length, 0, true, true}},
	}
	var r Response // reused on purpose
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			q := ask(t, tt.ask)
			n, err := r.Parse([]byte(tt.in), DefaultLimits(), q)
			if err != nil || n != len(tt.in) {
				t.Fatalf("Parse(%q) = %d, %v, want %d", tt.in, n, err, len(tt.in))
			}
			head, keep := AppendResponse(nil, &r, q, true)
			got := result{string(head), r.Framing, r.ClientFraming(q), r.Length, r.KeepAlive, keep}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInterim(t *testing.T) {
	for status, want := range map[int]bool{100: true, 101: false, 103: true, 200: false} {
		r := Response{Status: status}
		if got := r.Interim(); got != want {
			t.Errorf("Interim of %d = %v, want %v", status, got, want)
		}
	}
}

// TestAnswer reads our own answers with our own parser.
func TestAnswer(t *testing.T) {
	for _, status := range []int{400, 408, 413, 414, 417, 431, 500, 501, 502, 503, 504, 505} {
		for _, keep := range []bool{false, true} {
			var r Response
			b := Answer(status, keep, false)
			n, err := r.Parse(b, DefaultLimits(), &Request{})
			if err != nil || r.Status != status || r.KeepAlive != keep || int64(len(b)-n) != r.Length || r.Length == 0 {
				t.Errorf("Answer(%d, %v) = %q, %v", status, keep, b, err)
			}
			if !strings.Contains(string(b[n:]), strconv.Itoa(status)+" "+string(r.Reason)) {
				t.Errorf("Answer(%d): body %q", status, b[n:])
			}
			if got := Answer(status, keep, true); string(got) != string(b[:n]) {
				t.Errorf("Answer(%d, %v, head) = %q, want %q", status, keep, got, b[:n])
			}
		}
	}
	if got := string(Answer(999, false, false)); !strings.HasPrefix(got, "HTTP/1.1 500 ") {
		t.Errorf("Answer(999) = %q, want 500", got)
	}
	b := Answer(503, false, true)
	_ = append(b, 'x')
	if got := Answer(503, false, false)[len(b)]; got == 'x' {
		t.Error("appending to an answer changes the shared bytes")
	}
}
