package proxy

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// Clients and members that leave at any moment leave nothing behind: no count on a
// member, no session, no connection in use.
func TestNothingIsLeftOfBrokenExchanges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	member := newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch rand.IntN(5) {
		case 0:
			panic(http.ErrAbortHandler) // resets the connection
		case 1:
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(make([]byte, 50_000)) // and breaks off
			return
		case 2: // answers without reading the request
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, rand.IntN(200_000)))
	})
	f := newFront(t, 0, nil)
	f.rig.member(f.pool, member)
	f.rig.member(f.pool, refused())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 40 {
				if err := f.misbehave(rnd); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	testenv.Eventually(t, 2*limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.Active != 0 {
			return fmt.Errorf("%d connections are left", s.Active)
		}
		return nil
	})
	members := f.usable()
	if len(members) != 2 {
		t.Fatalf("%d members are in use, want 2", len(members))
	}
	for _, m := range members {
		if n := m.load.Active(); n != 0 {
			t.Errorf("%d requests are counted on member %v", n, m.addr)
		}
	}
}

// usable returns the members that are in use now. No session may be open.
func (f *front) usable() []*member {
	f.t.Helper()
	f.client() // sends nothing, so that its session stays as it is
	var found []*member
	testenv.Eventually(f.t, limit, func() error {
		f.engine.sessions.mu.Lock()
		defer f.engine.sessions.mu.Unlock()
		for x := range f.engine.sessions.set {
			found = x.snap.pool.usable.Load().members
			return nil
		}
		return errors.New("there is no session yet")
	})
	return found
}

// misbehave sends a request or two and leaves at a random moment.
func (f *front) misbehave(rnd *rand.Rand) error {
	c, err := net.Dial("tcp", netip.AddrPortFrom(f.addr, 8080).String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(limit))
	body := make([]byte, rnd.IntN(300_000))
	for range 1 + rnd.IntN(2) {
		switch rnd.IntN(3) {
		case 0:
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		case 1:
			_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(body))
		case 2:
			_, err = fmt.Fprintf(c, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(body)+1)
		}
		if err != nil {
			return nil // the engine has closed it
		}
		_, _ = c.Write(body[:rnd.IntN(len(body)+1)])
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Duration(rnd.IntN(20)) * time.Millisecond))
	_, _ = io.CopyN(io.Discard, c, rnd.Int64N(200_000))
	if rnd.IntN(2) == 0 {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	return nil
}
