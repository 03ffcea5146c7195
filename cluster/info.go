package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/raft"
)

// Suffrage is the part a node has in elections.
type Suffrage string

// The kinds of suffrage. A node that gossip shows and raft does not know is None.
const (
	Voter    Suffrage = "voter"
	Nonvoter Suffrage = "nonvoter"
	None     Suffrage = "none"
)

// Info describes a node: who it is and whether it votes from raft's configuration,
// its name, role and state from gossip. Name is the id and Role is empty while
// gossip has not met the node.
type Info struct {
	ID       string
	Name     string
	Role     Role
	Addr     string // host:port of the node port
	Suffrage Suffrage
	State    State
	Leader   bool
	Self     bool

	Maintenance bool   // it does not claim the virtual IPs
	VIPLink     string // hardware address of its interface with the virtual IPs
}

// Nodes lists the nodes of the cluster and those that gossip shows besides,
// ordered by name. It returns nothing before the node runs.
func (n *Node) Nodes() []Info {
	if !n.isReady() {
		return nil
	}
	leader := n.view.Load().id
	var infos []Info
	known := map[string]bool{}
	for _, s := range n.servers() {
		id := string(s.ID)
		known[id] = true
		info := Info{ID: id, Name: id, Addr: string(s.Address), Suffrage: Voter, State: StateUnknown}
		if s.Suffrage != raft.Voter {
			info.Suffrage = Nonvoter
		}
		if p, ok := n.registry.get(id); ok {
			info.Name, info.Role, info.Addr, info.State = p.Name, p.Role, p.Addr, p.state
			info.Maintenance, info.VIPLink = p.Maintenance, p.VIPLink
		}
		infos = append(infos, info)
	}
	for _, p := range n.registry.all() {
		if !known[p.id] && p.state == StateAlive {
			infos = append(infos, Info{ID: p.id, Name: p.Name, Role: p.Role, Addr: p.Addr, Suffrage: None, State: p.state, Maintenance: p.Maintenance, VIPLink: p.VIPLink})
		}
	}
	for i := range infos {
		infos[i].Leader = infos[i].ID == leader
		infos[i].Self = infos[i].ID == n.id
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return infos
}

// Leader returns the node that leads as far as this one knows; false if it knows
// of none. It may be out of date, and two nodes may name different leaders.
func (n *Node) Leader() (Info, bool) {
	for _, info := range n.Nodes() {
		if info.Leader {
			return info, true
		}
	}
	return Info{}, false
}

// Changes returns a channel that holds one signal when Nodes or Leader may answer
// otherwise than before. Signals coalesce. It ends with ctx and is never closed.
func (n *Node) Changes(ctx context.Context) <-chan struct{} { return n.changes.subscribe(ctx) }

// servers is raft's latest configuration, committed or not.
func (n *Node) servers() []raft.Server {
	return n.raft.GetConfiguration().Configuration().Servers
}

func (n *Node) server(id string) (raft.Server, bool) {
	for _, s := range n.servers() {
		if string(s.ID) == id {
			return s, true
		}
	}
	return raft.Server{}, false
}

// wanted tells whether a node that is not there is worth trying to reach: once it
// is removed it is not.
func (n *Node) wanted(id string) bool {
	_, ok := n.server(id)
	return ok || !n.hasState()
}

func (n *Node) isVoter() bool {
	s, ok := n.server(n.id)
	return ok && s.Suffrage == raft.Voter
}

func (n *Node) voters() int {
	count := 0
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			count++
		}
	}
	return count
}

// hasState is true for a node that is or was part of a cluster.
func (n *Node) hasState() bool { return n.raft.LastIndex() > 0 }

// label is a node's name for people, or its id.
func (n *Node) label(id string) string {
	if p, ok := n.registry.get(id); ok {
		return p.Name
	}
	return id
}

// find looks a node of the configuration up by id or name.
func (n *Node) find(nameOrID string) (raft.Server, error) {
	var found []raft.Server
	var names []string
	for _, s := range n.servers() {
		if string(s.ID) == nameOrID {
			return s, nil
		}
		name := n.label(string(s.ID))
		names = append(names, name)
		if name == nameOrID {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return raft.Server{}, fmt.Errorf("no node %q among %s: %w", nameOrID, strings.Join(names, ", "), ErrNodeNotFound)
	}
	return raft.Server{}, fmt.Errorf("%d nodes are named %q; give the id: %w", len(found), nameOrID, ErrInvalid)
}

// addrOf is where a node's port is: what the node says by gossip, else what the
// configuration says, else "".
func (n *Node) addrOf(id string) string {
	if addr := n.gossipedAddr(id); addr != "" {
		return addr
	}
	s, _ := n.server(id)
	return string(s.Address)
}

func (n *Node) gossipedAddr(id string) string {
	p, _ := n.registry.get(id)
	return p.Addr
}

// Term is raft's current term as this node knows it, 0 before the node runs.
func (n *Node) Term() uint64 {
	if !n.isReady() {
		return 0
	}
	return n.raft.CurrentTerm()
}
