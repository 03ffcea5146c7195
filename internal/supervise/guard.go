package supervise

import (
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// copies is how often each packet of a will is sent.
const copies = 3

// guard carries out what follows from a worker that no longer acts, in the order
// that makes it safe. One guard belongs to one worker and its page.
type guard struct {
	mem       memory
	openFloor func(gate string) (Floor, error)
	release   func(iface string) (int, error)
	send      func(Packet) error
	logger    *slog.Logger

	mu     sync.Mutex
	floor  Floor  // guarded by mu; nil: not open
	raised uint64 // guarded by mu; the floor is here
	said   uint64 // guarded by mu; the newest term whose will was sent
}

// prepare opens the floor ahead of the need for it.
func (g *guard) prepare() {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.mem.settings()
	if s.Gate == "" || g.floor != nil {
		return
	}
	if err := g.open(s.Gate); err != nil {
		g.logger.Warn("gate is out of the supervisor's reach: it will shut when its lease ends", logkey.Path, s.Gate, logkey.Err, err)
	}
}

// open requires mu.
func (g *guard) open(gate string) error {
	floor, err := g.openFloor(gate)
	if err == nil {
		g.floor = floor
	}
	return err
}

// act takes from the worker what it holds. dead says that the worker has ended,
// and not only stopped or frozen.
//
// The will says to the peers that this node's gate is shut in that term for ever, so
// they claim at once. Therefore: no will before the floor is raised, and none if it
// cannot be raised. Without a gate the addresses are all there is to shut: they go
// first, and as a worker that is not dead could put them back, its will waits.
func (g *guard) act(dead bool, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	will, unreadable := g.mem.will()
	term, s := g.mem.term(will), g.mem.settings()
	switch {
	case term == 0 && !dead:
		return
	case term == 0 && !g.mem.ready():
		return // it has not come to have addresses; what is there belongs to another
	}
	t := took{logger: g.logger.With(logkey.Reason, reason, logkey.Term, term), last: time.Now()}
	t.again = term != 0 && g.said >= term
	t.fail("read", unreadable)
	shut := false
	if term != 0 && s.Gate != "" {
		shut = t.fail("gate", g.raise(term, s.Gate))
		t.step(logkey.GateMicros)
	}
	if shut {
		g.speak(&t, will)
	}
	gone := g.clear(&t, s.Interface)
	if s.Gate == "" && dead && gone {
		g.speak(&t, will)
	}
	t.log(term, g.said)
}

// clear removes the addresses and reports whether none is left.
func (g *guard) clear(t *took, iface string) bool {
	if iface == "" {
		return true // this node never has any
	}
	n, err := g.release(iface)
	t.addresses = n
	t.step(logkey.AddressMicros)
	return t.fail("addresses", err)
}

// raise requires mu.
func (g *guard) raise(term uint64, gate string) error {
	if g.raised > term {
		return nil
	}
	if term == math.MaxUint64 {
		return errors.New("raise floor: there is no term above the worker's")
	}
	if g.floor == nil {
		if err := g.open(gate); err != nil {
			return err
		}
	}
	if err := g.floor.Raise(term + 1); err != nil {
		return err
	}
	g.raised = term + 1
	return nil
}

// speak sends the will, the first copy to all peers before the second to any. It
// requires mu, and that what the will says is true.
func (g *guard) speak(t *took, w Will) {
	if w.Term <= g.said {
		return
	}
	sent := 0
	for range copies {
		for _, p := range w.Packets {
			if t.fail("will", g.send(p)) {
				sent++
			}
		}
	}
	t.sent = sent
	if sent > 0 || len(w.Packets) == 0 { // a cluster of one has nobody to tell
		g.said = w.Term
	}
	t.step(logkey.WillMicros)
}

// close lets go of the gate.
func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.floor == nil {
		return nil
	}
	err := g.floor.Close()
	g.floor = nil
	return err
}
