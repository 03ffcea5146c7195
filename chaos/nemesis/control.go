package nemesis

import (
	"context"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/chaos/check"
)

// Control is the fixed scenario that tells a working fence from none: the holder
// freezes, supervisor and worker, for so long that the other amphora takes over,
// and wakes up. With amphorad as it ships the verdict is good; with one that was
// built with the tag unsafe_no_fence, [Caught] must say so. Faults and Profile of
// cfg are not used.
func Control(ctx context.Context, cfg Config) (Verdict, error) {
	cfg.Profile = "lan-fast"
	for i := range families {
		if families[i].name == "freeze" {
			cfg.steps = []step{{family: &families[i], target: holder, last: 3 * time.Second}}
		}
	}
	return Run(ctx, cfg)
}

// Caught reports whether two holders were seen, by the records of their gates and
// from the wire.
func (v Verdict) Caught() (gates, answers bool) {
	has := func(invariant string) bool {
		return slices.ContainsFunc(v.Bad, func(b check.Violation) bool { return b.Invariant == invariant })
	}
	return has("I1"), has("I2")
}
