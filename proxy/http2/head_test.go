package http2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// render makes the head of a request or response out of pairs.
func render(kind block, last bool, pairs ...string) *head {
	h := new(head)
	h.begin(kind, 16<<10)
	for i := 0; i+1 < len(pairs); i += 2 {
		h.add(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	h.end(last, false)
	return h
}

func with(pairs ...string) []string { return append(append([]string(nil), get...), pairs...) }

// One row per rule of RFC 9113. text is what the exchange reads; "" is a malformed message.
func TestRequestHead(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		last  bool
		pairs []string
		text  string
	}{
		{"8.3.1", true, get, "GET / HTTP/1.1\nhost: a\n"},
		{"8.3.1 OPTIONS *", true, []string{":method", "OPTIONS", ":scheme", "https", ":path", "*", ":authority", "a"}, "OPTIONS * HTTP/1.1\nhost: a\n"},
		{"8.3.1 Host alone", true, []string{":method", "GET", ":scheme", "http", ":path", "/", "host", "b"}, "GET / HTTP/1.1\nhost: b\n"},
		{"8.3.1 Host as :authority", true, with("host", "A"), "GET / HTTP/1.1\nhost: a\n"},
		{"8.3.1 Host differs", true, with("host", "b"), ""},
		{"8.3.1 two Hosts", true, []string{":method", "GET", ":scheme", "http", ":path", "/", "host", "b", "host", "c"}, ""},
		{"8.3.1 neither", true, []string{":method", "GET", ":scheme", "http", ":path", "/"}, ""},
		{"8.3.1 no method", true, []string{":scheme", "http", ":path", "/", ":authority", "a"}, ""},
		{"8.3.1 no scheme", true, []string{":method", "GET", ":path", "/", ":authority", "a"}, ""},
		{"8.3.1 no path", true, []string{":method", "GET", ":scheme", "http", ":authority", "a"}, ""},
		{"8.3.1 empty path", true, []string{":method", "GET", ":scheme", "http", ":path", "", ":authority", "a"}, ""},
		{"8.3.1 absolute path", true, []string{":method", "GET", ":scheme", "http", ":path", "http://b/", ":authority", "a"}, ""},
		{"8.3.1 * of GET", true, []string{":method", "GET", ":scheme", "http", ":path", "*", ":authority", "a"}, ""},
		{"8.3 twice", true, append([]string{":method", "GET"}, get...), ""},
		{"8.3 unknown", true, append([]string{":x", "GET"}, get...), ""},
		{"8.3 of a response", true, append([]string{":status", "200"}, get...), ""},
		{"8.3 behind a field", true, []string{":method", "GET", ":scheme", "http", "x", "y", ":path", "/", ":authority", "a"}, ""},
		{"8.2.1 line break in :path", true, []string{":method", "GET", ":scheme", "http", ":path", "/ HTTP/1.1\r\nX: y", ":authority", "a"}, ""},
		{"8.2.1 space in :method", true, []string{":method", "GET /x", ":scheme", "http", ":path", "/", ":authority", "a"}, ""},
		{"8.2.1 line break in :authority", true, []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a\r\nb: c"}, ""},
		{"8.2.1 upper case", true, with("X-A", "1"), ""},
		{"8.2.1 colon in a name", true, with("x:a", "1"), ""},
		{"8.2.1 empty name", true, with("", "1"), ""},
		{"8.2.1 line break in a name", true, with("x\r\ny", "1"), ""},
		{"8.2.1 CR LF in a value", true, with("x", "1\r\ny: 2"), ""},
		{"8.2.1 LF in a value", true, with("x", "1\ny"), ""},
		{"8.2.1 NUL in a value", true, with("x", "1\x00"), ""},
		{"8.2.1 space before a value", true, with("x", " 1"), ""},
		{"8.2.1 tab behind a value", true, with("x", "1\t"), ""},
		{"8.2.2 connection", true, with("connection", "close"), ""},
		{"8.2.2 transfer-encoding", false, with("transfer-encoding", "chunked"), ""},
		{"8.2.2 keep-alive", true, with("keep-alive", "1"), ""},
		{"8.2.2 proxy-connection", true, with("proxy-connection", "close"), ""},
		{"8.2.2 upgrade", true, with("upgrade", "h2c"), ""},
		{"8.2.2 te", true, with("te", "gzip"), ""},
		{"8.2.2 te: trailers", true, with("te", "trailers"), "GET / HTTP/1.1\nhost: a\nte: trailers\n"},
		{"8.2.3 crumbs", true, with("cookie", "a=1", "x", "y", "cookie", "b=2"), "GET / HTTP/1.1\nhost: a\nx: y\ncookie: a=1; b=2\n"},
		{"8.1.1 no body, but a length", true, with("content-length", "1"), ""},
		{"8.1.1 length 0", true, with("content-length", "0"), "GET / HTTP/1.1\nhost: a\ncontent-length: 0\n"},
		{"8.1.1 lengths differ", false, with("content-length", "1", "content-length", "2"), ""},
		{"8.1.1 the same length twice", false, with("content-length", "2", "content-length", "2"), "GET / HTTP/1.1\nhost: a\ncontent-length: 2\n"},
		{"8.1.1 sign", false, with("content-length", "+1"), ""},
		{"8.1.1 list", false, with("content-length", "1, 1"), ""},
		{"8.1.1 overflow", false, with("content-length", "9223372036854775808"), ""},
		{"8.1 body of unknown length", false, get, "GET / HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n"},
		{"8.5 CONNECT", false, []string{":method", "CONNECT", ":authority", "a:1"}, "CONNECT a:1 HTTP/1.1\nhost: a:1\n"},
		{"8.5 CONNECT with a path", false, []string{":method", "CONNECT", ":authority", "a:1", ":path", "/"}, ""},
		{"RFC 8441 without CONNECT", false, append([]string{":protocol", "websocket"}, get...), ""},
		{"RFC 8441 ended", true, []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/", ":authority", "a"}, ""},
		{"RFC 8441 other protocol", false, []string{":method", "CONNECT", ":protocol", "ip", ":scheme", "http", ":path", "/", ":authority", "a"}, "CONNECT / HTTP/1.1\nhost: a\n"},
	} {
		h := render(blockRequest, tt.last, tt.pairs...)
		got := strings.ReplaceAll(string(h.text), "\r\n", "\n")
		switch {
		case tt.text == "" && h.bad == "":
			t.Errorf("%s: accepted as %q", tt.rule, got)
		case tt.text != "" && (h.bad != "" || got != tt.text+"\n"):
			t.Errorf("%s: %q (%s), want %q", tt.rule, got, h.bad, tt.text)
		}
	}
}

func TestResponseHead(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		last  bool
		pairs []string
		text  string
	}{
		{"8.3.2", false, []string{":status", "200", "x", "y"}, "HTTP/1.1 200 \nx: y\n"},
		{"8.3.2 nothing follows", true, []string{":status", "200", "grpc-status", "5"}, "HTTP/1.1 200 \ngrpc-status: 5\ncontent-length: 0\n"},
		{"8.3.2 304", true, []string{":status", "304"}, "HTTP/1.1 304 \n"},
		{"8.1 interim", false, []string{":status", "103", "link", "x"}, "HTTP/1.1 103 \nlink: x\n"},
		{"8.1 interim that ends", true, []string{":status", "103"}, ""},
		{"8.6 101", false, []string{":status", "101"}, ""},
		{"8.3.2 none", false, []string{"x", "y"}, ""},
		{"8.3.2 not a number", false, []string{":status", "20x"}, ""},
		{"8.3.2 too long", false, []string{":status", "2000"}, ""},
		{"8.3 of a request", false, []string{":status", "200", ":path", "/"}, ""},
		{"8.1.1 length without a body", true, []string{":status", "200", "content-length", "3"}, ""},
		{"8.2.1 line break", false, []string{":status", "200", "x", "y\r\n\r\n"}, ""},
	} {
		h := render(blockResponse, tt.last, tt.pairs...)
		got := strings.ReplaceAll(string(h.text), "\r\n", "\n")
		switch {
		case tt.text == "" && h.bad == "":
			t.Errorf("%s: accepted as %q", tt.rule, got)
		case tt.text != "" && (h.bad != "" || got != tt.text+"\n"):
			t.Errorf("%s: %q (%s), want %q", tt.rule, got, h.bad, tt.text)
		}
	}
}

// A WebSocket by extended CONNECT is an opening handshake of HTTP/1.1 with a key of ours.
func TestWebSocketHead(t *testing.T) {
	h := render(blockRequest, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", ":authority", "a",
		"sec-websocket-version", "13", "sec-websocket-key", "theirs")
	var req http1.Request
	n, err := req.Parse(h.text, http1.DefaultLimits())
	if n != len(h.text) || err != nil || !req.Upgrade || string(req.Method) != "GET" {
		t.Fatalf("parsed %d of %d bytes, %v, upgrade %v: %q", n, len(h.text), err, req.Upgrade, h.text)
	}
	if key, _ := req.Fields.Get("Sec-WebSocket-Key"); string(key) != string(h.key[:]) || strings.Contains(string(h.text), "theirs") {
		t.Errorf("the key is not ours: %q", h.text)
	}
	// The example of RFC 6455 section 1.3.
	if key := [keyLen]byte([]byte("dGhlIHNhbXBsZSBub25jZQ==")); !acceptsKey(key, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) || acceptsKey(key, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")) {
		t.Error("the answer of the example is not told from another")
	}
}

// A trailer section goes to the other side as it is: it is judged here as http1 judges one.
func TestTrailerSection(t *testing.T) {
	many := func(n int) (pairs []string) {
		for range n {
			pairs = append(pairs, "x", "y")
		}
		return pairs
	}
	for _, tt := range []struct {
		rule  string
		pairs []string
		text  string // "-": malformed; "+": too large
	}{
		{"RFC 9113 8.1", []string{"x-sum", "1", "grpc-status", "0"}, "x-sum: 1\r\ngrpc-status: 0\r\n"},
		{"RFC 9110 5.5 tab and obs-text", []string{"x", "a\tb\xff"}, "x: a\tb\xff\r\n"},
		{"RFC 9110 5.5 escape", []string{"x", "a\x1bb"}, "-"},
		{"RFC 9110 5.5 DEL", []string{"x", "a\x7f"}, "-"},
		{"RFC 9110 5.5 control in a field that is dropped", []string{"date", "a\x01"}, "-"},
		{"RFC 9113 8.2.1 LF", []string{"x", "a\ny: b"}, "-"},
		{"RFC 9113 8.1 pseudo-header field", []string{":path", "/"}, "-"},
		{"RFC 9110 6.5.1 framing, routing, credentials", []string{"content-length", "1", "host", "b", "authorization", "x", "cookie", "c", "x-forwarded-for", "d"}, ""},
		{"RFC 9113 8.2.2", []string{"transfer-encoding", "chunked"}, "-"},
		{"100 fields", many(100), strings.Repeat("x: y\r\n", 100)},
		{"101 fields", many(101), "+"},
		{"16 KB", []string{"x", strings.Repeat("y", 16<<10-33)}, "x: " + strings.Repeat("y", 16<<10-33) + "\r\n"},
		{"more than 16 KB", []string{"x", strings.Repeat("y", 16<<10-32)}, "+"},
	} {
		h := new(head)
		h.begin(blockTrailer, 32<<10)
		for i := 0; i < len(tt.pairs); i += 2 {
			h.add(hpack.HeaderField{Name: tt.pairs[i], Value: tt.pairs[i+1]})
		}
		h.end(true, false)
		got := string(h.text)
		switch {
		case h.bad != "":
			got = "-"
		case h.over:
			got = "+"
		}
		if got != tt.text {
			t.Errorf("%s: %.50q (%s), want %.50q", tt.rule, got, h.bad, tt.text)
		}
	}
}
