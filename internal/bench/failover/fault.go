package main

import (
	"context"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// fault is something that happens to the holder.
type fault struct {
	key   string // for the flag
	what  string
	limit map[string]time.Duration // longest median gap by profile: the number to reach
	clean bool                     // no request may fail
	still bool                     // the VIP must not move
}

const ms = time.Millisecond

var (
	// nothing shows what the method says when nothing happens.
	nothing    = &fault{key: "nothing", what: "nothing: what the measurement itself sees", still: true}
	killWorker = &fault{
		key: "kill-worker", what: "kill -9 of the worker; theirs: of haproxy",
		limit: map[string]time.Duration{profileDefault: 30 * ms, profileLANFast: 30 * ms},
	}
	stopWorker = &fault{
		key: "stop-worker", what: "SIGSTOP of the worker; theirs: of haproxy and keepalived",
		limit: map[string]time.Duration{profileDefault: 30 * ms, profileLANFast: 30 * ms},
	}
	killAll = &fault{
		key: "kill-all", what: "kill -9 of supervisor and worker; theirs: of haproxy and keepalived",
		limit: map[string]time.Duration{profileDefault: 520 * ms, profileLANFast: 190 * ms},
	}
	linkDown = &fault{
		key: "link-down", what: "link down at the switch: for the others the holder has lost its power",
		limit: map[string]time.Duration{profileDefault: 520 * ms, profileLANFast: 190 * ms},
	}
	planned = &fault{
		key: "planned", what: "planned switchover: amphoractl failover; theirs: SIGTERM of keepalived",
		limit: map[string]time.Duration{profileDefault: 10 * ms, profileLANFast: 10 * ms}, clean: true,
	}
	// saturated is no fault of the holder: see soak.
	saturated = &fault{key: "saturated", what: "all CPUs busy, no fault", still: true}

	faults = []*fault{nothing, killWorker, stopWorker, killAll, linkDown, planned, saturated}
)

// system is one that is measured: two hosts with one VIP between them, of which
// the other takes over.
type system interface {
	name() string
	client() *chaos.Host  // where requests come from
	watcher() *chaos.Host // from where holders are watched
	address() netip.Addr  // the VIP, which answers on port 80

	// settled returns the host that holds the VIP, or why the other could not
	// take over now.
	settled(ctx context.Context) (holder string, err error)
	// inject does something to a host, heal undoes it.
	inject(ctx context.Context, f *fault, victim string) error
	heal(ctx context.Context, f *fault, victim string) error
	// moves reports whether the VIP is to move.
	moves(f *fault) bool
	// period is that of the slowest timer that f waits for: faults come at a random
	// point of it.
	period(f *fault) time.Duration
	// report is what the system itself says of the failover, nil for nothing.
	report(ctx context.Context) (*takeover, error)
	// logs is the end of what its programs have printed.
	logs() string
	// close ends everything and removes the lab.
	close() error
}
