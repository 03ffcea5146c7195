package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

const ms = time.Millisecond

// arrivals sends n frames, one each millisecond, and returns when they arrive,
// counted from the sending of each.
func arrivals(c Cable, n int) (all [][]time.Duration) {
	s, start := newSchedule(c, 0), time.Now()
	for i := range n {
		now := start.Add(time.Duration(i) * ms)
		var one []time.Duration
		for _, at := range s.next(now) {
			one = append(one, at.Sub(now))
		}
		all = append(all, one)
	}
	return all
}

func TestSchedule(t *testing.T) {
	const n = 10_000
	count := func(all [][]time.Duration, times int) (k int) {
		for _, one := range all {
			if len(one) == times {
				k++
			}
		}
		return k
	}
	near := func(what string, got, want int) {
		t.Helper()
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %d of %d frames, want about %d", what, got, n, want)
		}
	}
	for _, one := range arrivals(Cable{}, n) {
		if len(one) != 1 || one[0] != 0 {
			t.Fatalf("a good cable: %v", one)
		}
	}
	near("loss", count(arrivals(Cable{Loss: 0.3}, n), 0), 3000)
	near("duplicates", count(arrivals(Cable{Duplicate: 0.1}, n), 2), 1000)

	delayed := arrivals(Cable{Delay: 5 * ms, Jitter: 10 * ms}, n)
	last := time.Duration(0)
	for i, one := range delayed {
		at := time.Duration(i)*ms + one[0]
		if at < last || one[0] < 5*ms || one[0] > 15*ms {
			t.Fatalf("frame %d takes %v and arrives at %v, the one before at %v", i, one[0], at, last)
		}
		last = at
	}
	overtaken := 0
	for _, one := range arrivals(Cable{Reorder: 0.2, Late: 3 * ms}, n) {
		if one[0] == 3*ms {
			overtaken++
		}
	}
	near("overtaken", overtaken, 2000)
	bad := Cable{Delay: ms, Jitter: ms, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Late: ms, Seed: 7}
	if diff := cmp.Diff(arrivals(bad, n), arrivals(bad, n)); diff != "" {
		t.Errorf("the same seed gave another schedule: %s", diff)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Cable{{Loss: 1.1}, {Duplicate: -0.1}, {Reorder: 2}, {Delay: -ms}, {Jitter: -ms}, {Late: -ms}} {
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func TestQueueKeepsOrderAndBound(t *testing.T) {
	q, now := newQueue(), time.Now()
	q.add([]byte("late"), now.Add(2*ms))
	q.add([]byte("one"), now)
	q.add([]byte("two"), now)
	for _, want := range []string{"one", "two"} {
		if got, _ := q.due(now); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, wait := q.due(now); got != nil || wait != 2*ms {
		t.Errorf("too early: %q, %v", got, wait)
	}
	for i := range maxQueue {
		if full := !q.add(nil, now); full != (i == maxQueue-1) {
			t.Fatalf("frame %d: full %v", i, full)
		}
	}
}

// pair is two hosts with a relay between them.
func pair(t *testing.T, cable Cable) (a, b *netns.Namespace, r *Relay) {
	t.Helper()
	testenv.RequireRoot(t)
	var ns [3]*netns.Namespace
	for i := range ns {
		var err error
		if ns[i], err = netns.New(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ns[i].Close() })
	}
	hub := ns[2]
	var links [2]int
	for i, end := range []string{"endA", "endB"} {
		err := errors.Join(
			netns.Veth(hub, end, ns[i], "eth0"), hub.Up(end), ns[i].Up("eth0"),
			ns[i].AddAddr("eth0", netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24)))
		if err != nil {
			t.Fatal(err)
		}
		link, err := hub.Interface(end)
		if err != nil {
			t.Fatal(err)
		}
		links[i] = link.Index
	}
	r, err := Open(hub.Do, links[0], links[1], cable)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ns[0], ns[1], r
}

// TestTCPOverABadCable: large segments, checksums that the kernel has not made yet
// and everything that a bad cable does, and still every byte arrives.
func TestTCPOverABadCable(t *testing.T) {
	a, b, r := pair(t, Cable{Delay: ms, Jitter: ms, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05, Late: ms, Seed: 1})
	var ln net.Listener
	err := b.Do(func() (err error) {
		ln, err = net.Listen("tcp", "192.0.2.2:80")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sent := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(sent)
	got := make(chan []byte, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			got <- []byte(fmt.Sprint(err))
			return
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn)
		got <- text
	}()
	var conn net.Conn
	err = a.Do(func() (err error) {
		conn, err = net.DialTimeout("tcp", "192.0.2.2:80", 10*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Write(sent)
	if err = errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	if text := <-got; !bytes.Equal(text, sent) {
		t.Errorf("%d bytes arrived of %d, or not the same ones", len(text), len(sent))
	}
	if carried, dropped := r.Carried(); carried == 0 || dropped == 0 {
		t.Errorf("%d frames carried, %d dropped: the cable was not bad", carried, dropped)
	}
}
