package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/hashicorp/raft"
)

// Forcing is one change of the voters that an operator has forced: without a quorum
// one node became the only voter.
type Forcing struct {
	By string    `json:"by"` // id of that node
	At time.Time `json:"at"`
	// Without lists the ids of the nodes that were part of the cluster until then,
	// and come back by themselves. Others have no place in it.
	Without []string `json:"without,omitempty"`
	// Index and Term are those of the last entry of its log before. Every command
	// that it had seen is in the cluster that it began, committed or not.
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
}

// Epoch lists the forced changes that the data of a node descends from, in order.
// Data of two epochs must never meet in one raft group: raft takes entries with one
// index and term for the same, and the entries of a cluster that was forced are not
// those of its voters that were not asked.
type Epoch []Forcing

// Number says how often the cluster was forced.
func (e Epoch) Number() uint64 { return uint64(len(e)) }

// tag is short and the same for equal epochs alone; empty for a cluster that was
// never forced.
func (e Epoch) tag() string {
	if len(e) == 0 {
		return ""
	}
	hash := sha256.New()
	for _, f := range e {
		_, _ = fmt.Fprintf(hash, "%s %d %d %d %q\n", f.By, f.At.UnixNano(), f.Index, f.Term, f.Without)
	}
	return fmt.Sprintf("%d-%s", len(e), hex.EncodeToString(hash.Sum(nil)[:8]))
}

func (f Forcing) equal(o Forcing) bool {
	return f.By == o.By && f.At.Equal(o.At) && f.Index == o.Index && f.Term == o.Term && slices.Equal(f.Without, o.Without)
}

// begins tells whether o is e or e with further forcings.
func (e Epoch) begins(o Epoch) bool {
	if len(e) > len(o) {
		return false
	}
	for i := range e {
		if !e[i].equal(o[i]) {
			return false
		}
	}
	return true
}

// position is that of an entry in raft's log.
type position struct{ index, term uint64 }

// holds tells whether the log that was forced had the entry at p, given that p was
// committed before or elsewhere. A log that ends with a newer entry than a committed
// one has that one: it is raft's own rule for votes.
func (f Forcing) holds(p position) bool {
	return f.Term > p.term || (f.Term == p.term && f.Index >= p.index)
}

// verdict is what a node has to do about another one's epoch.
type verdict int

const (
	nothing  verdict = iota // they agree, or it is the other's turn
	heal                    // set the own data aside and join
	stayAway                // it was removed from the cluster before that was forced
	standOff                // each has what the other lacks: an operator chooses
)

// judge compares the epochs of this node, which has the given id, and of another one
// that has data. applied is the newest command that this node's state machine has
// taken over. It is pure.
//
// A node whose epoch the other's goes on from was not asked when that one was forced.
// It heals by itself only if everything it has ever acknowledged was in the log that
// was forced. In a pair that is so: what was committed is on both.
func judge(id string, self, other Epoch, applied position) verdict {
	switch {
	case other.begins(self):
		return nothing
	case !self.begins(other) || !other[len(self)].holds(applied):
		return standOff
	case !slices.Contains(other[len(self)].Without, id):
		return stayAway
	}
	return heal
}

// outranks tells which side of a stand-off goes on: the one that was forced more
// often, and between equals the one with the greater id.
func outranks(e Epoch, id string, other Epoch, otherID string) bool {
	if len(e) != len(other) {
		return len(e) > len(other)
	}
	return strings.Compare(id, otherID) > 0
}

func (e Epoch) toProto() *peerpb.EpochResponse {
	r := &peerpb.EpochResponse{}
	for _, f := range e {
		r.Forcings = append(r.Forcings, &peerpb.Forcing{By: f.By, At: f.At.UnixNano(), Index: f.Index, Term: f.Term, Without: f.Without})
	}
	return r
}

func epochFromProto(r *peerpb.EpochResponse) Epoch {
	var e Epoch
	for _, f := range r.GetForcings() {
		e = append(e, Forcing{By: f.GetBy(), At: time.Unix(0, f.GetAt()).UTC(), Index: f.GetIndex(), Term: f.GetTerm(), Without: f.GetWithout()})
	}
	return e
}

func (e Epoch) String() string {
	if len(e) == 0 {
		return "never forced"
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// soleVoter is the entry of raft's log that makes one node the only voter. It comes
// after everything the log has, in a term of its own.
func soleVoter(id, addr string, after position, term uint64) *raft.Log {
	return &raft.Log{
		Index: after.index + 1, Term: term, Type: raft.LogConfiguration, AppendedAt: time.Now(),
		Data: raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{
			{Suffrage: raft.Voter, ID: raft.ServerID(id), Address: raft.ServerAddress(addr)},
		}}),
	}
}
