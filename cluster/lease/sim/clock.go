package sim

import "github.com/amphora-lb/amphora/cluster/lease"

// clock is the boottime clock of one host: off by a constant, and fast or slow.
type clock struct {
	began  at // when the host booted
	offset int64
	ppm    int64 // rate error, at most 10,000
}

// read returns what the clock shows at an instant.
func (c clock) read(t at) lease.Instant {
	d := int64(t - c.began)
	return lease.Instant(c.offset + d + d*c.ppm/1_000_000)
}

// when returns the first instant at which the clock shows i.
func (c clock) when(i lease.Instant) at {
	d := int64(i) - c.offset
	t := c.began + at(d-d*c.ppm/(1_000_000+c.ppm))
	for c.read(t) >= i {
		t--
	}
	for c.read(t) < i {
		t++
	}
	return t
}
