package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/ledger"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// journals collects what the gates of both amphorae record.
type journals struct {
	ledgers map[string]*ledger.Ledger // by node

	mu    sync.Mutex
	known map[string]check.Journal // guarded by mu; by node
	lost  uint64                   // guarded by mu; records that were overwritten
	last  check.Instant            // guarded by mu; since when nothing is known
}

// readEvery is far less than the time in which a journal comes round.
const readEvery = 20 * time.Second

// open follows the gates of the cluster's amphorae.
func (j *journals) open(c *chaos.Cluster) error {
	j.ledgers = map[string]*ledger.Ledger{}
	for _, node := range c.Nodes() {
		if !c.Amphora(node) {
			continue
		}
		netns, err := c.Host(node).Netns()
		if err != nil {
			return err
		}
		j.ledgers[node] = ledger.New(netns)
	}
	return nil
}

// run reads until ctx ends.
func (j *journals) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range j.ledgers {
		g.Go(func() error { return l.Run(ctx) })
	}
	g.Go(func() error {
		for pause(ctx, readEvery) {
			if err := j.read(); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// read takes over what has been recorded so far.
func (j *journals) read() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := wire.Now()
	j.known, j.lost = map[string]check.Journal{}, 0
	for node, l := range j.ledgers {
		records, lost, err := l.Read()
		if err != nil {
			return fmt.Errorf("read gate of %s: %w", node, err)
		}
		j.known[node] = records
		j.lost += lost
	}
	j.last = now
	return nil
}

// all returns the journals, until when they are known, and a violation if a part
// of them is not.
func (j *journals) all() (all map[string]check.Journal, until check.Instant, bad []check.Violation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lost > 0 {
		bad = append(bad, check.Violation{Invariant: "I1", What: fmt.Sprintf("%d records of journals were overwritten before they were read: they prove nothing", j.lost)})
	}
	for node, records := range j.known {
		if len(records) == 0 {
			bad = append(bad, check.Violation{Invariant: "I1", What: "the gate of " + node + " has no journal"})
		}
	}
	return j.known, j.last, bad
}

func (j *journals) close() error {
	var errs []error
	for _, l := range j.ledgers {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// report is what is read of `amphorad gate --json`.
type report struct {
	Journal []struct {
		Seq  uint64        `json:"seq"`
		At   check.Instant `json:"at"`
		Term uint64        `json:"term"`
	} `json:"journal"`
}

// tells compares what `amphorad gate --json` tells people of a gate with what its
// journal holds: all of what it tells must be in there.
func (j *journals) tells(node string, text []byte) error {
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("read what amphorad tells of the gate of %s: %w", node, err)
	}
	if len(r.Journal) == 0 {
		return fmt.Errorf("amphorad tells nothing of the gate of %s", node)
	}
	all, until, _ := j.all()
	known := map[check.Instant]uint64{}
	for _, record := range all[node] {
		known[record.At] = record.Term
	}
	for _, told := range r.Journal {
		if term, ok := known[told.At]; told.At < until && (!ok || term != told.Term) {
			return fmt.Errorf("amphorad tells of the gate of %s what is not in its journal: record %d, term %d, at %v", node, told.Seq, told.Term, told.At)
		}
	}
	return nil
}
