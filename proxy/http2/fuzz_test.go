package http2

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// FuzzReceive: no bytes may panic, and what is made of them must not depend on how they are cut.
func FuzzReceive(f *testing.F) {
	seed := func(write func(w *wire)) {
		w := newWire(f)
		write(w)
		f.Add(bytes.Clone(w.to.Bytes()), uint16(7))
	}
	seed(func(w *wire) { w.headers(1, true, get...) })
	seed(func(w *wire) {
		w.headers(1, false, with("content-length", "5")...)
		w.must(w.WriteDataPadded(1, true, []byte("hello"), make([]byte, 3)))
		w.headers(3, false, get...)
		w.must(w.WriteData(3, false, []byte("x")))
		w.headers(3, true, "x-trailer", "y")
	})
	seed(func(w *wire) {
		w.must(w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.fields(get...), PadLength: 3, Priority: xhttp2.PriorityParam{Weight: 3}}))
		w.must(w.WriteContinuation(1, true, w.fields("a", "b")))
		w.must(w.WritePing(false, [8]byte{1}))
		w.must(w.WriteWindowUpdate(1, 5))
		w.must(w.WriteRSTStream(1, xhttp2.ErrCodeCancel))
		w.must(w.WriteGoAway(0, xhttp2.ErrCodeNo, nil))
	})
	f.Fuzz(func(t *testing.T, p []byte, cut uint16) {
		whole, pieces := receive(t, p, BufferSize), receive(t, p, int(cut)%64+1)
		if whole != pieces {
			t.Errorf("in one piece:\n%s\nin pieces:\n%s", whole, pieces)
		}
	})
}

// receive hands p over in pieces, as a driver does that reads so much at a time, and says what came of it.
func receive(t *testing.T, p []byte, size int) string {
	rec := new(recorder)
	c := New(Server, testConfig, rec)
	rec.conn = c
	var buf []byte
	var end error
	for len(p) > 0 && end == nil {
		n := min(size, len(p), BufferSize-len(buf))
		if n == 0 {
			t.Fatal("a full buffer is not taken")
		}
		buf, p = append(buf, p[:n]...), p[n:]
		k, err := c.Receive(buf, 0)
		buf, end = buf[k:], err
	}
	for _, s := range c.streams {
		rec.note("open %d %q %v", s.id, rec.bodies[s], s.remoteEnd)
	}
	slices.Sort(rec.events)
	return fmt.Sprintf("%s\n%v\n%x", strings.Join(rec.events, "\n"), end, c.Out())
}

// FuzzHead: whatever the fields are, the text that they become is one head, whose fields are the same for a parser
// that knows nothing of it.
func FuzzHead(f *testing.F) {
	f.Add("GET", "/", "a", "x-name", "value", "cookie", "a=b", true)
	f.Add("POST", "/a?b=c", "a:80", "content-length", "12", "te", "trailers", false)
	f.Add("CONNECT", "/", "a", "host", "a", "expect", "100-continue", false)
	f.Fuzz(func(t *testing.T, method, path, authority, n1, v1, n2, v2 string, last bool) {
		h := render(blockRequest, last, ":method", method, ":scheme", "http", ":path", path, ":authority", authority, n1, v1, n2, v2)
		if h.bad != "" || h.over {
			return
		}
		var req http1.Request
		n, err := req.Parse(h.text, http1.Limits{Head: http1.MaxHead, Fields: 100, Target: 1 << 15})
		if err != nil {
			return // refused with a status of its own
		}
		if n != len(h.text) || string(req.Method) != method || string(req.Target) != path && path != "" || req.KeepAlive != true {
			t.Fatalf("%q is read as %d of %d bytes, %q %q", h.text, n, len(h.text), req.Method, req.Target)
		}
		if host, _ := req.Fields.Get("host"); authority != "" && string(host) != authority {
			t.Errorf("host is %q, want %q", host, authority)
		}
		if v, _ := req.Fields.Get(n1); n1 != n2 && n1 != "cookie" && n1 != "host" && n1 != "content-length" && string(v) != v1 {
			t.Errorf("%s is %q, want %q: %q", n1, v, v1, h.text)
		}
		if bodied := req.Framing != http1.NoBody && (req.Framing == http1.Chunked || req.Length > 0); bodied == last {
			t.Errorf("framing %v with the end of the stream %v", req.Framing, last)
		}
	})
}

// FuzzEncode: a head as http1 writes it comes out of an independent decoder with the same fields.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nX-Odd: \r\nConnection: close\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nServer: x\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 999 \r\nContent-Length: 12345\r\n\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var req http1.Request
		if _, err := req.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), http1.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		var resp http1.Response
		n, err := resp.Parse(p, http1.DefaultLimits(), &req)
		if n == 0 || err != nil {
			return
		}
		head, _ := http1.AppendResponse(nil, &resp, &req, true)
		var want []hpack.HeaderField
		want = append(want, hpack.HeaderField{Name: ":status", Value: fmt.Sprint(resp.Status)})
		lines := strings.Split(string(head), "\r\n")
		for _, line := range lines[1 : len(lines)-2] {
			name, value, _ := strings.Cut(line, ": ")
			switch name = strings.ToLower(name); name {
			case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			default:
				want = append(want, hpack.HeaderField{Name: name, Value: value})
			}
		}
		var sd said
		got, err := hpack.NewDecoder(4096, nil).DecodeFull(appendResponse(nil, head, &sd))
		for i := range got {
			got[i].Sensitive = false
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is decoded as %v, %v, want %v", head, got, err, want)
		}
		if resp.Framing == http1.Length && sd.length != resp.Length {
			t.Errorf("length is %d, want %d", sd.length, resp.Length)
		}
	})
}

// FuzzFrames compares the heads of frames with x/net's reading.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 4, 8, 0, 0x80, 0, 0, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < frameHeaderLen {
			return
		}
		want, err := xhttp2.ReadFrameHeader(bytes.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		got := parseFrame(p)
		if got.length != int(want.Length) || uint8(got.typ) != uint8(want.Type) || got.flags != uint8(want.Flags) || got.stream != want.StreamID {
			t.Errorf("got %+v, want %v", got, want)
		}
		again := appendFrame(nil, got.length, got.typ, got.flags, got.stream)
		if p[5] &= 0x7f; !bytes.Equal(again, p[:frameHeaderLen]) {
			t.Errorf("written as %x, want %x", again, p[:frameHeaderLen])
		}
	})
}
