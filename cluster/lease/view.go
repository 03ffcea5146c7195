package lease

// State is where a node stands.
type State uint8

// The states. The gate is shut in all but Holding and Solo.
const (
	Observing   State = iota // may not hold: a witness, or no voter yet
	Standby                  // ready; hears the holder or waits for one
	Suspecting               // misses the holder, asks the others
	Campaigning              // told raft to stand for election
	Waiting                  // won the term; promises to the old holder still run, or its own first round does
	Holding                  // the gate is open while the lease lasts
	Solo                     // holds on network evidence, without a quorum
	Fenced                   // gave up a term: unfit, forced or deaf; waits before it tries again
)

// Why a node came to hold, as a Report says it.
const (
	CauseStart    = "start"       // nobody held before
	CausePlanned  = "planned"     // the holder handed over
	CauseReleased = "released"    // the holder, or its supervisor, said that its gate is shut
	CauseCrash    = "crash"       // its process was gone, its host was not
	CauseSilence  = "silence"     // it was not heard any more
	CauseElection = "election"    // raft's own timers elected this node
	CauseSolo     = "peer silent" // two voters: the network answers, the peer does not
)

// Report is how a node came to hold. The instants are of its own clock; one that did
// not happen is Never.
type Report struct {
	Cause string
	From  ID     // who held before; empty if nobody is known to have
	Why   string // what the old holder said of its release, if it said something
	Term  uint64

	LastHeard Instant // last sign of the old holder: progress of its rounds, or that it let go
	Noticed   Instant // it was missed, or its release arrived
	Agreed    Instant // another voter misses it too
	Elected   Instant // raft elected this node
	Acked     Instant // a quorum acknowledged the first round
	Free      Instant // the promises to the old holder had ended
	Opened    Instant // the gate was open
}

// View is what a machine knows, for status and metrics.
type View struct {
	State  State
	Term   uint64  // that is held, waited for, or of the holder that is heard
	Holder ID      // this node, or the one that is heard; empty: none
	Open   bool    // the holder's gate is open, as far as this node knows
	Solo   bool    // it holds on network evidence
	Since  Instant // Holding, Solo: when this node claimed
	Until  Instant // Holding, Solo: end of the lease
	Heard  Instant // last progress of another holder
	Silent []ID    // Holding: voters that did not answer within Lease
	Unfit  string  // why this node does not claim; empty: it would
	Last   Report  // of this node's newest claim
	Stale  bool    // Solo: the peer may have a newer configuration
}
