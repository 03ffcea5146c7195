package http1

// Seeds of the fuzz targets and subjects of the split tests.

var requestSeeds = []string{
	smallGet,
	"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"HEAD http://a:80?x HTTP/1.1\r\nHost: A\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
	"OPTIONS https://a HTTP/1.1\r\nHost: a:443\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhelloGET / HTTP/1.1\r\nHost: b\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: 1\r\nHost: c\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-A, X-Forwarded-For\r\nX-A:b\r\nKeep-Alive: 5\r\nEmpty:\r\nTab:\t\xffx \r\n\r\n",
}

var responseSeeds = []string{
	smallOK + "0123456789abcdef",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n\r\n",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nuntil close",
	"HTTP/1.1 204 No Content\r\nConnection: X\r\nX: y\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nEtag: x\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
}

var chunkedSeeds = []string{
	"0\r\n\r\n",
	"5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\n\r\n",
	"1\r\nx\r\n00\r\nX: 1\r\n\r\n",
	"A\r\n0123456789\r\n0\r\nContent-Length: 3\r\n\r\n",
	"5 \r\nhello\r\n0\r\n\r\n",
	"5\nhello\n0\n\n",
	"ffffffffffffffff\r\nx",
	"00000000000000000\r\n\r\n",
	"1;\rx\r\n",
}

// smuggling are streams in which recipients have been known to see different requests. Each must be refused at the request named by
// accepted (counted from 0), or pass with that many requests and mean the same to the member.
var smuggling = []struct {
	name, stream string
	accepted     int
}{
	{"CL.TE", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 0},
	{"TE.CL", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n", 0},
	{"TE.TE xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0},
	{"TE with tab before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 0},
	{"TE folded", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 0},
	{"TE behind a bare LF", "POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
	{"TE behind a bare CR", "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
	{"TE with NUL", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", 0},
	{"TE with a letter that folds", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chun\xe2\x84\xaaed\r\n\r\n0\r\n\r\n", 0},
	{"TE name with underscore is another field", "GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"TE in HTTP/1.0 (CVE-2022-1705 family)", "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
	{"empty CL (CVE-2023-40225)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"CL with sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 0},
	{"CL twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"CL list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 44\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"CL named by Connection", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"TE named by Connection", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"body on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"chunk size with 64-bit overflow", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", 0},
	{"chunk size ended by bare LF", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 0},
	{"chunk extension with bare LF (TERM.EXT)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n10\r\n\r\nGET /x HTTP/1.1\r\n0\r\n\r\n", 0},
	{"chunk extension with bare CR", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n", 0},
	{"two bytes that are not CRLF behind a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", 0},
	{"trailer that looks like framing", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 30\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"request in place of a trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"space behind the name of the first field", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 0},
	{"folded line before the first field", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 0},
	{"two Host", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0},
	{"Host and absolute-form", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"absolute-form with user information", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 0},
	{"request line injected by CR LF in the target", "GET /\r\nX HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"HTTP/0.9 behind a good request", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x\r\n", 1},
	{"h2c upgrade", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2},
	{"h2 preface behind a good request", "GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1},
	{"Expect with a hidden request", "GET / HTTP/1.1\r\nHost: a\r\nExpect: y 100-continue\r\nContent-Length: 5\r\n\r\nhello", 0},
}
