package lease

import "time"

// ID names a node: its raft server id.
type ID string

// Kind is what a message says.
type Kind uint8

// The messages. A holder, or one that waits to become it, sends Renew, Handover and
// Released; voters answer Renew with Ack, Stalled or Nack. A standby that misses its
// holder sends Confirm and is answered with Agree or Refuse.
const (
	Renew    Kind = iota + 1 // promise me Lease from now on; I won Term
	Ack                      // I promise; echoes Term, Seq and Sent
	Stalled                  // no promise: your Acked stands still; echoes Term and Seq
	Nack                     // no promise: I know the newer Term, or Lease is longer than I may promise
	Confirm                  // do you miss the holder of Term too? my log ends at Log
	Agree                    // yes, and my log is not ahead of yours; echoes Term and Seq
	Refuse                   // no, for Reason; echoes Term and Seq
	Released                 // the gate of From is shut, and stays shut in Term and every older one
	Handover                 // I won Term and am ready: release what you hold in older ones
)

// Reason is why something was refused.
type Reason uint8

// The reasons to refuse.
const (
	HolderAlive Reason = iota + 1 // I hear it; Age says when
	LogBehind                     // your log ends before mine
	NewerTerm                     // Term is over
	NotVoter                      // I do not vote, or do not know you as a voter
	AgreedOther                   // I let another campaign just now
	HasReleased                   // Nack: I was told that you released Term
)

// Position is the end of a raft log.
type Position struct {
	Index, Term uint64
}

// Before tells whether a log that ends here is behind one that ends at q, as raft's
// vote compares them (Raft thesis, section 3.6.1).
func (p Position) Before(q Position) bool {
	return p.Term < q.Term || (p.Term == q.Term && p.Index < q.Index)
}

// Message is what nodes say to each other. Fields that a kind does not name are zero.
// Who carries it proves From, and drops a message that it has seen before, except
// Released, which stays true for ever.
type Message struct {
	Kind Kind
	From ID
	Boot uint64 // random, new with every start of the process that sent it
	Term uint64
	Seq  uint64  // of the round; counts up in one process
	Sent Instant // Renew: the holder's clock before sending; echoed by Ack

	Lease  time.Duration // Renew: how long a promise is asked for
	Acked  uint64        // Renew: Seq of the newest round that a quorum acknowledged
	Echo   uint64        // Renew: highest Seq that came back from To as Stalled
	Open   bool          // Renew: the holder's gate is open
	Solo   bool          // Renew: held on network evidence, without a quorum
	Epoch  uint64        // Renew: how often the cluster was forced to one node
	Log    Position      // Confirm, Refuse
	Reason Reason        // Refuse, Nack
	Age    time.Duration // Refuse: time since the holder was heard
}

// Promise is what a voter has promised to a holder, as it travels with a vote: for
// so long, by the voter's clock, it helps nobody else. An empty Holder stands for
// whatever the voter promised before it was restarted and does not remember.
type Promise struct {
	Holder ID
	Term   uint64
	For    time.Duration
}
