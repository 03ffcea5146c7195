package nemesis

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// pressure records how long, in all, something on the machine was ready to run and
// had no core (pressure stall information, Documentation/accounting/psi.rst). A
// machine that does not tell has always time to spare.
type pressure struct {
	mu    sync.Mutex
	looks []look // guarded by mu
}

type look struct {
	at      check.Instant
	stalled time.Duration // since the machine was started
}

// lookEvery is how exactly starving is known.
const lookEvery = 20 * time.Millisecond

// run looks until ctx ends.
func (p *pressure) run(ctx context.Context) {
	for ok := true; ok; ok = pause(ctx, lookEvery) {
		stalled, err := readPressure()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.looks = append(p.looks, look{wire.Now(), stalled})
		p.mu.Unlock()
	}
}

func readPressure() (time.Duration, error) {
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0, err
	}
	return parsePressure(string(text))
}

// parsePressure reads the total of the line for "some", in microseconds.
func parsePressure(text string) (time.Duration, error) {
	some, _, _ := strings.Cut(text, "\n")
	var us int64
	_, total, ok := strings.Cut(some, "total=")
	if _, err := fmt.Sscan(total, &us); err != nil || !ok || !strings.HasPrefix(some, "some ") {
		return 0, fmt.Errorf("read pressure: %q has no total", some)
	}
	return time.Duration(us) * time.Microsecond, nil
}

// between is a check.Starved.
func (p *pressure) between(from, to check.Instant) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.looks) == 0 {
		return 0
	}
	return max(0, p.at(to)-p.at(from))
}

// at is the total at an instant: that of the last look before. p.mu is held.
func (p *pressure) at(t check.Instant) time.Duration {
	n, _ := slices.BinarySearchFunc(p.looks, t, func(l look, t check.Instant) int {
		if l.at <= t {
			return -1
		}
		return 1
	})
	return p.looks[max(0, n-1)].stalled
}
