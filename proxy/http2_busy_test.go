package proxy

import (
	"bytes"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// A client that is always in the middle of a frame is busy, not slow.
func TestHTTP2BusyClientIsNotCut(t *testing.T) {
	f := newFront(t, 0, nil) // with a HeadTimeout of half a second
	fr := newFramer(t, f.dial(8080))
	var pings bytes.Buffer
	w := xhttp2.NewFramer(&pings, nil)
	const count, half = 30, 12
	for range count {
		if err := w.WritePing(false, [8]byte{}); err != nil {
			t.Fatal(err)
		}
	}
	size := pings.Len() / count
	write(t, fr.c, string(pings.Next(half)))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for pings.Len() > 0 {
		<-tick.C
		write(t, fr.c, string(pings.Next(size)))
	}
	for range count {
		if p, ok := fr.next().(*xhttp2.PingFrame); !ok || !p.IsAck() {
			t.Fatalf("got %v, want the answer to a ping", p)
		}
	}
}
