package cluster

import (
	"errors"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// errMuzzled is what a witness's own raft hears when it asks for votes.
var errMuzzled = errors.New("a witness leaves the election to the amphorae")

// muzzle keeps a witness from standing for election, so that a failover takes one
// election and not two. It withholds the questions that come before one (pre-vote):
// a candidate without their answers stays where it is, votes for others, and raises
// no term. Two things lift it until a leader is heard: an amphora asked for a vote
// with a log that ends before the witness's, which may be the last to have an
// acknowledged entry; or nobody has led for long. The nil muzzle lets everything
// through.
//
// An election that a leader orders, by transferring leadership, is no business of
// the muzzle's.
type muzzle struct {
	log     func() lease.Position
	now     func() time.Time
	limit   time.Duration // without a leader
	mu      sync.Mutex
	lifted  bool      // guarded by mu
	leading time.Time // guarded by mu; when a leader was last heard
}

// muzzledElections is after how many election timeouts without a leader a witness
// may lead.
const muzzledElections = 5

func newMuzzle(electionTimeout time.Duration, log func() lease.Position) *muzzle {
	return &muzzle{log: log, now: time.Now, limit: muzzledElections * electionTimeout, leading: time.Now()}
}

// led takes note that somebody leads.
func (m *muzzle) led() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lifted, m.leading = false, m.now()
}

// asked takes note of the end of a candidate's log.
func (m *muzzle) asked(candidate lease.Position) {
	if m != nil && candidate.Before(m.log()) {
		m.lift()
	}
}

func (m *muzzle) lift() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lifted = true
}

// check returns why this node must not ask for votes.
func (m *muzzle) check() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lifted || m.now().Sub(m.leading) >= m.limit {
		return nil
	}
	return errMuzzled
}
