package http1

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain is a Forward that adds nothing of its own.
func plain() *Forward { return &Forward{Host: []byte("member")} }

func TestRequestRefused(t *testing.T) {
	const host = "Host: a\r\n"
	big := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		rule, in string
		want     int
	}{
		{"9112 2.2 bare LF ends request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
		{"9112 2.2 bare LF ends field line", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
		{"9112 2.2 bare LF ends head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
		{"9112 2.2 bare CR in field value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
		{"9112 2.2 bare CR in target", "GET /\r HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 2.2 CR CR LF", "GET / HTTP/1.1\r\r\n" + host + "\r\n", 400},
		{"9112 2.2 white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
		{"9112 2.2 too many empty lines", strings.Repeat("\r\n", 5) + "GET / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 2.2 bare LF before request line", "\nGET / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 2.3 HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"9112 2.3 HTTP/3.0", "GET / HTTP/3.0\r\n" + host + "\r\n", 505},
		{"9112 2.3 lower-case name", "GET / http/1.1\r\n" + host + "\r\n", 400},
		{"9112 2.3 two digits", "GET / HTTP/1.10\r\n" + host + "\r\n", 400},
		{"9112 2.3 no minor", "GET / HTTP/1\r\n" + host + "\r\n", 400},
		{"9112 3 HTTP/0.9", "GET /\r\n\r\n", 400},
		{"9112 3 two spaces after method", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3 two spaces after target", "GET /  HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3 space at end", "GET / HTTP/1.1 \r\n" + host + "\r\n", 400},
		{"9112 3 space at start", " GET / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3 tab for space", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3 space in target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.1 method not a token", "GE(T / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3 method too long", big(33) + " / HTTP/1.1\r\n" + host + "\r\n", 501},
		{"9110 9.3.6 CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
		{"9110 9.3.8 TRACE with a body", "TRACE / HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\nx", 400},
		{"9112 3 target too long", "GET /" + big(8<<10) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		{"9112 3 target too long, line not ended", "GET /" + big(9<<10), 414},
		{"9112 3.2 fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 control character", "GET /a\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 NUL", "GET /\x00 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 not ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 no form at all", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 other scheme", "GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2.3 authority-form without CONNECT", "GET a:80 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2.4 asterisk-form without OPTIONS", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
		{"9112 3.2 no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"9112 3.2 two Host", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
		{"9112 3.2 two Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", 400},
		{"9110 4.2.1 empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
		{"9110 7.2 Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
		{"9110 7.2 Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
		{"9110 7.2 Host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
		{"9110 4.2.4 user information in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
		{"9110 4.2.4 user information in target", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"3986 3.2.3 port not a number", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
		{"3986 3.2.3 port beyond 65535", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
		{"3986 3.2.3 port only", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
		{"3986 3.2.2 bracket open", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
		{"3986 3.2.2 empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
		{"3986 3.2.2 text behind brackets", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400},
		{"3986 2.1 bad escape in Host", "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400},
		{"9112 3.2.2 Host differs from target", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
		{"9112 3.2.2 port differs from target", "GET http://a/ HTTP/1.1\r\nHost: a:8080\r\n\r\n", 400},
		{"9112 3.2.2 empty authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"9112 5.1 space before colon", "GET / HTTP/1.1\r\n" + host + "X : y\r\n\r\n", 400},
		{"9112 5.1 tab before colon", "GET / HTTP/1.1\r\n" + host + "X\t: y\r\n\r\n", 400},
		{"9112 5.1 space before colon of framing", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
		{"9112 5 empty name", "GET / HTTP/1.1\r\n" + host + ": y\r\n\r\n", 400},
		{"9112 5 no colon", "GET / HTTP/1.1\r\n" + host + "abc\r\n\r\n", 400},
		{"9110 5.1 name not a token", "GET / HTTP/1.1\r\n" + host + "X@: y\r\n\r\n", 400},
		{"9110 5.1 NUL in name", "GET / HTTP/1.1\r\n" + host + "X\x00: y\r\n\r\n", 400},
		{"9110 5.1 name not ASCII", "GET / HTTP/1.1\r\n" + host + "X\xe4: y\r\n\r\n", 400},
		{"9110 5.5 NUL in value", "GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n", 400},
		{"9110 5.5 DEL in a long value", "GET / HTTP/1.1\r\n" + host + "X: " + big(20) + "\x7f" + big(20) + "\r\n\r\n", 400},
		{"9110 5.5 control character in value", "GET / HTTP/1.1\r\n" + host + "X: 12345678\x1b\r\n\r\n", 400},
		{"9112 5.2 obs-fold", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
		{"9112 5.2 obs-fold with tab", "GET / HTTP/1.1\r\n" + host + "X: a\r\n\tb\r\n\r\n", 400},
		{"9112 6.1 Transfer-Encoding and Content-Length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"9112 6.1 Content-Length behind Transfer-Encoding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
		{"9112 6.1 HTTP/1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", 400},
		{"9112 6.1 unknown coding before chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"9112 6.3 chunked not last", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
		{"9112 6.3 no chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 400},
		{"9112 6.1 chunked twice", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
		{"9112 6.1 chunked on two lines", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"9112 6.1 identity on another line", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
		{"9112 7 identity", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", 400},
		{"9112 7 identity, chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity, chunked\r\n\r\n", 400},
		{"9112 7 empty", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n", 400},
		{"9112 7 empty with Content-Length", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello", 400},
		{"9112 7 parameter", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked;a=b\r\n\r\n", 400},
		{"9112 7 trailing comma", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked,\r\n\r\n", 400},
		{"9112 7 leading comma", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: ,chunked\r\n\r\n", 400},
		{"9112 7 quoted", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
		{"9112 7 prefix", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n", 400},
		{"9110 5.5 vertical tab", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0bchunked\r\n\r\n", 400},
		{"9110 8.6 empty", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400},
		{"9110 8.6 plus", "POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello", 400},
		{"9110 8.6 minus", "POST / HTTP/1.1\r\n" + host + "Content-Length: -5\r\n\r\nhello", 400},
		{"9110 8.6 hexadecimal", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x5\r\n\r\nhello", 400},
		{"9110 8.6 space inside", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1 2\r\n\r\nhello", 400},
		{"9110 8.6 list", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello", 400},
		{"9110 8.6 differing lines", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
		{"9110 8.6 equal lines", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
		{"9110 8.6 2^63", "POST / HTTP/1.1\r\n" + host + "Content-Length: 9223372036854775808\r\n\r\n", 400},
		{"9110 8.6 2^64+5", "POST / HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551621\r\n\r\n", 400},
		{"9110 10.1.1 unknown expectation", "POST / HTTP/1.1\r\n" + host + "Expect: magic\r\n\r\n", 417},
		{"9110 5.4 head too large", "GET / HTTP/1.1\r\n" + host + "X: " + big(16<<10) + "\r\n\r\n", 431},
		{"9110 5.4 head too large, not ended", "GET / HTTP/1.1\r\n" + host + "X: " + big(16<<10), 431},
		{"6585 5 too many field lines", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 100) + "\r\n", 431},
		{"9110 7.6.1 too many options", "GET / HTTP/1.1\r\n" + host + "Connection: " + strings.Repeat("x,", 65) + "\r\n\r\n", 400},
		{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00", 400},
		{"SMTP", "EHLO example\r\n", 400},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var r Request
			n, err := r.Parse([]byte(tt.in), DefaultLimits())
			var e *Error
			if !errors.As(err, &e) || n != 0 {
				t.Fatalf("Parse(%.60q) = %d, %v, want an Error", tt.in, n, err)
			}
			if e.Status != tt.want {
				t.Errorf("Parse(%.60q): status %d (%s), want %d", tt.in, e.Status, e.Reason, tt.want)
			}
		})
	}
}

func TestRequestForwarded(t *testing.T) {
	const get, host = "GET / HTTP/1.1\r\n", "Host: a\r\n"
	tests := []struct{ rule, in, want string }{
		{"unchanged", get + host + "Accept: */*\r\n\r\n", get + host + "Accept: */*\r\n\r\n"},
		{"9112 2.2 empty lines before", "\r\n\r\n" + get + host + "\r\n", get + host + "\r\n"},
		{"9110 2.5 later minor version", "GET / HTTP/1.7\r\n" + host + "\r\n", get + host + "\r\n"},
		{"9110 2.5 HTTP/1.0 goes on as 1.1", "GET / HTTP/1.0\r\n" + host + "\r\n", get + host + "\r\n"},
		{"9112 3.2 HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", get + "Host: member\r\n\r\n"},
		{"9110 9.1 methods are case-sensitive tokens", "get / HTTP/1.1\r\n" + host + "\r\n", "get / HTTP/1.1\r\n" + host + "\r\n"},
		{"9112 3.2.1 query", "GET //x/?a=b|{}\"%zz HTTP/1.1\r\n" + host + "\r\n", "GET //x/?a=b|{}\"%zz HTTP/1.1\r\n" + host + "\r\n"},
		{"9112 3.2.2 absolute-form", "GET http://a/x?y HTTP/1.1\r\n" + host + "\r\n", "GET /x?y HTTP/1.1\r\n" + host + "\r\n"},
		{"9112 3.2.2 default port", "GET HTTP://A:80/ HTTP/1.1\r\n" + host + "\r\n", get + "Host: A:80\r\n\r\n"},
		{"9112 3.2.2 default port of https", "GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n", get + host + "\r\n"},
		{"9112 3.2.2 absolute-form in HTTP/1.0", "GET http://b/ HTTP/1.0\r\n\r\n", get + "Host: b\r\n\r\n"},
		{"9112 3.2.1 empty path", "GET http://a HTTP/1.1\r\n" + host + "\r\n", get + host + "\r\n"},
		{"9112 3.2.1 empty path with query", "GET http://a?x HTTP/1.1\r\n" + host + "\r\n", "GET /?x HTTP/1.1\r\n" + host + "\r\n"},
		{"9112 3.2.4 asterisk-form", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n"},
		{"9112 3.2.4 asterisk-form from absolute-form", "OPTIONS http://a HTTP/1.1\r\n" + host + "\r\n", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n"},
		{"3986 3.2.2 IP literal", get + "Host: [2001:db8::1]:8080\r\n\r\n", get + "Host: [2001:db8::1]:8080\r\n\r\n"},
		{"9112 5.1 white space around values", get + host + "A:b\r\nB: \t c d \t\r\nC:\r\nD: e\r\n\r\n", get + host + "A: b\r\nB: c d\r\nC: \r\nD: e\r\n\r\n"},
		{"9112 5.1 tab before, space behind", get + host + "A:\tb\r\nC: d \r\nE: f\r\n\r\n", get + host + "A: b\r\nC: d\r\nE: f\r\n\r\n"},
		{"9110 5.5 obs-text and HTAB", get + host + "X: \xe4\tb 12345678\t\xff\r\n\r\n", get + host + "X: \xe4\tb 12345678\t\xff\r\n\r\n"},
		{"9112 6.2 Content-Length", "POST / HTTP/1.1\r\ncontent-length: 007\r\n" + host + "\r\n", "POST / HTTP/1.1\r\n" + host + "Content-Length: 7\r\n\r\n"},
		{"9110 8.6 zero", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n"},
		{"9112 6.1 chunked", "POST / HTTP/1.1\r\ntransfer-ENCODING:\tChunked \r\n" + host + "\r\n", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n"},
		{"9110 7.6.1 hop-by-hop fields", get + host + "Keep-Alive: timeout=5\r\nA: b\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\nConnection: keep-alive\r\nTE: gzip\r\n\r\n", get + host + "A: b\r\n\r\n"},
		{"9110 7.6.1 named by Connection", get + host + "X-A: 1\r\nConnection: x-a, close\r\nX-B: 2\r\nConnection:X-C\r\nX-C: 3\r\nX-A: 4\r\n\r\n", get + host + "X-B: 2\r\n\r\n"},
		{"9110 7.6.1 Connection cannot remove Host or framing", "POST / HTTP/1.1\r\n" + host + "Connection: Host, Content-Length\r\nContent-Length: 3\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\n"},
		{"9110 10.1.4 TE: trailers", get + host + "TE: deflate, trailers\r\nConnection: TE\r\n\r\n", get + host + "TE: trailers\r\nConnection: TE\r\n\r\n"},
		{"9110 10.1.4 TE: a name that only starts like it", get + host + "TE: trailersx\r\nConnection: TE\r\n\r\n", get + host + "\r\n"},
		{"9110 7.6.1 Connection names X-Forwarded that is passed", get + host + "Connection: X-Forwarded-For, X-Forwarded-Port, X-Forwarded-Proto\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Proto: x\r\n\r\n", get + host + "\r\n"},
		{"9110 7.6.1 Connection names Trailer", "POST / HTTP/1.1\r\n" + host + "Connection: Trailer\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n"},
		{"9110 6.6.2 Trailer without trailers", get + host + "Trailer: X\r\n\r\n", get + host + "\r\n"},
		{"9110 6.6.2 Trailer with chunks", "POST / HTTP/1.1\r\n" + host + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"9110 7.8 upgrade", get + host + "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n", get + host + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
		{"9110 7.8 Upgrade not in Connection", get + host + "Upgrade: websocket\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 h2c is not passed on", get + host + "Upgrade: h2c\r\nHTTP2-Settings: x\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 h2 is not passed on", get + host + "Upgrade: h2\r\nConnection: Upgrade\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 h2c behind another", get + host + "Upgrade: websocket, H2C\r\nConnection: Upgrade\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 TLS is not passed on", get + host + "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 upgrade in HTTP/1.0", "GET / HTTP/1.0\r\n" + host + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", get + host + "\r\n"},
		{"9110 7.8 upgrade with a body", "GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", get + host + "Content-Length: 1\r\n\r\n"},
		{"9110 10.1.1 Expect", "POST / HTTP/1.1\r\n" + host + "EXPECT: 100-Continue\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n"},
		{"9110 10.1.1 Expect without a body", get + host + "Expect: 100-continue\r\n\r\n", get + host + "\r\n"},
		{"9110 10.1.1 Expect in HTTP/1.0", "POST / HTTP/1.0\r\n" + host + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\n"},
		{"CVE-2016-5385 Proxy", get + host + "Proxy: http://evil\r\n\r\n", get + host + "\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var r Request
			n, err := r.Parse([]byte(tt.in), DefaultLimits())
			if err != nil || n != len(tt.in) {
				t.Fatalf("Parse(%q) = %d, %v, want %d", tt.in, n, err, len(tt.in))
			}
			if diff := cmp.Diff(tt.want, string(AppendRequest(nil, &r, plain()))); diff != "" {
				t.Errorf("forwarded head (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForwardedFields(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\n"
	const ours = "X-Forwarded-Port: 80\r\nX-Forwarded-Proto: http\r\n\r\n"
	tests := []struct{ name, in, want string }{
		{"none before", get + "\r\n", get + "X-Forwarded-For: 192.0.2.7\r\n" + ours},
		{"one before", get + "X-Forwarded-For: 1.1.1.1\r\n\r\n", get + "X-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n" + ours},
		{"lines are one list", get + "X-Forwarded-For: 1.1.1.1\r\nA: b\r\nx-forwarded-for: 2.2.2.2, 3.3.3.3\r\n\r\n", get + "A: b\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7\r\n" + ours},
		{"empty line is no element", get + "X-Forwarded-For:\r\n\r\n", get + "X-Forwarded-For: 192.0.2.7\r\n" + ours},
		{"port and protocol are replaced", get + "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\n\r\n", get + "X-Forwarded-For: 192.0.2.7\r\n" + ours},
		{"Connection cannot name ours", get + "Connection: close, X-Forwarded-For, X-Forwarded-Port, X-Forwarded-Proto\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n", get + "X-Forwarded-For: 192.0.2.7\r\n" + ours},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			if _, err := r.Parse([]byte(tt.in), DefaultLimits()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(AppendRequest(nil, &r, testForward()))); diff != "" {
				t.Errorf("forwarded head (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("passed when none of ours", func(t *testing.T) {
		const in = get + "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Proto: x\r\n\r\n"
		var r Request
		if _, err := r.Parse([]byte(in), DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, string(AppendRequest(nil, &r, plain()))); diff != "" {
			t.Errorf("forwarded head (-want +got):\n%s", diff)
		}
	})
	t.Run("close is asked for", func(t *testing.T) {
		var r Request
		if _, err := r.Parse([]byte(get+"TE: trailers\r\n\r\n"), DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		want := get + "TE: trailers\r\nConnection: close, TE\r\n\r\n"
		if diff := cmp.Diff(want, string(AppendRequest(nil, &r, &Forward{Host: []byte("m"), Close: true}))); diff != "" {
			t.Errorf("forwarded head (-want +got):\n%s", diff)
		}
	})
}

func TestRequestSemantics(t *testing.T) {
	type sem struct {
		KeepAlive, Head, Expect, Upgrade, Trailers, Idempotent bool
	}
	tests := []struct {
		in   string
		want sem
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", sem{KeepAlive: true, Idempotent: true}},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", sem{Idempotent: true}},
		{"GET / HTTP/1.0\r\n\r\n", sem{Idempotent: true}},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", sem{KeepAlive: true, Idempotent: true}},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n", sem{Idempotent: true}},
		{"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", sem{KeepAlive: true, Head: true, Idempotent: true}},
		{"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\nTE: trailers\r\n\r\n", sem{KeepAlive: true, Expect: true, Trailers: true}},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", sem{KeepAlive: true, Upgrade: true, Idempotent: true}},
	}
	var r Request // reused on purpose: nothing may leak from one request into the next
	for _, tt := range tests {
		if _, err := r.Parse([]byte(tt.in), DefaultLimits()); err != nil {
			t.Fatalf("Parse(%q): %v", tt.in, err)
		}
		got := sem{r.KeepAlive, r.Head, r.Expect, r.Upgrade, r.Trailers, r.Idempotent()}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.in, diff)
		}
	}
}

// TestHeadLimit: a head of exactly the limit passes, one byte more does not, whether it comes whole or in parts.
func TestHeadLimit(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	lim := DefaultLimits()
	lim.Head = len(in)
	var r Request
	for i := range in {
		if n, err := r.Parse(in[:i], lim); n != 0 || err != nil {
			t.Fatalf("%d bytes: %d, %v", i, n, err)
		}
	}
	if n, err := r.Parse(in, lim); n != len(in) || err != nil {
		t.Errorf("whole: %d, %v", n, err)
	}
	lim.Head--
	if n, err := r.Parse(in, lim); n != 0 || !errors.Is(err, errHeadTooLarge) {
		t.Errorf("beyond the limit: %d, %v", n, err)
	}
}

// TestLongestLine: a request line with the longest method and target passes wherever it is cut.
func TestLongestLine(t *testing.T) {
	lim := DefaultLimits()
	lim.Target = 16
	in := []byte(strings.Repeat("M", maxMethod) + " /" + strings.Repeat("t", lim.Target-1) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	var r Request
	for i := range in {
		if n, err := r.Parse(in[:i], lim); n != 0 || err != nil {
			t.Fatalf("%d bytes: %d, %v", i, n, err)
		}
	}
	if n, err := r.Parse(in, lim); n != len(in) || err != nil {
		t.Errorf("whole: %d, %v", n, err)
	}
}

func TestPipelined(t *testing.T) {
	in := []byte("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\nGET /3")
	var r Request
	for _, want := range []string{"/1", "/2"} {
		n, err := r.Parse(in, DefaultLimits())
		if err != nil || string(r.Target) != want {
			t.Fatalf("Parse(%q) = %d, %v with target %q, want %q", in, n, err, r.Target, want)
		}
		in = in[n:]
	}
	if n, err := r.Parse(in, DefaultLimits()); n != 0 || err != nil {
		t.Errorf("Parse of a part = %d, %v, want 0, nil", n, err)
	}
	r.Reset()
	if n, err := r.Parse([]byte("GET /4 HTTP/1.1\r\nHost: a\r\n\r\n"), DefaultLimits()); n == 0 || err != nil {
		t.Errorf("Parse after Reset = %d, %v", n, err)
	}
}

func TestFieldsGet(t *testing.T) {
	var r Request
	if _, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n"), DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if v, ok := r.Fields.Get("X-ONE"); !ok || string(v) != "1" {
		t.Errorf("Get = %q, %v, want 1", v, ok)
	}
	if _, ok := r.Fields.Get("X-Two"); ok {
		t.Error("Get finds a field that is not there")
	}
	if n, v := r.Fields.At(2); r.Fields.Len() != 3 || string(n) != "x-one" || string(v) != "2" {
		t.Errorf("At(2) of %d = %q, %q", r.Fields.Len(), n, v)
	}
}
