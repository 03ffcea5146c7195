package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a recipient makes of one request.
type seen struct {
	Method, Target, Host string
	Framing              Framing
	Length               int64
	Body                 string
}

// relay passes a stream of requests on as a driver would, whole requests only, and tells what it saw.
func relay(stream []byte, lim Limits) (out []byte, all []seen, err error) {
	var r Request
	var b Body
	for len(stream) > 0 {
		n, err := r.Parse(stream, lim)
		if err != nil || n == 0 {
			return out, all, err
		}
		stream = stream[n:]
		s := seen{Method: string(r.Method), Target: string(r.Target), Host: string(r.Host), Framing: r.Framing, Length: r.Length}
		if s.Host == "" {
			s.Host = "member"
		}
		whole := AppendRequest(nil, &r, plain())
		b.Reset(r.Framing, r.Length, lim)
		for !b.Done() {
			data, n, err := b.Next(stream)
			if err != nil {
				return out, all, err
			}
			if n == 0 {
				return out, all, ErrTruncated
			}
			stream = stream[n:]
			s.Body += string(data)
			if r.Framing == Chunked {
				whole = AppendChunk(whole, data)
			} else {
				whole = append(whole, data...)
			}
		}
		if r.Framing == Chunked {
			whole = AppendLastChunk(whole, b.Trailer())
		}
		out, all = append(out, whole...), append(all, s)
	}
	return out, all, nil
}

// errKnown marks a message that net/http refuses for a reason that is no rule of HTTP/1.1.
var errKnown = errors.New("known difference")

// independent reads the requests of a stream with net/http.
func independent(stream []byte, count int) (all []seen, err error) {
	in := bufio.NewReader(bytes.NewReader(stream))
	for range count {
		for { // net/http leaves empty lines before a request (RFC 9112 section 2.2) to its server
			if b, _ := in.Peek(2); string(b) != "\r\n" {
				break
			}
			_, _ = in.Discard(2)
		}
		q, err := http.ReadRequest(in)
		if err != nil {
			return all, known(err)
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return all, known(err)
		}
		s := seen{Method: q.Method, Target: q.RequestURI, Host: q.Host, Body: string(body)}
		if q.URL.IsAbs() {
			s.Target = originForm(q)
		}
		if s.Host == "" {
			s.Host = "member" // only HTTP/1.0 may come without
		}
		switch {
		case len(q.TransferEncoding) > 0:
			s.Framing = Chunked
		case q.Header.Get("Content-Length") != "":
			s.Framing, s.Length = Length, q.ContentLength
		}
		all = append(all, s)
	}
	return all, nil
}

// originForm cuts the absolute-form by text, because net/url would also re-encode it.
func originForm(q *http.Request) string {
	_, rest, _ := strings.Cut(q.RequestURI, "://")
	switch i := strings.IndexAny(rest, "/?"); {
	case i < 0 && q.Method == http.MethodOptions:
		return "*"
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	default:
		return rest[i:]
	}
}

// known wraps errors of net/http that are known differences:
//   - net/url refuses targets and authorities with a bad "%" escape or odd IP literals; a proxy passes a target on as it is, and an
//     authority is compared, never resolved;
//   - net/http refuses Trailer lines that announce fields it forbids; here those fields are dropped when they arrive.
func known(err error) error {
	var u *url.Error
	if errors.As(err, &u) || strings.Contains(err.Error(), "bad trailer key") {
		return fmt.Errorf("%w: %w", errKnown, err)
	}
	return err
}

// checkRelay holds the promises about a stream of requests. It returns how many were accepted.
func checkRelay(t *testing.T, stream []byte) int {
	t.Helper()
	out, ours, err := relay(stream, DefaultLimits())
	switch theirs, e := independent(stream, len(ours)); {
	case errors.Is(e, errKnown):
	case e != nil:
		t.Fatalf("net/http refuses what we accept: %v\nstream: %q", e, stream)
	default:
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Fatalf("net/http reads the stream differently (-ours +net/http):\n%s\nstream: %q", diff, stream)
		}
	}
	switch theirs, e := independent(out, len(ours)+1); {
	case errors.Is(e, errKnown):
	case !errors.Is(e, io.EOF) || len(theirs) != len(ours):
		t.Fatalf("net/http finds %d requests (%v) in what we pass on, want %d\npassed on: %q", len(theirs), e, len(ours), out)
	default:
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Fatalf("the member reads what we pass on differently (-ours +net/http):\n%s\npassed on: %q", diff, out)
		}
	}
	wide := DefaultLimits() // the added Host and white space may pass a limit
	wide.Head, wide.Fields = MaxHead, 2*wide.Fields
	again, same, e := relay(out, wide)
	if e != nil || !bytes.Equal(again, out) {
		t.Fatalf("re-emission is no fixed point: %v\nfirst:  %q\nsecond: %q", e, out, again)
	}
	if diff := cmp.Diff(ours, same); diff != "" {
		t.Fatalf("the second pass reads differently:\n%s", diff)
	}
	_ = err // a refused request ends the stream; what came before it was checked
	return len(ours)
}

func TestSmuggling(t *testing.T) {
	for _, tt := range smuggling {
		t.Run(tt.name, func(t *testing.T) {
			if got := checkRelay(t, []byte(tt.stream)); got != tt.accepted {
				t.Errorf("%d requests accepted, want %d", got, tt.accepted)
			}
		})
	}
}

// TestRequestSplit cuts every seed at every position, and feeds it byte by byte: the result is that of the whole.
func TestRequestSplit(t *testing.T) {
	for _, seed := range requestSeeds {
		var whole Request
		n, err := whole.Parse([]byte(seed), DefaultLimits())
		if err != nil || n == 0 {
			t.Fatalf("Parse(%q) = %d, %v", seed, n, err)
		}
		want := string(AppendRequest(nil, &whole, testForward()))
		check := func(r *Request, got int, err error, how string) {
			t.Helper()
			if err != nil || got != n || string(AppendRequest(nil, r, testForward())) != want {
				t.Fatalf("%s: %d, %v, want %d\nseed: %q", how, got, err, n, seed)
			}
		}
		var r Request
		for i := range n {
			if got, err := r.Parse([]byte(seed[:i]), DefaultLimits()); got != 0 || err != nil {
				t.Fatalf("Parse(%q) = %d, %v, want 0, nil", seed[:i], got, err)
			}
			got, err := r.Parse([]byte(seed), DefaultLimits()) // a buffer of its own: the first one is gone
			check(&r, got, err, fmt.Sprintf("cut at %d", i))
		}
		for i := range n {
			if got, err := r.Parse([]byte(seed[:i]), DefaultLimits()); got != 0 || err != nil {
				t.Fatalf("byte %d: %d, %v", i, got, err)
			}
		}
		got, err := r.Parse([]byte(seed[:n]), DefaultLimits())
		check(&r, got, err, "byte by byte")
	}
}

func TestResponseSplit(t *testing.T) {
	q := ask(t, askTrailer)
	for _, seed := range responseSeeds {
		var whole, r Response
		n, err := whole.Parse([]byte(seed), DefaultLimits(), q)
		if err != nil || n == 0 {
			t.Fatalf("Parse(%q) = %d, %v", seed, n, err)
		}
		want, _ := AppendResponse(nil, &whole, q, true)
		for i := range n {
			if got, err := r.Parse([]byte(seed[:i]), DefaultLimits(), q); got != 0 || err != nil {
				t.Fatalf("Parse(%q) = %d, %v, want 0, nil", seed[:i], got, err)
			}
			got, err := r.Parse([]byte(seed), DefaultLimits(), q)
			if head, _ := AppendResponse(nil, &r, q, true); err != nil || got != n || !bytes.Equal(head, want) {
				t.Fatalf("cut at %d: %d, %v\nhead: %q\nwant: %q", i, got, err, head, want)
			}
		}
	}
}
