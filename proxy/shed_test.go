package proxy

import (
	"context"
	"testing"
	"time"
)

// Connections that are open leave, after the request under way; others come.
func TestShed(t *testing.T) {
	f := newFront(t, 1, nil)
	idle, m := f.open(0)
	busy := f.client()
	busy.send("GET / HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET / HTTP/1.1")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cut := make(chan int, 1)
	go func() { cut <- f.engine.Shed(ctx, limit) }()
	idle.wantEnd()
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	busy.wantHead("HTTP/1.1 200 OK", "Connection: close")
	busy.wantBody("ok")
	_ = busy.Close()
	if n := <-cut; n != 0 {
		t.Errorf("%d connections were cut, want them to end by themselves", n)
	}
	after := f.client()
	f.exchange(after, m)
	f.exchange(after, m)
}

// What does not end in time is reset, and nothing else: also when it was asked
// to leave before.
func TestShedGivesUp(t *testing.T) {
	r, client, member := pair(t, nil)
	write(t, client, "x")
	readN(t, member, 1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if n := r.engine.Shed(gone, limit); n != 0 {
		t.Errorf("%d connections were cut, though they were to be left alone", n)
	}
	write(t, client, "x")
	readN(t, member, 1)
	if n := r.engine.Shed(t.Context(), time.Millisecond); n != 1 {
		t.Errorf("%d connections were cut, want 1", n)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the client still has its connection")
	}
}

func TestShedNothing(t *testing.T) {
	f := newFront(t, 1, nil)
	if n := f.engine.Shed(t.Context(), limit); n != 0 {
		t.Errorf("%d connections were cut, there were none", n)
	}
}
