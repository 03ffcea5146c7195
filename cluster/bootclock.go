package cluster

import (
	"fmt"

	"github.com/amphora-lb/amphora/cluster/lease"
	"golang.org/x/sys/unix"
)

// bootTime reads CLOCK_BOOTTIME, the clock of every lease.Instant.
func bootTime() lease.Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(fmt.Sprintf("read CLOCK_BOOTTIME: %v", err)) // Linux has it since 2.6.39
	}
	return lease.Instant(ts.Nano())
}
