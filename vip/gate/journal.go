package gate

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Kind says what a record of the journal is about.
type Kind uint64

// The kinds.
const (
	KindExtend Kind = 1 // the lease: Term, Sent, Until
	KindShut   Kind = 2 // the worker shut: Term as it was told
	KindRaise  Kind = 3 // the supervisor: every term below Term is shut
	KindKill   Kind = 4 // the kernel, for a peer's claim: the lease that it ended
	KindOpen   Kind = 5 // a worker made or adopted the gate, and shut it
	KindClose  Kind = 6 // a worker left, and shut it

	// Connections are drained until Until: by the old holder, and for it by the new.
	KindDrainTo   Kind = 7
	KindDrainFrom Kind = 8
)

var kindNames = map[Kind]string{
	KindExtend: "extend", KindShut: "shut", KindRaise: "raise", KindKill: "kill", KindOpen: "open", KindClose: "close",
	KindDrainTo: "drain_to", KindDrainFrom: "drain_from",
}

// String is the name that records have in JSON.
func (k Kind) String() string {
	if name := kindNames[k]; name != "" {
		return name
	}
	return fmt.Sprintf("kind %d", uint64(k))
}

// MarshalText gives the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes what MarshalText gave.
func (k *Kind) UnmarshalText(text []byte) error {
	for kind, name := range kindNames {
		if name == string(text) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("kind: %q is none of a journal's", text)
}

// Record is an entry of the journal. It was written before what it speaks of took
// place: At is not later than that.
type Record struct {
	Seq   uint64 `json:"seq"` // from 1 on, without gaps but for half-written records
	At    int64  `json:"at"`
	Kind  Kind   `json:"kind"`
	Term  uint64 `json:"term"`
	Sent  int64  `json:"sent,omitempty"`
	Until int64  `json:"until,omitempty"`
}

// record appends to the journal. Worker, supervisor and kernel do so at the same
// time without a lock: each takes a number and with it a slot of its own. Seq is 0
// while the slot is written, and a process that dies there leaves it 0.
func (m *memory) record(kind Kind, l leaseRecord) {
	n := atomic.AddUint64(&m.journal[0].Seq, 1)
	r := &m.journal[1+(n-1)%records]
	atomic.StoreUint64(&r.Seq, 0)
	atomic.StoreUint64(&r.At, uint64(now()))
	atomic.StoreUint64(&r.Kind, uint64(kind))
	atomic.StoreUint64(&r.Term, l.term)
	atomic.StoreUint64(&r.Sent, uint64(l.sent))
	atomic.StoreUint64(&r.Until, uint64(l.until))
	atomic.StoreUint64(&r.Seq, n)
}

// entries reads the journal, oldest first, while others may be writing. torn is
// the number of records that are missing: half written, or overwritten meanwhile.
func (m *memory) entries() (list []Record, torn int) {
	made := atomic.LoadUint64(&m.journal[0].Seq)
	for i := range uint64(records) {
		s := &m.journal[1+i]
		seq := atomic.LoadUint64(&s.Seq)
		r := Record{
			Seq:   seq,
			At:    int64(atomic.LoadUint64(&s.At)),
			Kind:  Kind(atomic.LoadUint64(&s.Kind)),
			Term:  atomic.LoadUint64(&s.Term),
			Sent:  int64(atomic.LoadUint64(&s.Sent)),
			Until: int64(atomic.LoadUint64(&s.Until)),
		}
		if seq != 0 && (seq-1)%records == i && atomic.LoadUint64(&s.Seq) == seq {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Record) int {
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	})
	return list, max(0, int(min(made, records))-len(list))
}
