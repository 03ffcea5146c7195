// Package relay carries frames between two links as a bad cable would: late, in
// another order, twice or not at all. It stands in for the kernel's netem, which
// not every kernel has, and does the same again for the same seed.
//
// It must never change a frame.
package relay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Cable says how bad the cable is, in each direction. The zero value delivers
// everything at once.
type Cable struct {
	Delay     time.Duration // of every frame
	Jitter    time.Duration // up to so much more, different for each frame; the order is kept
	Loss      float64       // share of frames that vanish, 0 to 1
	Duplicate float64       // share of frames that arrive twice
	Reorder   float64       // share of frames that others overtake, because they take Late longer
	Late      time.Duration
	Seed      uint64
}

// Validate reports every value that makes no sense.
func (c Cable) Validate() error {
	var errs []error
	for name, share := range map[string]float64{"loss": c.Loss, "duplicate": c.Duplicate, "reorder": c.Reorder} {
		if share < 0 || share > 1 {
			errs = append(errs, fmt.Errorf("cable: %s %v must be from 0 to 1", name, share))
		}
	}
	if c.Delay < 0 || c.Jitter < 0 || c.Late < 0 {
		errs = append(errs, fmt.Errorf("cable: delay %v, jitter %v and late %v must not be negative", c.Delay, c.Jitter, c.Late))
	}
	return errors.Join(errs...)
}

// String is the cable in a few words.
func (c Cable) String() string {
	return fmt.Sprintf("delay %v +%v, loss %.0f %%, duplicates %.0f %%, %.0f %% overtaken by %v", c.Delay, c.Jitter, 100*c.Loss, 100*c.Duplicate, 100*c.Reorder, c.Late)
}

// schedule decides when the frames of one direction arrive.
type schedule struct {
	cable  Cable
	random *rand.Rand
	last   time.Time // arrival of the newest frame that is in order
}

func newSchedule(c Cable, direction uint64) *schedule {
	return &schedule{cable: c, random: rand.New(rand.NewPCG(c.Seed, direction))}
}

// next returns when the frame that is sent now arrives: never, once or twice.
func (s *schedule) next(now time.Time) []time.Time {
	// All are drawn for each frame, so that one share does not move another's luck.
	loss, duplicate, reorder, jitter := s.random.Float64(), s.random.Float64(), s.random.Float64(), s.random.Float64()
	if loss < s.cable.Loss {
		return nil
	}
	at := now.Add(s.cable.Delay + time.Duration(jitter*float64(s.cable.Jitter)))
	if at.Before(s.last) {
		at = s.last
	}
	if reorder < s.cable.Reorder {
		at = at.Add(s.cable.Late)
	} else {
		s.last = at
	}
	if duplicate < s.cable.Duplicate {
		return []time.Time{at, at}
	}
	return []time.Time{at}
}
