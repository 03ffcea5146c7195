package health

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// Event is a change of one member's verdict.
type Event struct {
	Pool   lb.PoolID
	Member lb.MemberID
	Status Status // Healthy or Unhealthy
	Reason string // of Unhealthy: what the last check failed with
}

// dialFunc opens a TCP connection.
type dialFunc func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

// Config configures a [Checker].
type Config struct {
	Logger *slog.Logger // nil: discard
	// Report is called for every change of a verdict, also from Unknown, by the
	// goroutine of Run. It must not block. [Checker.Status] is the truth: an
	// Apply that is under way may have overtaken the event. nil: none.
	Report func(Event)
	// Dial opens a TCP connection. nil: net.Dialer.
	Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// TLS returns how the engine connects to a member of a pool that has TLS
	// (tls_enabled): checks do the same. It is called by many goroutines and must not
	// block; the Config it returns is not changed. nil, or a nil Config: checks
	// verify nothing, as in HAProxy without a CA ("verify none").
	TLS func(Target) *tls.Config
	// MaxInFlight limits the probes that run at the same time, and with them the
	// file descriptors in use. A check that is due waits for its turn; its
	// timeout begins with the probe. 0: 1024.
	MaxInFlight int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Report == nil {
		c.Report = func(Event) {}
	}
	if c.Dial == nil {
		var d net.Dialer
		c.Dial = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", addr.String())
		}
	}
	if c.TLS == nil {
		c.TLS = func(Target) *tls.Config { return nil }
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 1024
	}
	return c
}

// Checker checks a changing set of targets. Its methods are safe for concurrent
// use. A target that waits costs 400 bytes or so; one that is probed costs a
// goroutine and a file descriptor.
type Checker struct {
	cfg    Config
	random func(limit time.Duration) time.Duration // uniform in [0, limit)
	wake   chan struct{}                           // holds one signal: the schedule may have changed

	mu       sync.Mutex
	checks   map[lb.MemberID]*check // guarded by mu
	schedule schedule               // guarded by mu
}

// New returns a Checker without targets. It starts nothing.
func New(cfg Config) *Checker {
	return &Checker{
		cfg:    cfg.withDefaults(),
		random: func(limit time.Duration) time.Duration { return rand.N(max(limit, 1)) },
		wake:   make(chan struct{}, 1),
		checks: make(map[lb.MemberID]*check),
	}
}

// Apply makes targets the whole set that is checked; there must not be two of
// the same member. A target that was there before with the same member and
// monitor keeps its verdict, and if nothing of it changed, its schedule and its
// count of successes or failures too. A new one is checked at once, but for a
// random part of a tenth of its delay (at most a second) that keeps many from
// being checked together. Apply does not wait for checks. It may be called
// before Run. It takes 65 ms for 100,000 targets; see Update.
func (c *Checker) Apply(targets []Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := make(map[lb.MemberID]struct{}, len(targets))
	for i := range targets {
		wanted[targets[i].Member] = struct{}{}
	}
	for id := range c.checks {
		if _, ok := wanted[id]; !ok {
			c.dropLocked(id)
		}
	}
	c.setLocked(targets)
}

// Update is Apply for a part of the set, at the cost of that part, about a
// microsecond for each target: it adds or changes targets and stops checking
// those members of gone that are not among them.
func (c *Checker) Update(gone []lb.MemberID, targets []Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := make(map[lb.MemberID]struct{}, len(targets))
	for i := range targets {
		wanted[targets[i].Member] = struct{}{}
	}
	for _, id := range gone {
		if _, ok := wanted[id]; !ok {
			c.dropLocked(id)
		}
	}
	c.setLocked(targets)
}

func (c *Checker) setLocked(targets []Target) {
	now := time.Now()
	for _, t := range targets {
		old := c.checks[t.Member]
		if old != nil && old.Target == t {
			continue
		}
		next := &check{Target: t, due: now.Add(c.random(min(t.Delay/10, time.Second)))}
		if old != nil {
			if old.Monitor == t.Monitor {
				next.verdict.status = old.verdict.status
				next.reason = old.reason
			}
			c.schedule.drop(old)
		}
		c.checks[t.Member] = next
		c.schedule.add(next)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Checker) dropLocked(id lb.MemberID) {
	if old := c.checks[id]; old != nil {
		c.schedule.drop(old)
		delete(c.checks, id)
	}
}

// Status is the verdict on a member. For a target added by an Apply that has
// returned it is Unknown until the first check has ended; that first check
// decides alone, without rise or fall, as in HAProxy ("init-state up").
func (c *Checker) Status(id lb.MemberID) Status {
	status, _ := c.Verdict(id)
	return status
}

// Verdict is Status, with what the last check of an unhealthy member that failed
// found, in words for an operator. The words are empty for any other member.
func (c *Checker) Verdict(id lb.MemberID) (status Status, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ck := c.checks[id]
	if ck == nil {
		return Unknown, ""
	}
	if ck.verdict.status != Unhealthy {
		return ck.verdict.status, ""
	}
	return Unhealthy, ck.reason
}

// result is what a probe found.
type result struct {
	check *check
	err   error // nil: the member answered as it should
}

// Run checks until ctx ends, then waits for the probes that run and returns nil.
// It must be called once.
func (c *Checker) Run(ctx context.Context) error {
	var probes sync.WaitGroup
	defer probes.Wait()
	results := make(chan result, c.cfg.MaxInFlight) // a probe never blocks on it
	timer := time.NewTimer(0)
	defer timer.Stop()
	for inFlight := 0; ; {
		for inFlight < c.cfg.MaxInFlight {
			ck, t, wait := c.due()
			if ck == nil {
				if wait > 0 {
					timer.Reset(wait)
				}
				break
			}
			inFlight++
			probes.Go(func() { results <- result{ck, probe(ctx, &c.cfg, t)} })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
		case r := <-results:
			inFlight--
			if ctx.Err() == nil { // else it failed because of that
				c.conclude(r)
			}
		}
	}
}

// due returns a check whose time has come and what it probes, or the time until
// the next one's.
func (c *Checker) due() (*check, Target, time.Duration) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	ck, wait := c.schedule.next(now)
	if ck == nil {
		return nil, Target{}, wait
	}
	if !ck.begun {
		// Members that were added together do not stay together.
		ck.due = now.Add(c.random(ck.Delay))
		ck.begun = true
	} else {
		ck.due = nextDue(ck.due, now, ck.Delay)
	}
	return ck, ck.Target, 0
}

// conclude takes the result into account and tells of a changed verdict.
func (c *Checker) conclude(r result) {
	ck := r.check
	c.mu.Lock()
	if ck.dropped {
		c.mu.Unlock()
		return
	}
	before := ck.verdict.status
	ck.verdict = ck.verdict.next(r.err == nil, ck.Rise, ck.Fall)
	if r.err != nil {
		ck.reason = r.err.Error()
	}
	after := ck.verdict.status
	c.schedule.add(ck)
	c.mu.Unlock()

	if before == after {
		return
	}
	ev := Event{Pool: ck.Pool, Member: ck.Member, Status: after}
	attrs := []slog.Attr{
		slog.Any(logkey.Pool, ck.Pool), slog.Any(logkey.Member, ck.Member), slog.Any(logkey.Addr, ck.Addr),
	}
	if after == Healthy {
		c.cfg.Logger.LogAttrs(context.Background(), slog.LevelInfo, "member is healthy", attrs...)
	} else {
		ev.Reason = r.err.Error()
		c.cfg.Logger.LogAttrs(context.Background(), slog.LevelWarn, "member is unhealthy", append(attrs, slog.Any(logkey.Err, r.err))...)
	}
	c.cfg.Report(ev)
}
