package http2

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// recorder is a Handler that writes down what it is told.
type recorder struct {
	conn   *Conn
	events []string
	bodies map[*Stream]string
	keep   bool // does not consume
}

func (r *recorder) note(format string, args ...any) {
	r.events = append(r.events, fmt.Sprintf(format, args...))
}
func (r *recorder) Open() *Stream { return new(Stream) }
func (r *recorder) Head(s *Stream, head []byte, cut bool) {
	r.note("head %d %q %v", s.id, head, cut)
}

func (r *recorder) Data(s *Stream, p []byte) {
	if r.bodies == nil {
		r.bodies = make(map[*Stream]string)
	}
	r.bodies[s] += string(p)
	if !r.keep {
		r.conn.Consumed(s, len(p))
	}
}

func (r *recorder) End(s *Stream) {
	r.note("end %d %q %q", s.id, r.bodies[s], s.Trailer)
}
func (r *recorder) Reset(s *Stream, code ErrCode) { r.note("reset %d %v", s.id, code) }
func (r *recorder) Window(*Stream)                {}
func (r *recorder) Pong()                         { r.note("pong") }

var testConfig = Config{MaxStreams: 10, StreamWindow: 1 << 16, ConnWindow: 1 << 17, HeadLimit: 16 << 10, Scheme: "https"}

// wire is a server end and a client that writes frames with x/net's framer.
type wire struct {
	t    testing.TB
	conn *Conn
	rec  *recorder
	to   bytes.Buffer
	*xhttp2.Framer
	enc   *hpack.Encoder
	block bytes.Buffer
	at    time.Duration
}

func newWire(t testing.TB) *wire {
	w := &wire{t: t, rec: new(recorder)}
	w.conn = New(Server, testConfig, w.rec)
	w.rec.conn = w.conn
	w.Framer = xhttp2.NewFramer(&w.to, nil)
	w.AllowIllegalWrites = true
	w.enc = hpack.NewEncoder(&w.block)
	w.to.WriteString(Preface)
	w.must(w.WriteSettings())
	return w
}

func (w *wire) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// fields encodes pairs of names and values.
func (w *wire) fields(pairs ...string) []byte {
	w.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		w.must(w.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	return slices.Clone(w.block.Bytes())
}

func (w *wire) headers(id uint32, end bool, pairs ...string) {
	w.t.Helper()
	w.must(w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: w.fields(pairs...), EndHeaders: true, EndStream: end}))
}

var get = []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}

// pump lets the server receive what was written, and returns the error of the connection.
func (w *wire) pump() error {
	for w.to.Len() > 0 {
		p := w.to.Bytes()
		n, err := w.conn.Receive(p[:min(len(p), BufferSize)], w.at)
		w.to.Next(n)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	return nil
}

// sent takes what the server wrote, as text.
func (w *wire) sent() []string {
	w.t.Helper()
	fr := xhttp2.NewFramer(nil, bytes.NewReader(w.conn.TakeOut(nil)))
	dec := hpack.NewDecoder(4096, nil)
	var all []string
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return all
		}
		switch f := f.(type) {
		case *xhttp2.HeadersFrame:
			fields, err := dec.DecodeFull(f.HeaderBlockFragment())
			w.must(err)
			var b strings.Builder
			for _, hf := range fields {
				fmt.Fprintf(&b, " %s=%s", hf.Name, hf.Value)
			}
			all = append(all, fmt.Sprintf("HEADERS %d %v%s", f.StreamID, f.StreamEnded(), b.String()))
		case *xhttp2.DataFrame:
			all = append(all, fmt.Sprintf("DATA %d %v %s", f.StreamID, f.StreamEnded(), f.Data()))
		case *xhttp2.RSTStreamFrame:
			all = append(all, fmt.Sprintf("RST_STREAM %d %v", f.StreamID, f.ErrCode))
		case *xhttp2.GoAwayFrame:
			all = append(all, fmt.Sprintf("GOAWAY %d %v", f.LastStreamID, f.ErrCode))
		}
	}
}

func (w *wire) wantEvents(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.rec.events, want) {
		w.t.Fatalf("events:\n%q, want\n%q", w.rec.events, want)
	}
}

func wantCode(t testing.TB, err error, code ErrCode) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want %v", err, code)
	}
}

func TestRequestAndResponse(t *testing.T) {
	w := newWire(t)
	w.headers(1, false, ":method", "POST", ":scheme", "https", ":path", "/a?b", ":authority", "h:1", "cookie", "a=1", "te", "trailers", "cookie", "b=2")
	w.must(w.WriteDataPadded(1, false, []byte("hel"), make([]byte, 7)))
	w.must(w.WriteData(1, false, []byte("lo")))
	w.headers(1, true, "x-sum", "1", "content-length", "9", "set-cookie", "x")
	w.must(w.pump())
	w.wantEvents(`head 1 "POST /a?b HTTP/1.1\r\nhost: h:1\r\nte: trailers\r\ncookie: a=1; b=2\r\ntransfer-encoding: chunked\r\n\r\n" false`,
		`end 1 "hello" "x-sum: 1\r\n"`)
	w.conn.TakeOut(nil)
	s := w.conn.streams[1]
	const answer = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nX-Odd: 1\r\n\r\nbody"
	n, err := w.conn.SendHead(s, []byte(answer))
	w.must(err)
	k, err := w.conn.SendHead(s, []byte(answer[n:]))
	w.must(err)
	if _, err := w.conn.SendData(s, []byte(answer[n+k:]), 100, false); err != nil {
		t.Fatal(err)
	}
	w.must(w.conn.SendTrailer(s, []byte("Grpc-Status: 0\r\n")))
	want := []string{
		"HEADERS 1 false :status=103 link=x", "HEADERS 1 false :status=200 content-type=text/plain x-odd=1",
		"DATA 1 false body", "HEADERS 1 true grpc-status=0",
	}
	if got := w.sent(); !slices.Equal(got, want) {
		t.Errorf("sent\n%q, want\n%q", got, want)
	}
	if w.conn.Release(s, 0); w.conn.Busy() {
		t.Error("the stream is still there")
	}
}

// A body whose length the head told ends the stream by itself, and no more of it is sent.
func TestResponseEndsByItself(t *testing.T) {
	for _, tt := range []struct{ method, answer, want string }{
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore", "HEADERS 1 false :status=200 content-length=2,DATA 1 true ok"},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", "HEADERS 1 true :status=200 content-length=0"},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEADERS 1 true :status=200 content-length=2"},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "HEADERS 1 true :status=304 content-length=2"},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", "HEADERS 1 true :status=204"},
	} {
		w := newWire(t)
		w.headers(1, true, ":method", tt.method, ":scheme", "http", ":path", "/", ":authority", "a")
		w.must(w.pump())
		w.conn.TakeOut(nil)
		s := w.conn.streams[1]
		n, err := w.conn.SendHead(s, []byte(tt.answer))
		w.must(err)
		if _, err := w.conn.SendData(s, []byte(tt.answer[n:]), 1000, false); err != nil || !s.Sent() {
			t.Errorf("%q: %v, sent %v", tt.answer, err, s.Sent())
		}
		if got := strings.Join(w.sent(), ","); got != tt.want {
			t.Errorf("%q: sent %s, want %s", tt.answer, got, tt.want)
		}
	}
}

// What is sent keeps to the windows, and goes on as they grow, by SETTINGS too.
func TestWindows(t *testing.T) {
	w := newWire(t)
	w.must(w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 3}))
	w.headers(1, true, get...)
	w.must(w.pump())
	s := w.conn.streams[1]
	if _, err := w.conn.SendHead(s, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	send := func(p string, want int) {
		t.Helper()
		if n, err := w.conn.SendData(s, []byte(p), 1000, false); n != want || err != nil {
			t.Fatalf("sent %d, %v, want %d", n, err, want)
		}
	}
	send("abcdef", 3)
	w.must(w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1})) // -2 now
	w.must(w.WriteWindowUpdate(1, 2))
	w.must(w.pump())
	send("def", 0)
	w.must(w.WriteWindowUpdate(1, 1))
	w.must(w.pump())
	send("def", 1)
	w.must(w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 100}))
	w.must(w.pump())
	send("ef", 2)
	if n, _ := w.conn.SendData(s, []byte("0123456789"), 4, false); n != 4 {
		t.Errorf("sent %d, want the 4 that there is room for", n)
	}
}

// A peer that sends more than its windows is refused, and what is consumed comes back.
func TestReceiveWindow(t *testing.T) {
	w := newWire(t)
	w.rec.keep = true
	w.headers(1, false, ":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a")
	for range 4 {
		w.must(w.WriteData(1, false, make([]byte, 1<<14)))
	}
	w.must(w.pump())
	w.must(w.WriteData(1, false, []byte("x")))
	w.must(w.pump())
	if got := w.sent(); !slices.Contains(got, "RST_STREAM 1 FLOW_CONTROL_ERROR") {
		t.Fatalf("sent %q, want the stream refused", got)
	}
	w.conn.Release(&Stream{id: 1, gone: true}, 4<<14) // what the driver had of it
	if w.conn.recvWindow != int64(testConfig.ConnWindow)-int64(w.conn.unacked) {
		t.Errorf("window of the connection is %d with %d not given back", w.conn.recvWindow, w.conn.unacked)
	}
}

// GOAWAY comes twice: requests under way when the first came are served.
func TestGoAway(t *testing.T) {
	w := newWire(t)
	w.headers(1, true, get...)
	w.must(w.pump())
	w.conn.TakeOut(nil)
	w.conn.GoAway(false)
	w.conn.GoAway(false)
	w.conn.Ping()
	w.headers(3, true, get...)
	w.must(w.WritePing(true, [8]byte([]byte(pingData))))
	w.must(w.pump())
	w.conn.GoAway(true)
	w.headers(5, true, get...)
	w.must(w.pump())
	const head = `"GET / HTTP/1.1\r\nhost: a\r\n\r\n" false`
	w.wantEvents("head 1 "+head, `end 1 "" ""`, "head 3 "+head, `end 3 "" ""`, "pong")
	if got, want := w.sent(), []string{"GOAWAY 2147483647 NO_ERROR", "GOAWAY 3 NO_ERROR"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
