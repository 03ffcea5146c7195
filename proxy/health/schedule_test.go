package health

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// A check keeps its place within the delay, whenever it really begins, and two
// checks are never less than half a delay apart.
func TestNextDueKeepsThePlace(t *testing.T) {
	start := time.Unix(1700000000, 0)
	for range 10_000 {
		delay := time.Second + rand.N(time.Minute)
		late := rand.N(5 * delay)
		next := nextDue(start, start.Add(late), delay)
		if off := next.Sub(start) % delay; off != 0 {
			t.Fatalf("delay %v, late by %v: next after %v, which is %v off", delay, late, next.Sub(start), off)
		}
		if gap := next.Sub(start.Add(late)); gap < delay/2 || gap >= delay+delay/2 {
			t.Fatalf("delay %v, late by %v: %v between two checks", delay, late, gap)
		}
	}
}

// spread counts the probes of many members in windows.
type spread struct {
	window time.Duration
	counts []int
}

func (s *spread) add(at time.Duration) {
	i := int(at / s.window)
	for len(s.counts) <= i {
		s.counts = append(s.counts, 0)
	}
	s.counts[i]++
}

// most is the fullest window in [from, to).
func (s *spread) most(from, to time.Duration) (n int) {
	for _, c := range s.counts[from/s.window : to/s.window] {
		n = max(n, c)
	}
	return n
}

// Ten thousand members that were added together, each checked every 5 s, make 2000
// checks a second and no burst: not when they come, not later, and not after the whole
// process stood still.
func TestTenThousandMembersWithoutBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		stood := make(chan struct{})
		c, stop := f.checker(Config{Report: func(Event) {}})
		c.random = New(Config{}).random
		c.cfg.Report = func(ev Event) {
			if ev.Member == "slow" && ev.Status == Unhealthy {
				<-time.After(12 * time.Second) // Run stands still: every check is overdue
				close(stood)
			}
		}
		const members = 10_000
		var targets []Target
		for n := range members {
			target := target(0)
			target.Member = lb.MemberID(fmt.Sprint("m", n))
			target.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 80)
			target.Delay = 5 * time.Second
			targets = append(targets, target)
		}
		c.Apply(targets)
		f.at(30 * time.Second)
		slow := target(1)
		slow.Member = "slow"
		f.set(slow, "down")
		c.Update(nil, []Target{slow})
		<-stood
		f.at(80 * time.Second)
		stop()

		s := spread{window: 100 * time.Millisecond}
		for addr, dials := range f.dials {
			if addr == slow.Addr {
				continue
			}
			for _, at := range dials {
				s.add(at)
			}
		}
		const even = members / 50 // in a tenth of a second, of 5 s
		first := s.most(0, time.Second)
		steady := s.most(10*time.Second, 30*time.Second)
		later := s.most(60*time.Second, 80*time.Second)
		t.Logf("of %d members, in the fullest 100 ms: %d as they come, %d later, %d after a stop; even would be %d", members, first, steady, later, even)
		if first > 10*even*3/2 || steady > even*3/2 || later > even*3/2 {
			t.Errorf("the fullest windows have %d, %d and %d checks, even would be %d", first, steady, later, even)
		}
	})
}
