package http1

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// read feeds pieces of in, cut at the positions, to a body and returns payload and the bytes behind the body.
func read(b *Body, in string, cuts ...int) (payload, rest string, err error) {
	var got []byte
	src := []byte(in)
	from := 0
	for _, to := range append(cuts, len(src)) {
		for from < to && !b.Done() {
			data, n, err := b.Next(src[from:to])
			if err != nil {
				return string(got), in[from:], err
			}
			got = append(got, data...)
			from += n
		}
	}
	return string(got), in[from:], nil
}

func TestBodyAccepted(t *testing.T) {
	tests := []struct {
		rule                         string
		framing                      Framing
		length                       int64
		in, payload, trailer, behind string
	}{
		{"no body", NoBody, 0, "next", "", "", "next"},
		{"zero length", Length, 0, "next", "", "", "next"},
		{"9112 6.3 length", Length, 5, "hellonext", "hello", "", "next"},
		{"9112 6.3 until close", UntilClose, 0, "hello", "hello", "", ""},
		{"9112 7.1 chunks", Chunked, 0, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nnext", "hello world", "", "next"},
		{"9112 7.1 no chunk", Chunked, 0, "0\r\n\r\nnext", "", "", "next"},
		{"9112 7.1 either case, leading zeros", Chunked, 0, "00000A\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789", "", ""},
		{"9112 7.1 data that looks like framing", Chunked, 0, "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", "", ""},
		{"9112 7.1.1 extensions are dropped", Chunked, 0, "5;a=b\r\nhello\r\n0;c=\"d\"; e\r\n\r\n", "hello", "", ""},
		{"9112 7.1.2 trailer", Chunked, 0, "0\r\nX-Sum: 1\r\nY:\t2 \r\n\r\nnext", "", "X-Sum: 1\r\nY: 2\r\n", "next"},
		{"9110 6.5.1 forbidden trailers", Chunked, 0, "0\r\nContent-Length: 5\r\ntransfer-encoding: chunked\r\nHost: b\r\nX: 1\r\nAuthorization: x\r\n" +
			"Connection: y\r\nTrailer: z\r\nSet-Cookie: a=b\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: b\r\nContent-Type: t\r\nIf-Match: *\r\n\r\n", "", "X: 1\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var b Body
			for i := range len(tt.in) + 1 {
				for j := i; j <= len(tt.in); j += 1 + (len(tt.in)-i)/20 {
					b.Reset(tt.framing, tt.length, DefaultLimits())
					payload, behind, err := read(&b, tt.in, i, j)
					if err != nil || payload != tt.payload || behind != tt.behind || string(b.Trailer()) != tt.trailer {
						t.Fatalf("cut at %d and %d: payload %q, behind %q, trailer %q, err %v", i, j, payload, behind, b.Trailer(), err)
					}
					if b.Done() == (tt.framing == UntilClose) {
						t.Fatalf("cut at %d and %d: Done = %v", i, j, b.Done())
					}
					if err := b.End(); err != nil || !b.Done() {
						t.Fatalf("cut at %d and %d: End = %v, Done = %v", i, j, err, b.Done())
					}
				}
			}
		})
	}
}

// TestForbiddenTrailers: one line for every name and prefix, for a list loses a member without a sound.
func TestForbiddenTrailers(t *testing.T) {
	for name := range strings.FieldsSeq("X-Forwarded-Host X-SSL-Client-Verify Content-Encoding IF-None-Match Proxy Proxy-Authorization TE Keep-Alive Expect " +
		"Age Authorization Authentication-Info Cache-Control Cookie Date Expires Forwarded Location Max-Forwards " +
		"Pragma Range Retry-After Set-Cookie Vary Via Warning WWW-Authenticate X-Real-IP") {
		var b Body
		b.Reset(Chunked, 0, DefaultLimits())
		if _, _, err := read(&b, "0\r\n"+name+": x\r\n\r\n"); err != nil || !b.Done() || len(b.Trailer()) > 0 {
			t.Errorf("%s: trailer %q, %v, want it dropped", name, b.Trailer(), err)
		}
	}
}

func TestBodyRefused(t *testing.T) {
	tests := []struct {
		rule, in string
		status   int
	}{
		{"9112 7.1 no digits", "\r\n", 400},
		{"9112 7.1 not a digit", "g\r\n", 400},
		{"9112 7.1 prefix", "0x5\r\nhello\r\n", 400},
		{"9112 7.1 sign", "+5\r\nhello\r\n", 400},
		{"9112 7.1 minus", "-5\r\nhello\r\n", 400},
		{"9112 7.1 underscore", "1_0\r\n", 400},
		{"9112 7.1 bare LF behind size", "5\nhello\r\n", 400},
		{"9112 7.1 bare CR behind size", "5\rhello\r\n", 400},
		{"9112 7.1 bare LF behind data", "5\r\nhello\n0\r\n\r\n", 400},
		{"9112 7.1 bare CR behind data", "5\r\nhello\r0\r\n\r\n", 400},
		{"9112 7.1 data longer than size", "5\r\nhello!\r\n", 400},
		{"9112 7.1 data shorter than size", "5\r\nhell\r\n0\r\n\r\n", 400},
		{"9112 7.1.1 space before size", " 5\r\nhello\r\n", 400},
		{"9112 7.1.1 space behind size", "5 \r\nhello\r\n", 400},
		{"9112 7.1.1 tab behind size", "5\t\r\nhello\r\n", 400},
		{"9112 7.1.1 space before extension", "5 ;a\r\nhello\r\n", 400},
		{"9112 7.1.1 bare LF in extension", "5;a\nhello\r\n", 400},
		{"9112 7.1.1 bare CR in extension", "5;a\rb\r\nhello\r\n", 400},
		{"9112 7.1.1 NUL in extension", "5;\x00\r\nhello\r\n", 400},
		{"9112 7.1.1 extension too long", "5;" + strings.Repeat("a", 4097), 400},
		{"9112 7.1.1 extensions too many", strings.Repeat("1;"+strings.Repeat("a", 4000)+"\r\nx\r\n", 6), 400},
		{"9112 7.1 17 digits", "00000000000000005\r\n", 400},
		{"9112 7.1 2^63", "8000000000000000\r\n", 400},
		{"9112 7.1 2^64", "10000000000000000\r\n", 400},
		{"9112 7.1.2 bare LF ends trailer section", "0\r\n\n", 400},
		{"9112 7.1.2 bare LF in trailer line", "0\r\nX: 1\n\r\n", 400},
		{"9112 7.1.2 trailer without colon", "0\r\nGET / HTTP/1.1\r\n\r\n", 400},
		{"9112 7.1.2 space before colon", "0\r\nX : 1\r\n\r\n", 400},
		{"9112 7.1.2 obs-fold", "0\r\nX: 1\r\n 2\r\n\r\n", 400},
		{"9112 7.1.2 NUL", "0\r\nX: \x00\r\n\r\n", 400},
		{"9112 7.1.2 too many lines", "0\r\n" + strings.Repeat("X: 1\r\n", 101), 431},
		{"9112 7.1.2 too large", "0\r\nX: " + strings.Repeat("a", 16<<10), 431},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			for _, step := range []int{1, 7, len(tt.in)} {
				var cuts []int
				for i := step; i < len(tt.in); i += step {
					cuts = append(cuts, i)
				}
				var b Body
				b.Reset(Chunked, 0, DefaultLimits())
				_, _, err := read(&b, tt.in, cuts...)
				var e *Error
				if !errors.As(err, &e) || e.Status != tt.status || b.Done() {
					t.Fatalf("in steps of %d: %v, done %v, want status %d", step, err, b.Done(), tt.status)
				}
				if _, n, again := b.Next([]byte("0\r\n\r\n")); n != 0 || !errors.Is(again, err) {
					t.Errorf("in steps of %d: Next after an error = %d, %v", step, n, again)
				}
				if !errors.Is(b.End(), ErrTruncated) {
					t.Errorf("in steps of %d: End after an error is clean", step)
				}
			}
		})
	}
}

func TestBodyTruncated(t *testing.T) {
	var b Body
	b.Reset(Length, 5, DefaultLimits())
	if _, _, err := read(&b, "hell"); err != nil || !errors.Is(b.End(), ErrTruncated) {
		t.Errorf("Length: %v, End = %v", err, b.End())
	}
	const chunked = "5\r\nhello\r\n0\r\nX: 1\r\n\r\n"
	for i := range len(chunked) {
		b.Reset(Chunked, 0, DefaultLimits())
		if _, _, err := read(&b, chunked[:i]); err != nil || !errors.Is(b.End(), ErrTruncated) {
			t.Errorf("Chunked, %d bytes: %v, End = %v", i, err, b.End())
		}
	}
}

// TestBodySmallChunks: one byte in a chunk is slow but honest, however long it goes on.
func TestBodySmallChunks(t *testing.T) {
	var b Body
	b.Reset(Chunked, 0, DefaultLimits())
	got, _, err := read(&b, strings.Repeat("1\r\nx\r\n", 50_000)+"0\r\n\r\n")
	if err != nil || len(got) != 50_000 || !b.Done() {
		t.Errorf("read = %d bytes, %v", len(got), err)
	}
}

// TestBodyExtensions: the limit of an extension is for one chunk, whatever those before had.
func TestBodyExtensions(t *testing.T) {
	var b Body
	b.Reset(Chunked, 0, DefaultLimits())
	got, _, err := read(&b, strings.Repeat("1;"+strings.Repeat("a", 3000)+"\r\nx\r\n", 3)+"0\r\n\r\n")
	if got != "xxx" || err != nil || !b.Done() {
		t.Errorf("read = %q, %v", got, err)
	}
}

func TestBodySkip(t *testing.T) {
	var b Body
	b.Reset(Length, 10, DefaultLimits())
	b.Skip(4)
	if got, _, err := read(&b, "456789next"); got != "456789" || err != nil || !b.Done() || b.Remaining() != 0 {
		t.Errorf("Length: %q, %v, Remaining %d", got, err, b.Remaining())
	}
	b.Reset(Chunked, 0, DefaultLimits())
	if _, _, err := b.Next([]byte("a")); err != nil || b.Remaining() != 0 {
		t.Errorf("half a size: %v, Remaining %d, want 0", err, b.Remaining())
	}
	if _, _, err := b.Next([]byte("\r\n")); err != nil || b.Remaining() != 10 {
		t.Errorf("chunk: %v, Remaining %d, want 10", err, b.Remaining())
	}
	b.Skip(10)
	if _, _, err := read(&b, "\r\n0\r\n\r\n"); err != nil || !b.Done() {
		t.Errorf("behind the chunk: %v, Done = %v", err, b.Done())
	}
	b.Reset(UntilClose, 0, DefaultLimits())
	if b.Skip(1 << 40); b.Remaining() != math.MaxInt64 || b.Done() {
		t.Errorf("UntilClose: Remaining %d, Done %v", b.Remaining(), b.Done())
	}
}

// checkRemaining feeds in byte by byte and holds that the bytes which Remaining promises are payload, with no framing before or in them.
func checkRemaining(t *testing.T, in []byte) {
	t.Helper()
	var b Body
	b.Reset(Chunked, 0, DefaultLimits())
	for i := range in {
		promised := b.Remaining()
		data, _, err := b.Next(in[i : i+1])
		if err != nil {
			return
		}
		if want := promised > 0; want != (len(data) == 1) {
			t.Fatalf("byte %d: payload %q, but Remaining was %d\nbody: %q", i, data, promised, in)
		}
		if b.Done() {
			return
		}
	}
}

func TestBodyRemaining(t *testing.T) {
	for _, s := range chunkedSeeds {
		checkRemaining(t, []byte(s))
	}
}

func TestAppendChunk(t *testing.T) {
	for n, want := range map[int]string{1: "1\r\n", 15: "f\r\n", 16: "10\r\n", 4096: "1000\r\n", 1 << 40: "10000000000\r\n"} {
		if got := string(AppendChunkHeader(nil, n)); got != want {
			t.Errorf("AppendChunkHeader(%d) = %q, want %q", n, got, want)
		}
	}
	out := AppendChunk(nil, []byte("hello"))
	out = AppendChunk(out, nil)
	out = AppendLastChunk(out, []byte("X: 1\r\n"))
	if want := "5\r\nhello\r\n0\r\nX: 1\r\n\r\n"; string(out) != want {
		t.Errorf("chunks = %q, want %q", out, want)
	}
}
