package cluster

import "context"

// Hold runs serve while this node is the holder: from the moment at which its gate
// is open until it is shut again, and never twice at once. serve's context ends when
// the gate is shut, and its cause says why. If serve fails, another amphora is given
// the chance; if it returns nil, it is not called again before the next claim.
//
// A node claims only while Hold runs. Hold blocks until ctx ends or the node stops,
// and may run once at a time. Without a Gate it never calls serve.
func (n *Node) Hold(ctx context.Context, serve func(ctx context.Context, term uint64) error) error {
	return n.Lead(ctx, serve)
}

// Force says that the gate was shut from outside, by the supervisor or because
// another amphora claimed a virtual IP: what this node holds in term, or an older
// one, is over. It does not block.
func (n *Node) Force(term uint64, why string) {}

// SetFitness says whether this node is able to serve: why not, for people, or an
// empty string. A holder that is not fit releases, and the others need not wait for
// its lease; a node that is not fit does not claim. It does not block.
func (n *Node) SetFitness(why string) {}

// SetMaintenance keeps this node from being the holder, until it is called with
// false, also across restarts. A node that holds hands over first, and if nobody can
// take over it returns an error and changes nothing. It returns when the change is
// durable.
func (n *Node) SetMaintenance(ctx context.Context, on bool) error { return nil }
