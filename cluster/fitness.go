package cluster

import (
	"sync"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// doubt is a reason of its own for which a node may not be able to hold. The first
// that applies is told to people.
type doubt int

const (
	inMaintenance doubt = iota
	nodeStops           // Run is ending
	raftStalls          // raft's main loop or its disk stands still
	forcedApart         // another node's data is to be kept instead of this one's
	toldUnfit           // SetFitness
	serveFailed         // what Hold calls has failed a moment ago
	nothingServes       // Hold does not run
	doubts
)

// fitness collects what speaks against this node as the holder.
type fitness struct {
	tell func(why string) // the lease; called when the answer changes, in order

	mu      sync.Mutex
	why     [doubts]string // guarded by mu
	changed chan struct{}  // holds a signal when the answer has changed
}

func newFitness(tell func(why string)) *fitness {
	return &fitness{tell: tell, changed: make(chan struct{}, 1)}
}

// set takes over why the node is unfit in one respect; empty: it is fit.
func (f *fitness) set(d doubt, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.answerLocked()
	f.why[d] = why
	after := f.answerLocked()
	if before == after {
		return
	}
	f.tell(after)
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// answer says why the node is unfit; empty: it is not.
func (f *fitness) answer() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answerLocked()
}

func (f *fitness) answerLocked() string {
	for _, why := range f.why {
		if why != "" {
			return why
		}
	}
	return ""
}

// fit tells whether another node may be asked to take over, by what it says itself.
func (p peer) fit() bool { return p.state == StateAlive && !p.Maintenance && !p.Unfit && !p.Leaving }

// eligible tells whether this node may hold at all, fit or not.
func (n *Node) eligible() bool { return n.cfg.Role == Amphora && n.cfg.Gate != nil }

// SetFitness says whether this node is able to serve: why not, for people, or an
// empty string. A holder that is not fit releases, and the others need not wait for
// its lease; a node that is not fit does not claim. It does not block.
func (n *Node) SetFitness(why string) { n.fitness.set(toldUnfit, why) }

// Force says that the gate was shut from outside, by the supervisor or because
// another amphora claimed a virtual IP: what this node holds in term, or an older
// one, is over. It does not block.
func (n *Node) Force(term uint64, why string) { n.agent.feed(lease.GateForced{Term: term, Why: why}) }
