package lease

// Input is one thing that happened. Now must not go back from one input to the next.
type Input struct {
	Now   Instant
	Log   Position // end of this node's raft log
	Event Event
}

// Event is one of the types below.
type Event interface{ event() }

// Tick says that the time of Machine.Wake has come.
type Tick struct{}

// Received is a message of another node, proven and not seen before.
type Received struct{ Message Message }

// Reconfigured tells who votes, and whether this node may hold: it is an amphora and
// votes.
type Reconfigured struct {
	Voters  []ID
	MayHold bool
}

// VoteAsked comes before a request for a vote in Term is given to raft. From then on
// nothing is promised to holders of older terms.
type VoteAsked struct{ Term uint64 }

// VoteAnswered comes when raft has answered it, once for each VoteAsked. RaftTerm is
// raft's own term now. What Machine.Promises returns next travels with the answer.
type VoteAnswered struct {
	Term, RaftTerm uint64
	Granted        bool
}

// VoteGranted is a vote for this node, with what its voter has promised to others.
type VoteGranted struct {
	By       ID
	Term     uint64
	Promises []Promise
}

// Elected says that raft made this node the leader of Term.
type Elected struct{ Term uint64 }

// Stood says that raft on this node asks for votes in Term: it has voted for itself,
// so that nobody else will be elected in that term without its vote.
type Stood struct{ Term uint64 }

// TermSeen says that raft knows Term: a holder of an older one stops renewing.
type TermSeen struct{ Term uint64 }

// Suspected is evidence that the process of a node has gone: its connections were
// reset and a new one was refused. It starts the confirmation early.
type Suspected struct{ Node ID }

// Fitness says whether this node is able to serve. A holder that is not releases;
// one that is not does not claim. Why is for people, empty for a fit node.
type Fitness struct{ Why string }

// GateForced says that the gate was shut from outside, by the supervisor or because
// another amphora claimed a virtual IP: what is held in Term is over.
type GateForced struct {
	Term uint64
	Why  string
}

// Probed is the network's answer to one probe, in a cluster of two voters: there is
// one for every Timing.Probe while the action of that name is on, also when nothing
// answered. Sent is when the probe left, by the same clock as all instants.
type Probed struct {
	Sent     Instant
	Network  bool // the gateway or a tie-breaker answered it
	Occupied bool // somebody else answered for a virtual IP
	Peer     bool // the peer's own address answered
}

func (Tick) event()         {}
func (Received) event()     {}
func (Reconfigured) event() {}
func (VoteAsked) event()    {}
func (VoteAnswered) event() {}
func (VoteGranted) event()  {}
func (Elected) event()      {}
func (Stood) event()        {}
func (TermSeen) event()     {}
func (Suspected) event()    {}
func (Fitness) event()      {}
func (GateForced) event()   {}
func (Probed) event()       {}
