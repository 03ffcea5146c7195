package http1

import (
	"strings"
	"testing"
)

const smallGet = "GET /api/v1/items?id=12345 HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef\r\n\r\n"

const smallOK = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 15:00:00 GMT\r\nContent-Type: text/plain\r\n" +
	"Content-Length: 16\r\nConnection: keep-alive\r\n\r\n"

func testForward() *Forward {
	return &Forward{Host: []byte("10.0.0.5:8080"), For: []byte("192.0.2.7"), Port: []byte("80"), Proto: []byte("http")}
}

func BenchmarkRequest(b *testing.B) {
	in, out := []byte(smallGet), make([]byte, 0, 4096)
	var r Request
	f, lim := testForward(), DefaultLimits()
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := r.Parse(in, lim); err != nil {
			b.Fatal(err)
		}
		out = AppendRequest(out[:0], &r, f)
	}
}

func BenchmarkResponse(b *testing.B) {
	in, out := []byte(smallOK), make([]byte, 0, 4096)
	var q Request
	var r Response
	lim := DefaultLimits()
	if _, err := q.Parse([]byte(smallGet), lim); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := r.Parse(in, lim, &q); err != nil {
			b.Fatal(err)
		}
		out, _ = AppendResponse(out[:0], &r, &q, true)
	}
}

func BenchmarkChunked(b *testing.B) {
	in, out := []byte(strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 16)+"0\r\n\r\n"), make([]byte, 0, 1<<17)
	var body Body
	lim := DefaultLimits()
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		out = out[:0]
		body.Reset(Chunked, 0, lim)
		for rest := in; !body.Done(); {
			data, n, err := body.Next(rest)
			if err != nil {
				b.Fatal(err)
			}
			out, rest = AppendChunk(out, data), rest[n:]
		}
		out = AppendLastChunk(out, body.Trailer())
	}
}

// TestAllocs holds the promise that an ordinary exchange allocates nothing once its values have been used.
func TestAllocs(t *testing.T) {
	const post = "POST /up HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nConnection: close, X-Drop, TE\r\nX-Drop: 1\r\nTE: trailers\r\n" +
		"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
	requests := []string{smallGet, post, "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET /bad path HTTP/1.1\r\n\r\n"}
	const ok10 = "HTTP/1.0 200 OK\r\nSet-Cookie: a=b\r\n\r\nrest"
	responses := []string{smallOK, ok10, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"}
	var (
		q    Request
		p    Response
		body Body
		out  = make([]byte, 0, 4096)
		f    = testForward()
		lim  = DefaultLimits()
		in   [][]byte
		back [][]byte
	)
	for _, s := range requests {
		in = append(in, []byte(s))
	}
	for _, s := range responses {
		back = append(back, []byte(s))
	}
	drain := func(framing Framing, length int64, b []byte) {
		body.Reset(framing, length, lim)
		for len(b) > 0 && !body.Done() {
			data, n, _ := body.Next(b)
			out, b = AppendChunk(out, data), b[n:]
		}
		out = AppendLastChunk(out, body.Trailer())
	}
	exchange := func() {
		for _, b := range in {
			n, err := q.Parse(b, lim)
			if err != nil {
				continue
			}
			out = AppendRequest(out[:0], &q, f)
			drain(q.Framing, q.Length, b[n:])
			for _, b := range back {
				n, _ := p.Parse(b, lim, &q)
				out, _ = AppendResponse(out[:0], &p, &q, true)
				drain(p.Framing, p.Length, b[n:])
			}
		}
		out = append(out[:0], Answer(502, false, false)...)
	}
	exchange()
	if got := testing.AllocsPerRun(100, exchange); got != 0 {
		t.Errorf("exchange allocates %v times, want 0", got)
	}
}
