package cluster

import (
	"math/bits"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// lateness keeps how late timers fired over the last ten minutes, in as many
// histograms with buckets that double, each a quarter of the next in resolution.
type lateness struct {
	mu    sync.Mutex
	parts [latenessParts]latenessPart // guarded by mu; a ring
	next  int                         // guarded by mu; the part that is filled
	ends  lease.Instant               // guarded by mu; when it is full
}

const (
	latenessParts = 10
	latenessPer   = time.Minute
	latenessUnit  = 16 * time.Microsecond
	latenessFine  = 4  // buckets per doubling
	latenessSize  = 96 // up to minutes
)

type latenessPart struct {
	counts [latenessSize]uint32
	max    time.Duration
}

// add records one timer that fired at now, late by d.
func (l *lateness) add(now lease.Instant, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now >= l.ends {
		if now.Sub(l.ends) > latenessParts*latenessPer {
			clear(l.parts[:]) // the first, or after a long sleep
		}
		l.next = (l.next + 1) % latenessParts
		l.parts[l.next] = latenessPart{}
		l.ends = now.Add(latenessPer)
	}
	p := &l.parts[l.next]
	p.counts[latenessBucket(d)]++
	p.max = max(p.max, d)
}

// latenessBucket is linear up to latenessFine units, then of latenessFine steps to
// each doubling.
func latenessBucket(d time.Duration) int {
	u := uint64(max(d, 0) / latenessUnit)
	if u < latenessFine {
		return int(u)
	}
	doubling := bits.Len64(u) - bits.Len64(latenessFine) // u>>doubling is in [fine, 2*fine)
	return min((doubling+1)*latenessFine+int(u>>doubling)-latenessFine, latenessSize-1)
}

// latenessBound is the end of a bucket.
func latenessBound(bucket int) time.Duration {
	if bucket < latenessFine {
		return time.Duration(bucket+1) * latenessUnit
	}
	doubling := bucket/latenessFine - 1
	return time.Duration(bucket%latenessFine+latenessFine+1) << doubling * latenessUnit
}

// read returns what the last ten minutes were like.
func (l *lateness) read() Lateness {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum [latenessSize]uint64
	var all uint64
	var out Lateness
	for _, p := range l.parts {
		for i, n := range p.counts {
			sum[i] += uint64(n)
			all += uint64(n)
		}
		out.Max = max(out.Max, p.max)
	}
	beyond := all / 1000 // so many may be later than the quantile
	for i := latenessSize - 1; i >= 0; i-- {
		if sum[i] > beyond {
			out.P999 = min(latenessBound(i), out.Max)
			break
		}
		beyond -= sum[i]
	}
	return out
}
