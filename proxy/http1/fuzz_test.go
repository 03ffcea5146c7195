package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"testing"
)

func FuzzRequest(f *testing.F) {
	for _, s := range requestSeeds {
		f.Add([]byte(s))
	}
	for _, s := range smuggling {
		f.Add([]byte(s.stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) { checkRelay(t, stream) })
}

// FuzzResponse holds: what we accept, net/http reads alike; what we emit for it parses to the same and is fixed under a second pass.
func FuzzResponse(f *testing.F) {
	for _, s := range responseSeeds {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, stream []byte, head bool) {
		q := ask(t, askTrailer)
		if head {
			q = ask(t, askHead)
		}
		var r, again Response
		n, err := r.Parse(stream, DefaultLimits(), q)
		if err != nil || n == 0 {
			return
		}
		out, _ := AppendResponse(nil, &r, q, true)
		wide := DefaultLimits()
		wide.Head, wide.Fields = MaxHead, 2*wide.Fields
		if m, err := again.Parse(out, wide, q); err != nil || m != len(out) {
			t.Fatalf("our head does not parse: %d, %v\nhead: %q", m, err, out)
		}
		if again.Status != r.Status || again.Framing != r.ClientFraming(q) || again.Length != r.Length || !bytes.Equal(again.Reason, r.Reason) {
			t.Fatalf("our head means something else\nin:  %q\nout: %q", stream, out)
		}
		if second, _ := AppendResponse(nil, &again, q, true); !bytes.Equal(second, out) {
			t.Fatalf("re-emission is no fixed point\nfirst:  %q\nsecond: %q", out, second)
		}
		var b Body
		var body []byte
		b.Reset(r.Framing, r.Length, DefaultLimits())
		for rest := stream[n:]; len(rest) > 0 && !b.Done(); {
			data, k, err := b.Next(rest)
			if err != nil {
				return
			}
			body, rest = append(body, data...), rest[k:]
		}
		if b.End() != nil {
			return
		}
		p, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(stream)), &http.Request{Method: string(q.Method)})
		if err != nil {
			if known(err) != err { //nolint:errorlint // identity: known returns other errors as they are
				return
			}
			t.Fatalf("net/http refuses what we accept: %v\nstream: %q", err, stream)
		}
		defer func() { _ = p.Body.Close() }()
		theirs, err := io.ReadAll(p.Body)
		if err != nil || p.StatusCode != r.Status || !bytes.Equal(theirs, body) {
			t.Fatalf("net/http reads %d %q (%v), we %d %q\nstream: %q", p.StatusCode, theirs, err, r.Status, body, stream)
		}
	})
}

// FuzzBody holds: a chunked body that we accept gives the same payload in net/http, and the same for every cut; only payload is
// promised by Remaining.
func FuzzBody(f *testing.F) {
	for _, s := range chunkedSeeds {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		if cut < 0 || cut > len(stream) {
			cut = len(stream)
		}
		checkRemaining(t, stream)
		var b, c Body
		b.Reset(Chunked, 0, DefaultLimits())
		c.Reset(Chunked, 0, DefaultLimits())
		payload, behind, err := read(&b, string(stream))
		payload2, behind2, err2 := read(&c, string(stream), cut)
		if payload != payload2 || (err == nil) != (err2 == nil) || b.Done() != c.Done() || err == nil && behind != behind2 {
			t.Fatalf("cut at %d: payload %q and %q, errors %v and %v\nstream: %q", cut, payload, payload2, err, err2, stream)
		}
		if !bytes.Equal(b.Trailer(), c.Trailer()) {
			t.Fatalf("cut at %d: trailer %q and %q", cut, b.Trailer(), c.Trailer())
		}
		if err != nil || !b.Done() {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(stream)))
		if err != nil || string(theirs) != payload {
			t.Fatalf("net/http reads %q (%v), we %q\nstream: %q", theirs, err, payload, stream)
		}
	})
}
