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

const lookEvery = 500 * time.Millisecond

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

// renewed is how often the kernel brings its total up to date (PSI_FREQ).
const renewed = 2 * time.Second

// between is a check.Starved. The kernel's total lags, so what is known is the
// share of a somewhat longer time.
func (p *pressure) between(from, to check.Instant) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.looks) < 2 {
		return 0
	}
	a, b := p.before(from.Add(-renewed)), p.before(to.Add(2*renewed))
	if b.at <= a.at {
		return 0
	}
	share := float64(b.stalled-a.stalled) / float64(b.at.Sub(a.at))
	return time.Duration(share * float64(to.Sub(from)))
}

// before is the last look before an instant, or the first one. p.mu is held.
func (p *pressure) before(t check.Instant) look {
	n, _ := slices.BinarySearchFunc(p.looks, t, func(l look, t check.Instant) int {
		if l.at <= t {
			return -1
		}
		return 1
	})
	return p.looks[max(0, n-1)]
}
