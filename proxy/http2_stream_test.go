package proxy

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http2"
)

// framer is a client that writes frames itself.
type framer struct {
	*xhttp2.Framer
	t     testing.TB
	c     net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
}

func newFramer(t testing.TB, c net.Conn) *framer {
	t.Helper()
	fr := &framer{Framer: xhttp2.NewFramer(c, c), t: t, c: c}
	fr.enc = hpack.NewEncoder(&fr.block)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	write(t, c, http2.Preface)
	if err := fr.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return fr
}

// open sends a request head.
func (fr *framer) open(id uint32, end bool, pairs ...string) {
	fr.t.Helper()
	fr.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = fr.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	const most = 16 << 10
	b := fr.block.Bytes()
	first := b[:min(len(b), most)]
	b = b[len(first):]
	err := fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndHeaders: len(b) == 0, EndStream: end})
	for len(b) > 0 && err == nil {
		piece := b[:min(len(b), most)]
		b = b[len(piece):]
		err = fr.WriteContinuation(id, len(b) == 0, piece)
	}
	if err != nil {
		fr.t.Fatal(err)
	}
}

func (fr *framer) get(id uint32) {
	fr.t.Helper()
	fr.open(id, true, ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a")
}

// next returns the next frame that is not about settings or windows.
func (fr *framer) next() xhttp2.Frame {
	fr.t.Helper()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			fr.t.Fatalf("read frame: %v", err)
		}
		switch f.(type) {
		case *xhttp2.SettingsFrame, *xhttp2.WindowUpdateFrame:
		default:
			return f
		}
	}
}

func (fr *framer) wantStatus(id uint32, status string) *xhttp2.MetaHeadersFrame {
	fr.t.Helper()
	f, ok := fr.next().(*xhttp2.MetaHeadersFrame)
	if !ok || f.StreamID != id || f.PseudoValue("status") != status {
		fr.t.Fatalf("got %v, want status %s on stream %d", f, status, id)
	}
	return f
}

func (fr *framer) wantReset(id uint32, code xhttp2.ErrCode) {
	fr.t.Helper()
	f := fr.next()
	if r, ok := f.(*xhttp2.RSTStreamFrame); !ok || r.StreamID != id || r.ErrCode != code {
		fr.t.Fatalf("got %v, want RST_STREAM %v on stream %d", f, code, id)
	}
}

func (fr *framer) wantData(id uint32, want string, end bool) {
	fr.t.Helper()
	f := fr.next()
	if d, ok := f.(*xhttp2.DataFrame); !ok || d.StreamID != id || string(d.Data()) != want || d.StreamEnded() != end {
		fr.t.Fatalf("got %v, want DATA %q on stream %d, end %v", f, want, id, end)
	}
}

// Extended CONNECT (RFC 8441) becomes the upgrade that members know, and a tunnel.
func TestHTTP2WebSocket(t *testing.T) {
	f := newFront(t, 1, nil)
	fr := newFramer(t, f.dial(8080))
	fr.open(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/chat", ":authority", "a", "sec-websocket-version", "13")
	m := f.member(0)
	head := m.wantHead("GET /chat HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
	_, key, _ := strings.Cut(head, "sec-websocket-key: ")
	key, _, _ = strings.Cut(key, "\n")
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	m.send("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Accept: %s\n\nhello", base64.StdEncoding.EncodeToString(sum[:]))
	if h := fr.wantStatus(1, "200"); len(h.RegularFields()) != 0 {
		t.Errorf("response has fields of HTTP/1.1: %v", h.RegularFields())
	}
	fr.wantData(1, "hello", false)
	if err := fr.WriteData(1, false, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	m.wantBody("ping")
	m.send("pong")
	fr.wantData(1, "pong", false)
	if err := fr.WriteData(1, true, nil); err != nil {
		t.Fatal(err)
	}
	m.wantEnd()
	m.Close()
	fr.wantData(1, "", true)
}

// A member that does not switch has not opened a WebSocket, whatever it answers.
func TestHTTP2WebSocketNotConfirmed(t *testing.T) {
	for name, answer := range map[string]string{
		"200":       "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"wrong key": "HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Accept: x\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, 1, nil)
			fr := newFramer(t, f.dial(8080))
			fr.open(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/", ":authority", "a")
			m := f.member(0)
			m.head()
			m.send("%s", answer)
			m.Close()
			fr.wantStatus(1, "502")
		})
	}
}

// What is wrong in HTTP/2 resets the stream; what is only not served is answered. Other
// streams do not notice.
func TestHTTP2Refused(t *testing.T) {
	f := newHTTP2Front(t, hello, nil)
	fr := newFramer(t, f.dial(8080))
	long := strings.Repeat("x", 9<<10)
	base := func(pairs ...string) []string {
		return append([]string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}, pairs...)
	}
	id := uint32(1)
	for _, tt := range []struct {
		name, status string
		pairs        []string
	}{
		{"malformed", "", base("connection", "close")},
		{"CONNECT", "501", []string{":method", "CONNECT", ":authority", "a:1"}},
		{"target", "414", []string{":method", "GET", ":scheme", "http", ":path", "/" + long, ":authority", "a"}},
		{"head", "431", base("x", long, "y", long)},
		{"head far too large", "431", base("x", long, "y", long, "z", long, "a", long)},
		{"authority", "400", []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "user@a"}},
		{"none of that", "200", base()},
	} {
		fr.open(id, true, tt.pairs...)
		if tt.status == "" {
			fr.wantReset(id, xhttp2.ErrCodeProtocol)
		} else {
			fr.wantStatus(id, tt.status)
			for {
				if d, ok := fr.next().(*xhttp2.DataFrame); ok && d.StreamEnded() {
					break
				}
			}
		}
		id += 2
	}
}

// A request that the client gives up is given up at the member, and one that breaks off
// at the member is reset at the client.
func TestHTTP2Reset(t *testing.T) {
	f := newFront(t, 1, nil)
	fr := newFramer(t, f.dial(8080))
	fr.get(1)
	m := f.member(0)
	m.head()
	if err := fr.WriteRSTStream(1, xhttp2.ErrCodeCancel); err != nil {
		t.Fatal(err)
	}
	m.wantAbort()
	fr.get(3)
	m = f.member(0)
	m.head()
	m.send("HTTP/1.1 200 OK\nContent-Length: 10\n\nhello")
	fr.wantStatus(3, "200")
	fr.wantData(3, "hello", false)
	m.Close()
	fr.wantReset(3, xhttp2.ErrCodeInternal)
	fr.open(5, false, ":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a", "content-length", "9")
	m = f.member(0)
	m.head()
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok") // before it has the body
	fr.wantStatus(5, "200")
	fr.wantData(5, "ok", true)
	fr.wantReset(5, xhttp2.ErrCodeNo)
}

// Draining tells the client, serves what is on its way, and ends the connection.
func TestHTTP2Drain(t *testing.T) {
	f := newFront(t, 1, nil)
	fr := newFramer(t, f.dial(8080))
	fr.get(1)
	m := f.member(0)
	m.head()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		done <- f.engine.Drain(ctx)
	}()
	if g, ok := fr.next().(*xhttp2.GoAwayFrame); !ok || g.LastStreamID != 1<<31-1 || g.ErrCode != xhttp2.ErrCodeNo {
		t.Fatalf("got %v, want GOAWAY of everything", g)
	}
	p, ok := fr.next().(*xhttp2.PingFrame)
	if !ok {
		t.Fatal("no PING behind the first GOAWAY")
	}
	fr.get(3) // crossed the GOAWAY
	m3 := f.member(0)
	m3.head()
	if err := fr.WritePing(true, p.Data); err != nil {
		t.Fatal(err)
	}
	if g, ok := fr.next().(*xhttp2.GoAwayFrame); !ok || g.LastStreamID != 3 {
		t.Fatalf("got %v, want GOAWAY with stream 3", g)
	}
	for i, m := range []*peer{m, m3} {
		m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
		fr.wantStatus(uint32(2*i+1), "200")
		fr.wantData(uint32(2*i+1), "ok", true)
	}
	if f, err := fr.ReadFrame(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v, want the end of the connection", f, err)
	}
	fr.c.Close()
	if err := <-done; err != nil {
		t.Errorf("drain: %v", err)
	}
}

// A client that reads one stream slowly, or not at all, holds up only that one.
func TestHTTP2SlowStream(t *testing.T) {
	const size = 4 << 20
	f := newHTTP2Front(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			_, _ = w.Write(make([]byte, size))
			return
		}
		hello(w, r)
	}, nil)
	c := f.http2Client(8080)
	resp, err := c.Do(request2(t, "GET", "/large", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 50 {
		if _, body := do(t, c, request2(t, "GET", "/", nil)); body != "hello" {
			t.Fatalf("got %q beside a stream that is not read", body)
		}
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("got %d bytes, %v, want %d", n, err, size)
	}
}

// A connection on which nothing happens ends, and one whose client stalls in a head too.
func TestHTTP2Idle(t *testing.T) {
	f := newFront(t, 0, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(300 * time.Millisecond) })
	for name, send := range map[string]string{
		"idle":          http2.Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"half a frame":  http2.Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x10\x01",
		"half a head":   http2.Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82",
		"half preface":  http2.Preface[:20],
		"no settings":   http2.Preface,
		"not a preface": "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := f.dial(8080)
			write(t, c, send)
			began := time.Now()
			if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
				t.Fatalf("still open after %v", time.Since(began))
			}
		})
	}
	testenv.Eventually(t, limit, func() error {
		if n := f.engine.Stats()[f.listener].Active; n != 0 {
			return errors.New("connections are left")
		}
		return nil
	})
}
