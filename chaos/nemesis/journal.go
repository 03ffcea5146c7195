package nemesis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// report is what is read of `amphorad gate --json`.
type report struct {
	Torn    int     `json:"torn"`
	Journal []entry `json:"journal"`
}

// entry is a record of a gate's journal.
type entry struct {
	Seq   uint64 `json:"seq"`
	At    int64  `json:"at"`
	Kind  string `json:"kind"`
	Term  uint64 `json:"term"`
	Sent  int64  `json:"sent"`
	Until int64  `json:"until"`
}

// kinds are what the entries' kinds mean to the judges. A worker that takes a gate
// over, or leaves it, shuts it.
var kinds = map[string]check.Kind{
	"extend": check.Extend, "shut": check.Shut, "raise": check.Raise, "kill": check.Kill, "open": check.Shut, "close": check.Shut,
}

// journals collects the journals of all gates. Each is a ring in the kernel's
// memory, so it is read again before it comes round.
type journals struct {
	cluster *chaos.Cluster

	mu      sync.Mutex
	entries map[string]map[[2]uint64]entry // guarded by mu; by node, then by number and time
	last    check.Instant                  // guarded by mu; since when nothing is known
}

// readEvery is far less than the time in which a ring of 16,384 records comes
// round, with a record each 20 ms.
const readEvery = 20 * time.Second

// run reads until ctx ends.
func (j *journals) run(ctx context.Context) {
	for pause(ctx, readEvery) {
		_ = j.readAll(ctx) // the last one counts
	}
}

// readAll adds what the gates of all nodes have recorded.
func (j *journals) readAll(ctx context.Context) error {
	now := wire.Now()
	var errs []error
	for _, node := range j.cluster.Nodes() {
		errs = append(errs, j.read(ctx, node))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = now
	return nil
}

// until is the instant up to which all journals are known. What happened after it
// cannot be judged by them.
func (j *journals) until() check.Instant {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// read adds what the gate of a node has recorded.
func (j *journals) read(ctx context.Context, node string) error {
	if !j.cluster.Amphora(node) {
		return nil
	}
	text, err := j.cluster.Gate(ctx, node)
	if err != nil {
		return fmt.Errorf("read gate of %s: %w", node, err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("read gate of %s: %w", node, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.add(node, r)
}

// add merges a report into what is known. j.mu is held.
func (j *journals) add(node string, r report) error {
	if j.entries == nil {
		j.entries = map[string]map[[2]uint64]entry{}
	}
	if j.entries[node] == nil {
		j.entries[node] = map[[2]uint64]entry{}
	}
	known := j.entries[node]
	for _, e := range r.Journal {
		if _, ok := kinds[e.Kind]; !ok {
			return fmt.Errorf("read gate of %s: record of unknown kind %q", node, e.Kind)
		}
		known[[2]uint64{e.Seq, uint64(e.At)}] = e
	}
	return nil
}

// all returns the journals, and a violation for each hole in one: a gap of numbers
// that is longer than what processes killed in the middle of a record explain.
func (j *journals) all() (map[string]check.Journal, []check.Violation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	const explained = 8
	all := map[string]check.Journal{}
	var bad []check.Violation
	for node, known := range j.entries {
		var list []entry
		for _, e := range known {
			list = append(list, e)
		}
		slices.SortFunc(list, func(a, b entry) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq)) })
		last := uint64(0)
		for _, e := range list {
			if e.Seq > last+explained {
				bad = append(bad, check.Violation{Invariant: "I1", At: check.Instant(e.At), What: fmt.Sprintf("the journal of %s misses records %d to %d: it proves nothing", node, last+1, e.Seq-1)})
			}
			last = e.Seq // from 1 on again when the gate was removed and made anew
			all[node] = append(all[node], check.Record{
				At: check.Instant(e.At), Kind: kinds[e.Kind], Term: e.Term, Sent: check.Instant(e.Sent), Until: check.Instant(e.Until),
			})
		}
	}
	return all, bad
}
