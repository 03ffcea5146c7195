package proxy

import (
	"sync/atomic"

	"github.com/amphora-lb/amphora/lb"
)

// ListenerStats are the counters of one listener since it was first served by
// this engine. They go on over changes of its configuration.
type ListenerStats struct {
	Active   int64  // client connections now
	Total    uint64 // client connections accepted
	Refused  uint64 // client connections closed at once: not in the allowed CIDRs
	Requests uint64 // requests answered, by a member or by the engine
	BytesIn  uint64 // received from clients
	BytesOut uint64 // sent to clients
	// Handshakes are those of TLS that were completed; of those, Resumed began with a
	// ticket. HandshakesFailed are those that were not completed.
	Handshakes, Resumed, HandshakesFailed uint64

	Errors uint64 // requests and TCP connections that no member could be found for, or that broke off
}

// counters are the live form of ListenerStats. They fill cache lines of their
// own, so that listeners do not slow each other down.
type counters struct {
	_        [64]byte
	active   atomic.Int64
	total    atomic.Uint64
	refused  atomic.Uint64
	requests atomic.Uint64
	bytesIn  atomic.Uint64
	bytesOut atomic.Uint64
	errors   atomic.Uint64
	full     atomic.Int32 // addresses with as many connections as they may have

	handshakes        atomic.Uint64
	handshakesResumed atomic.Uint64
	handshakesFailed  atomic.Uint64
	_                 [64]byte
}

func (c *counters) snapshot() ListenerStats {
	return ListenerStats{
		Active:   c.active.Load(),
		Total:    c.total.Load(),
		Refused:  c.refused.Load(),
		Requests: c.requests.Load(),
		BytesIn:  c.bytesIn.Load(),
		BytesOut: c.bytesOut.Load(),
		Errors:   c.errors.Load(),

		Handshakes:       c.handshakes.Load(),
		Resumed:          c.handshakesResumed.Load(),
		HandshakesFailed: c.handshakesFailed.Load(),
	}
}

// Stats returns the counters of every listener that is configured. The numbers
// of one listener are read one by one while it goes on counting. It takes no
// lock and may be called at any time.
func (e *Engine) Stats() map[lb.ListenerID]ListenerStats {
	pub := e.published.Load()
	stats := make(map[lb.ListenerID]ListenerStats, len(pub.counters))
	for id, c := range pub.counters {
		stats[id] = c.snapshot()
	}
	return stats
}
