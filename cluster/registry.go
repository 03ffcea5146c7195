package cluster

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// State is what gossip thinks of a node. It is a hint and decides nothing.
type State string

// The states of a node.
const (
	StateAlive   State = "alive"
	StateLeft    State = "left"    // it stopped on purpose
	StateDead    State = "dead"    // it stopped answering
	StateUnknown State = "unknown" // gossip has not met it since this process started
)

// peer is a node as gossip sees it. The registry keeps dead ones: their names and
// addresses are still asked for.
type peer struct {
	meta
	id     string
	gossip string // address of its gossip, host:port
	state  State
}

// registry collects what memberlist's callbacks report. They run under
// memberlist's own lock, so they only copy into it; nothing here calls back.
type registry struct {
	mu    sync.Mutex
	peers map[string]peer // guarded by mu; by id
}

// put takes over the latest word on a peer. A leave is on purpose if the peer had
// said so before.
func (r *registry) put(p peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peers == nil {
		r.peers = map[string]peer{}
	}
	if p.state == StateDead && p.Leaving {
		p.state = StateLeft
	}
	r.peers[p.id] = p
}

// get returns the peer with that id.
func (r *registry) get(id string) (peer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.peers[id]
	return p, ok
}

// all returns the peers, ordered by name and id.
func (r *registry) all() []peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.peers), func(a, b peer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id))
	})
}

// alive returns the peers that are alive, this node among them.
func (r *registry) alive() []peer {
	return slices.DeleteFunc(r.all(), func(p peer) bool { return p.state != StateAlive })
}
