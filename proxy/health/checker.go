package health

import (
	"context"
	"log/slog"
	"net"
	"net/netip"

	"github.com/amphora-lb/amphora/lb"
)

// Status is the verdict on a member.
type Status uint8

// The verdicts.
const (
	Unknown   Status = iota // not checked yet, or not a target: usable
	Healthy                 // usable
	Unhealthy               // not usable
)

// Usable reports whether the member may get traffic.
func (s Status) Usable() bool { return s != Unhealthy }

// Event is a change of one member's verdict.
type Event struct {
	Pool   lb.PoolID
	Member lb.MemberID
	Status Status // Healthy or Unhealthy
	Reason string // of Unhealthy: what the last check failed with
}

// Config configures a [Checker].
type Config struct {
	Logger *slog.Logger // nil: discard
	// Report is called for every change of a verdict, also from Unknown, by the
	// goroutine of Run. It must not block. [Checker.Status] is the truth: an
	// Apply that is under way may have overtaken the event. nil: none.
	Report func(Event)
	// Dial opens a TCP connection. nil: net.Dialer.
	Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// MaxInFlight limits the checks that run at the same time, and with them the
	// file descriptors in use. A check that is due waits for its turn. 0: 1024.
	MaxInFlight int
}

// Checker checks a changing set of targets. Its methods are safe for concurrent
// use.
type Checker struct{}

// New returns a Checker without targets. It starts nothing.
func New(cfg Config) *Checker { return &Checker{} }

// Apply makes targets the set that is checked; there must not be two of the same
// member. A target that was there before with the same member and monitor keeps
// its verdict, and if nothing of it changed, its schedule and its count of
// successes or failures too. A new one is checked at once, give or take a random
// part of a second that keeps many from being checked together. Apply does not
// wait for checks. It may be called before Run.
func (c *Checker) Apply(targets []Target) {}

// Status is the verdict on a member. For a target added by an Apply that has
// returned it is Unknown until the first check has ended; that first check
// decides alone, without rise or fall, as in HAProxy ("init-state up").
func (c *Checker) Status(id lb.MemberID) Status { return Unknown }

// Run checks until ctx ends, then waits for the checks that run and returns nil.
// It must be called once.
func (c *Checker) Run(ctx context.Context) error { return nil }
