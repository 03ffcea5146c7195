package sticky

import (
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// shards is how many locks a table has.
const shards = 64

// DefaultSize is how many clients a table remembers if nothing else is said.
const DefaultSize = 64 << 10

// retellEvery is how often a client that keeps coming is told to the other nodes again, so that they know for how long to remember it.
const retellEvery = time.Minute

// Config describes a [Table].
type Config struct {
	// Size is how many clients are remembered at most, spread over the shards. The one that was away for the longest time makes room for a
	// new one. 0: DefaultSize.
	Size int
	// Timeout is how long a client may be away before it is forgotten. 0: until its place is needed.
	Timeout time.Duration
}

// Table is the memory of one pool. Its methods are safe for concurrent use and do not block but for the lock of a shard. Instants are
// milliseconds of Unix time, so that those of two nodes can be compared.
type Table struct {
	timeout int64 // milliseconds; 0: none
	retell  int64
	begin   atomic.Uint32 // the shard that Take begins with: each has its turn, however small the limit
	shards  [shards]shard
}

// New makes an empty table. Memory is taken as clients come: about 100 bytes each.
func New(cfg Config) *Table {
	if cfg.Size <= 0 {
		cfg.Size = DefaultSize
	}
	t := &Table{timeout: cfg.Timeout.Milliseconds(), retell: retellEvery.Milliseconds()}
	if t.timeout > 0 {
		t.retell = min(t.retell, t.timeout/4)
	}
	for i := range t.shards {
		t.shards[i].init((cfg.Size + shards - 1) / shards)
	}
	return t
}

// Entry says that the client of Key belongs to Member since, at the latest, it was last there.
type Entry struct {
	Key    Key
	Member lb.MemberID
	Used   int64 // when the client was last there
}

// Lookup returns the member that a client belongs to. The client is there now: its time begins anew.
func (t *Table) Lookup(k Key, now int64) (lb.MemberID, bool) {
	s := &t.shards[k.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[k]
	if !ok {
		return "", false
	}
	e := &s.entries[i]
	if t.expired(e, now) {
		return "", false
	}
	t.touch(s, i, now)
	return e.Member, true
}

// touch notes that the client of entry i is there now.
func (t *Table) touch(s *shard, i int32, now int64) {
	e := &s.entries[i]
	e.Used = max(e.Used, now)
	s.toFront(i)
	if e.Used-e.told >= t.retell {
		s.mark(i)
	}
}

// Assign makes a client, which is there now, belong to a member from now on.
func (t *Table) Assign(k Key, m lb.MemberID, now int64) {
	s := &t.shards[k.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[k]
	if !ok {
		i = s.place(k, func(last *entry) bool { return t.expired(last, now) })
	}
	e := &s.entries[i]
	if ok && e.Member == m && !t.expired(e, now) {
		t.touch(s, i, now)
		return
	}
	// Later than what it replaces, even if that came from a node whose clock is ahead.
	e.Member, e.Used = m, max(now, e.Used+1)
	s.toFront(i)
	s.mark(i)
}

// maxAhead is how far the clock of another node may be ahead.
const maxAhead = int64(time.Minute / time.Millisecond)

// Merge takes over what another node has learned, unless this one knows something later.
func (t *Table) Merge(in Entry, now int64) {
	in.Used = min(in.Used, now+maxAhead)
	if t.timeout > 0 && now-in.Used >= t.timeout {
		return
	}
	s := &t.shards[in.Key.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[in.Key]
	if ok && s.entries[i].Used >= in.Used {
		return
	}
	if !ok {
		if s.full() && s.entries[s.last].Used >= in.Used {
			return
		}
		i = s.place(in.Key, func(last *entry) bool { return t.expired(last, now) })
	}
	e := &s.entries[i]
	e.Member, e.Used, e.told = in.Member, in.Used, in.Used
	s.toFront(i)
}

// Take removes up to limit entries from what the other nodes have not been told, appends them to dst and reports whether there are more.
func (t *Table) Take(dst []Entry, limit int) (entries []Entry, more bool) {
	begin := t.begin.Add(1)
	for i := range uint32(shards) {
		s := &t.shards[(begin+i)%shards]
		s.mu.Lock()
		dst, limit = s.take(dst, limit)
		more = more || s.dirty != none
		s.mu.Unlock()
	}
	return dst, more
}

// Retell makes [Table.Take] return everything again: another node has forgotten, or missed, what it was told.
func (t *Table) Retell() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for j := range s.entries {
			s.mark(int32(j))
		}
		s.mu.Unlock()
	}
}

// Len is how many clients are remembered, those included whose time has run out and whose place nobody needed.
func (t *Table) Len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}

func (t *Table) expired(e *entry, now int64) bool { return t.timeout > 0 && now-e.Used >= t.timeout }
