package wire

import (
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/chaos/check"
)

// Now is the instant now.
func Now() check.Instant { return read(unix.CLOCK_BOOTTIME) }

func read(clock int32) check.Instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(clock, &ts) // cannot fail with a clock that there is
	return check.Instant(ts.Nano())
}

// sinceEpoch is what the wall clock, in which the kernel stamps frames, is ahead
// of CLOCK_BOOTTIME. The wall clock may be set at any time, so it is asked for
// with every frame. Of a few readings the one with the least time in between
// counts.
func sinceEpoch() check.Instant {
	var offset, best check.Instant
	for range 3 {
		a := Now()
		wall := read(unix.CLOCK_REALTIME)
		b := Now()
		if took := b - a; best == 0 || took < best {
			best, offset = max(took, 1), wall-a-took/2
		}
	}
	return offset
}
