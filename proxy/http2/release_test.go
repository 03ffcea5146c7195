package http2

import (
	"reflect"
	"slices"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Nothing is sent on a stream that was reset, by whomever (RFC 9113 section 5.1).
func TestNothingBehindReset(t *testing.T) {
	for name, reset := range map[string]func(w *wire, s *Stream){
		"by the peer": func(w *wire, _ *Stream) { w.must(w.WriteRSTStream(1, xhttp2.ErrCodeCancel)); w.must(w.pump()) },
		"by us":       func(w *wire, s *Stream) { w.conn.Reset(s, Cancel) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			w.headers(1, true, get...)
			w.must(w.pump())
			s := w.conn.streams[1]
			reset(w, s)
			w.conn.TakeOut(nil)
			_, err := w.conn.SendHead(s, []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"))
			wantCode(t, err, StreamClosed)
			_, err = w.conn.SendData(s, []byte("ok"), 10, true)
			wantCode(t, err, StreamClosed)
			if err := w.conn.SendTrailer(s, []byte("a: b\r\n")); err != nil {
				t.Error(err)
			}
			if got := w.sent(); len(got) > 0 {
				t.Errorf("sent %q behind the reset", got)
			}
		})
	}
}

// newAsker is an end that asks, and the frames of the one that answers.
func newAsker(t *testing.T, settings ...xhttp2.Setting) *wire {
	t.Helper()
	w := newWire(t)
	w.conn = New(Client, testConfig, w.rec)
	w.rec.conn = w.conn
	w.to.Reset()
	w.must(w.WriteSettings(settings...))
	w.must(w.pump())
	return w
}

var ask = []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")

// A request that the peer has not looked at is told apart: it may be sent elsewhere.
func TestRefused(t *testing.T) {
	for name, refuse := range map[string]func(w *wire, s *Stream){
		"beyond the limit": func(w *wire, s *Stream) {
			if _, err := w.conn.SendHead(new(Stream), ask); err != nil {
				t.Fatal(err)
			}
			_, err := w.conn.SendHead(s, ask)
			wantCode(t, err, RefusedStream)
		},
		"after GOAWAY": func(w *wire, s *Stream) {
			w.must(w.WriteGoAway(0, xhttp2.ErrCodeNo, nil))
			w.must(w.pump())
			_, err := w.conn.SendHead(s, ask)
			wantCode(t, err, RefusedStream)
		},
		"by GOAWAY": func(w *wire, s *Stream) {
			_, err := w.conn.SendHead(s, ask)
			w.must(err)
			w.must(w.WriteGoAway(0, xhttp2.ErrCodeNo, nil))
			w.must(w.pump())
		},
		"by RST_STREAM": func(w *wire, s *Stream) {
			_, err := w.conn.SendHead(s, ask)
			w.must(err)
			w.must(w.WriteRSTStream(1, xhttp2.ErrCodeRefusedStream))
			w.must(w.pump())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newAsker(t, xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1}), new(Stream)
			if w.conn.MaxOpen() != 1 {
				t.Errorf("may open %d, want 1", w.conn.MaxOpen())
			}
			refuse(w, s)
			if !s.Gone() || !s.Refused() {
				t.Errorf("gone %v, refused %v, want both", s.Gone(), s.Refused())
			}
		})
	}
	w, s := newAsker(t), new(Stream)
	if _, err := w.conn.SendHead(s, ask); err != nil {
		t.Fatal(err)
	}
	w.must(w.WriteRSTStream(1, xhttp2.ErrCodeCancel))
	w.must(w.pump())
	if s.Refused() {
		t.Error("a stream that was cancelled counts as refused")
	}
}

// However much of the connection's window is held by streams that nobody reads, the rest of it
// comes back to the others.
func TestWindowBesideUnread(t *testing.T) {
	for held := range testConfig.ConnWindow {
		if held%1000 != 0 {
			continue
		}
		c := New(Client, testConfig, new(recorder))
		c.recvWindow -= int64(held)
		for range 100 {
			n := min(c.recvWindow, maxFrame)
			if n <= 0 {
				t.Fatalf("window is used up with %d held, %d not given back", held, c.unacked)
			}
			c.recvWindow -= n
			c.refund(int(n))
		}
	}
}

// The decoder keeps nothing of a large header block.
func TestDecoderKeepsNoCopy(t *testing.T) {
	w := newWire(t)
	large := append(slices.Clone(get), "x", string(slices.Repeat([]byte{'%'}, 12000)))
	w.headers(1, true, large...)
	w.must(w.pump())
	if n := kept(w.conn.dec); n > 0 {
		t.Errorf("decoder keeps %d bytes", n)
	}
}

// Header blocks that are decoded and ignored have their price.
func TestIgnoredBlocksCost(t *testing.T) {
	w := newWire(t)
	w.conn.GoAway(true)
	var err error
	for id := uint32(1); err == nil && id < 5000; id += 2 {
		w.headers(id, true, get...)
		err = w.pump()
	}
	wantCode(t, err, EnhanceYourCalm)
}

// kept is how much memory the decoder holds for fields that are not whole.
func kept(d *hpack.Decoder) int {
	return reflect.ValueOf(d).Elem().FieldByName("saveBuf").FieldByName("buf").Cap()
}
