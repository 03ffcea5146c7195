package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// farm is the members of a test: what dialling them does and when it was done.
// It is used inside a synctest bubble.
type farm struct {
	t      *testing.T
	start  time.Time
	events []string // read when nothing runs

	mu     sync.Mutex
	state  map[netip.AddrPort]string // "": up; down, hung
	dials  map[netip.AddrPort][]time.Duration
	active int
	most   int // probes at the same time
}

func newFarm(t *testing.T) *farm {
	return &farm{t: t, start: time.Now(), state: map[netip.AddrPort]string{}, dials: map[netip.AddrPort][]time.Duration{}}
}

func (f *farm) set(t Target, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state[t.Addr] = state
}

// enter notes that addr is dialled.
func (f *farm) enter(addr netip.AddrPort) (state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials[addr] = append(f.dials[addr], time.Since(f.start))
	f.active++
	f.most = max(f.most, f.active)
	return f.state[addr]
}

func (f *farm) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active--
}

func (f *farm) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	defer f.leave()
	switch f.enter(addr) {
	case "hung":
		<-ctx.Done()
		return nil, ctx.Err()
	case "down":
		return nil, errors.New("refused")
	}
	conn, _ := net.Pipe()
	return conn, nil
}

// checker runs a Checker on the farm until the returned function is called. Its
// random numbers are all 0.
func (f *farm) checker(cfg Config) (c *Checker, stop func()) {
	cfg.Dial = f.dial
	cfg.Report = func(ev Event) {
		f.events = append(f.events, fmt.Sprintf("%v %s %s %s", time.Since(f.start), ev.Member, ev.Status, ev.Reason))
	}
	c = New(cfg)
	c.random = func(time.Duration) time.Duration { return 0 }
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	return c, func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("run: %v", err)
		}
	}
}

// at moves time forward to that long after the start, when everything that is
// due has been done.
func (f *farm) at(d time.Duration) {
	<-time.After(d - time.Since(f.start))
	synctest.Wait()
}

// target is member n of pool p, checked every 10 s for at most 2 s.
func target(n int) Target {
	t := tcpTarget(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 80))
	t.Member = lb.MemberID(fmt.Sprint("m", n))
	t.Delay, t.Timeout = 10*time.Second, 2*time.Second
	return t
}

func seconds(n ...float64) []time.Duration {
	d := make([]time.Duration, len(n))
	for i := range n {
		d[i] = time.Duration(n[i] * float64(time.Second))
	}
	return d
}

func (f *farm) wantDials(t Target, want ...float64) {
	f.t.Helper()
	if diff := cmp.Diff(seconds(want...), f.dials[t.Addr]); diff != "" {
		f.t.Errorf("checks of %s: %s", t.Member, diff)
	}
}

func (f *farm) wantEvents(want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.events); diff != "" {
		f.t.Errorf("events: %s", diff)
	}
}

func TestScheduleAndEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a, b := target(1), target(2)
		f.set(b, "down")
		if s := c.Status("m1"); s != Unknown {
			t.Errorf("before the first check: %v", s)
		}
		c.Apply([]Target{a, b}) // with all random numbers 0, the first check may be over by now
		f.at(5 * time.Second)
		if a, b, other := c.Status("m1"), c.Status("m2"), c.Status("m3"); a != Healthy || b != Unhealthy || other != Unknown {
			t.Errorf("after the first check: %v, %v, %v", a, b, other)
		}
		f.set(a, "down")
		f.set(b, "")
		f.at(25 * time.Second)
		stop()
		// With all random numbers 0, the second check follows the first at once.
		f.wantDials(a, 0, 0, 10, 20)
		f.wantDials(b, 0, 0, 10, 20)
		if got := len(f.events); got != 4 {
			t.Fatalf("%d events: %v", got, f.events)
		}
		for i, want := range [][]string{
			{"0s m1 healthy ", "0s m2 unhealthy connect: refused"},
			{"20s m1 unhealthy connect: refused", "20s m2 healthy "},
		} {
			x, y := f.events[2*i], f.events[2*i+1]
			if x > y {
				x, y = y, x
			}
			if x != want[0] || y != want[1] {
				t.Errorf("events %q, %q, want %q", x, y, want)
			}
		}
	})
}

func TestHangingMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a := target(1)
		f.set(a, "hung")
		c.Apply([]Target{a})
		f.at(25 * time.Second)
		stop()
		f.wantDials(a, 0, 2, 10, 20)
		f.wantEvents("2s m1 unhealthy connect: no answer within 2s")
	})
}

// The next check of a member whose checks take longer than the delay follows at
// once: there are never two.
func TestTimeoutAboveDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a := target(1)
		a.Delay, a.Timeout = time.Second, 3*time.Second
		f.set(a, "hung")
		c.Apply([]Target{a})
		f.at(10 * time.Second)
		stop()
		f.wantDials(a, 0, 3, 6, 9)
		if f.most != 1 {
			t.Errorf("%d checks at the same time", f.most)
		}
	})
}

func TestStopWithChecksUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a := target(1)
		f.set(a, "hung")
		c.Apply([]Target{a})
		f.at(time.Second)
		stop() // a goroutine left behind would be found by synctest
		if now := time.Since(f.start); now != time.Second {
			t.Errorf("it took until %v", now)
		}
		f.wantEvents()
	})
}

func TestApplyKeepsWhatDidNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a, b := target(1), target(2)
		c.Apply([]Target{a})
		f.at(5 * time.Second)
		f.set(a, "down")
		f.at(15 * time.Second) // one failure of two
		c.Apply([]Target{b, a})
		c.Update(nil, []Target{a})
		f.at(25 * time.Second)
		stop()
		f.wantDials(a, 0, 0, 10, 20)
		f.wantDials(b, 15, 15, 25)
		f.wantEvents("0s m1 healthy ", "15s m2 healthy ", "20s m1 unhealthy connect: refused")
	})
}

func TestChangedTargetKeepsItsVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a := target(1)
		f.set(a, "down")
		c.Apply([]Target{a})
		f.at(5 * time.Second)
		slower := a
		slower.Delay = 20 * time.Second
		c.Apply([]Target{slower})
		if s := c.Status("m1"); s != Unhealthy {
			t.Errorf("after another delay: %v", s)
		}
		f.at(50 * time.Second)
		f.wantDials(a, 0, 0, 5, 5, 25, 45)
		f.wantEvents("0s m1 unhealthy connect: refused")

		other := slower
		other.Monitor = "another"
		f.set(a, "hung") // or the first check would race with the question
		c.Apply([]Target{other})
		if s := c.Status("m1"); s != Unknown {
			t.Errorf("with another monitor: %v", s)
		}
		f.at(53 * time.Second)
		stop()
		f.wantEvents("0s m1 unhealthy connect: refused", "52s m1 unhealthy connect: no answer within 2s")
	})
}

func TestRemovedTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		a, b, hung := target(1), target(2), target(3)
		f.set(a, "down")
		f.set(b, "down")
		f.set(hung, "hung")
		c.Apply([]Target{a, b, hung})
		f.at(time.Second)
		c.Update([]lb.MemberID{"m1", "m2", "m9"}, []Target{b})
		if a, b := c.Status("m1"), c.Status("m2"); a != Unknown || b != Unhealthy {
			t.Errorf("after the removal of m1: %v, %v", a, b)
		}
		c.Apply([]Target{b}) // while hung is being checked
		f.at(15 * time.Second)
		c.Apply(nil)
		f.at(60 * time.Second)
		stop()
		f.wantDials(a, 0, 0)
		f.wantDials(b, 0, 0, 10)
		f.wantDials(hung, 0)
		if len(f.events) != 2 {
			t.Errorf("events: %v", f.events)
		}
	})
}

func TestChecksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{})
		c.random = New(Config{}).random
		const members = 250
		var targets []Target
		for n := range members {
			targets = append(targets, target(n))
		}
		c.Apply(targets)
		f.at(60 * time.Second)
		stop()
		var inSecond [10]int
		for _, target := range targets {
			dials := f.dials[target.Addr]
			if dials[0] > time.Second {
				t.Errorf("first check after %v", dials[0])
			}
			if gap := dials[1] - dials[0]; gap > target.Delay {
				t.Errorf("second check %v after the first", gap)
			}
			for i := 2; i < len(dials); i++ {
				if gap := dials[i] - dials[i-1]; gap != target.Delay {
					t.Errorf("check %d came after %v", i, gap)
				}
			}
			inSecond[dials[3]/time.Second%10]++
		}
		for s, n := range inSecond {
			if n == 0 || n > 75 {
				t.Errorf("second %d of 10 has %d of %d checks: %v", s, n, members, inSecond)
			}
		}
	})
}

func TestMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t)
		c, stop := f.checker(Config{MaxInFlight: 3})
		var targets []Target
		for n := range 9 {
			targets = append(targets, target(n))
			f.set(target(n), "hung")
		}
		c.Apply(targets)
		f.at(7 * time.Second)
		stop()
		if f.most != 3 {
			t.Errorf("%d checks at the same time, want 3", f.most)
		}
		for _, target := range targets {
			if len(f.dials[target.Addr]) == 0 {
				t.Errorf("%s was never checked", target.Member)
			}
		}
	})
}

// The same with real sockets and the default dialler.
func TestCheckerOnLoopback(t *testing.T) {
	testenv.NoLeaks(t)
	good, bad := httpTarget(member(t, answering("HTTP/1.1 200 OK\r\n\r\n"))), httpTarget(member(t, answering("HTTP/1.1 500 No\r\n\r\n")))
	good.Member, bad.Member = "good", "bad"
	good.Delay, bad.Delay = 20*time.Millisecond, 20*time.Millisecond
	events := make(chan Event, 10)
	c := New(Config{Report: func(ev Event) { events <- ev }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	c.Apply([]Target{good, bad})
	testenv.Eventually(t, 5*time.Second, func() error {
		if g, b := c.Status("good"), c.Status("bad"); g != Healthy || b != Unhealthy {
			return fmt.Errorf("good is %v, bad is %v", g, b)
		}
		return nil
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := len(events); got != 2 {
		t.Errorf("%d events", got)
	}
}

// What one change costs among 100,000 targets.
func BenchmarkApply(b *testing.B) {
	targets := make([]Target, 100_000)
	for i := range targets {
		targets[i] = target(i % 250)
		targets[i].Member = lb.MemberID(fmt.Sprint("m", i))
	}
	c := New(Config{})
	c.Apply(targets)
	b.Run("Apply", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			targets[0].Rise = n
			c.Apply(targets)
		}
	})
	b.Run("Update", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			targets[0].Rise = n
			c.Update(nil, targets[:1])
		}
	})
}
