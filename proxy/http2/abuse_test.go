package http2

import (
	"slices"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// Each of these costs the peer nothing and us much. None may go on for long, and none may
// make us keep more than so much.
func TestAbuse(t *testing.T) {
	id := uint32(1)
	for name, tt := range map[string]struct {
		once func(w *wire)
		code ErrCode
		most int // rounds
	}{
		"rapid reset (CVE-2023-44487)": {func(w *wire) {
			w.headers(id, true, get...)
			w.must(w.WriteRSTStream(id, xhttp2.ErrCodeCancel))
		}, EnhanceYourCalm, 600},
		"MadeYouReset (CVE-2025-8671)": {func(w *wire) {
			w.headers(id, true, get...)
			w.must(w.WriteWindowUpdate(id, 0))
		}, EnhanceYourCalm, 600},
		"streams that are malformed":     {func(w *wire) { w.headers(id, true, "Upper", "x") }, EnhanceYourCalm, 600},
		"streams beyond the limit":       {func(w *wire) { w.headers(id, false, get...) }, EnhanceYourCalm, 600},
		"PING flood":                     {func(w *wire) { w.must(w.WritePing(false, [8]byte{})) }, EnhanceYourCalm, 1100},
		"SETTINGS flood (CVE-2019-9515)": {func(w *wire) { w.must(w.WriteSettings()) }, EnhanceYourCalm, 300},
		"empty DATA (CVE-2019-9518)": {func(w *wire) {
			if id == 1 {
				w.headers(1, false, get...)
			}
			w.must(w.WriteData(1, false, nil))
		}, EnhanceYourCalm, 600},
		"PRIORITY flood":     {func(w *wire) { w.must(w.WritePriority(id, xhttp2.PriorityParam{})) }, EnhanceYourCalm, 1100},
		"unknown frames":     {func(w *wire) { w.must(w.WriteRawFrame(0x42, 0, 0, nil)) }, EnhanceYourCalm, 1100},
		"tiny WINDOW_UPDATE": {func(w *wire) { w.must(w.WriteWindowUpdate(0, 1)) }, EnhanceYourCalm, 1100},
		"DATA behind an end": {func(w *wire) { w.headers(id, true, get...); w.must(w.WriteData(id, true, nil)) }, EnhanceYourCalm, 600},
		"CONTINUATION (CVE-2023-45288)": {func(w *wire) {
			if id == 1 {
				w.must(w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.fields(get...)}))
			}
			w.must(w.WriteContinuation(1, false, nil))
		}, EnhanceYourCalm, 40},
		"a block that unfolds (HPACK bomb)": {func(w *wire) {
			if id == 1 {
				w.headers(1, true, append(get, "x", strings.Repeat("x", 3000))...)
				return
			}
			w.must(w.WriteHeaders(xhttp2.HeadersFrameParam{
				StreamID: id, BlockFragment: slices.Repeat([]byte{0x80 | 62}, 16000), EndHeaders: true,
			}))
		}, EnhanceYourCalm, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			rounds := 0
			var err error
			for id = 1; err == nil && rounds < 5000; id += 2 {
				rounds++
				tt.once(w)
				err = w.pump()
				for id, s := range w.conn.streams { // the driver sees to those that were reset
					if s.gone {
						t.Fatalf("stream %d is gone and kept", id)
					}
				}
				if len(w.conn.Out()) > maxBacklog+1<<10 {
					t.Fatalf("%d bytes wait to be sent", len(w.conn.Out()))
				}
				w.conn.active = len(w.conn.streams)
			}
			wantCode(t, err, tt.code)
			if rounds > tt.most {
				t.Errorf("ended after %d rounds, want %d at most", rounds, tt.most)
			}
			if got := w.sent(); len(got) == 0 || !strings.HasSuffix(got[len(got)-1], "ENHANCE_YOUR_CALM") {
				t.Errorf("the last thing sent is %q, want GOAWAY", got[max(0, len(got)-1):])
			}
		})
	}
}

// What browsers and gRPC do all the time is not abuse.
func TestNoAbuse(t *testing.T) {
	w := newWire(t)
	for i := range uint32(20000) {
		id := 2*i + 1
		w.headers(id, true, get...)
		w.must(w.WriteWindowUpdate(0, 1<<14))
		if i%5 == 0 { // a change of mind
			w.must(w.WriteRSTStream(id, xhttp2.ErrCodeCancel))
		}
		if i%3 == 0 {
			w.must(w.WritePing(false, [8]byte{}))
		}
		if err := w.pump(); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if s := w.conn.streams[id]; s != nil {
			if _, err := w.conn.SendHead(s, []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
		}
		w.conn.active = len(w.conn.streams)
		w.conn.TakeOut(nil)
	}
	if w.conn.Tired() {
		t.Error("the peer is held for one that floods")
	}
	w = newWire(t)
	for range 2000 { // one ping in 10 ms
		w.must(w.WritePing(false, [8]byte{}))
		w.at += 10 * time.Millisecond
		if err := w.pump(); err != nil {
			t.Fatal(err)
		}
		w.conn.TakeOut(nil)
	}
}
