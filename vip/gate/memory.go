package gate

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// records is the length of the journal, as in gate.c: a power of two.
const records = 16384

// memory is what the worker, the supervisor, the kernel and whoever looks on share:
// words of 8 bytes, each of which is read and written at once. The types are made
// from gate.c, so that there is one definition of the layout.
type memory struct {
	lease   *gateLease
	floor   *gateFloor
	killed  *gateKilled
	drain   *gateDrain // nil with nftables
	meta    *gateMeta
	journal []gateRecord // slot 0 holds the number of records made
	mapped  [][]byte
}

// region maps n values of T from the beginning of the file on.
func region[T any](m *memory, fd, n, prot int) ([]T, error) {
	size := n * int(unsafe.Sizeof(*new(T)))
	b, err := unix.Mmap(fd, 0, size, prot, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of the gate's memory: %w", size, err)
	}
	m.mapped = append(m.mapped, b)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// close ends the mappings: nothing of the memory may be touched afterwards.
func (m *memory) close() error {
	var errs []error
	for _, b := range m.mapped {
		errs = append(errs, unix.Munmap(b))
	}
	*m = memory{}
	return errors.Join(errs...)
}

// leaseRecord is one state of the lease.
type leaseRecord struct {
	term        uint64
	sent, until int64
}

func (m *memory) current() leaseRecord {
	return leaseRecord{
		term:  atomic.LoadUint64(&m.lease.Term),
		sent:  int64(atomic.LoadUint64(&m.lease.Sent)),
		until: int64(atomic.LoadUint64(&m.lease.Until)),
	}
}

// store makes r the lease.
func (m *memory) store(r leaseRecord) {
	steps, n := stores(m.current(), r)
	for _, s := range steps[:n] {
		switch s.word {
		case wordUntil:
			atomic.StoreUint64(&m.lease.Until, s.value)
		case wordSent:
			atomic.StoreUint64(&m.lease.Sent, s.value)
		case wordTerm:
			atomic.StoreUint64(&m.lease.Term, s.value)
		}
	}
}

type word int

const (
	wordUntil word = iota
	wordSent
	wordTerm
)

type step struct {
	word  word
	value uint64
}

// stores lists the stores that lead from one lease to another. What falls comes before
// what rises. The kernel allows more, the higher each of the three words is. So whatever
// mixture of old and new it reads, it allows no more than the old lease while words fall,
// and no more than the new one while they rise. The stores are sequentially consistent
// (package sync/atomic), and each is one word.
func stores(old, next leaseRecord) (list [3]step, n int) {
	pairs := [3][2]uint64{
		wordUntil: {uint64(old.until), uint64(next.until)},
		wordSent:  {uint64(old.sent), uint64(next.sent)},
		wordTerm:  {old.term, next.term},
	}
	for _, falls := range [2]bool{true, false} {
		for w, p := range pairs {
			if p[0] != p[1] && (p[1] < p[0]) == falls {
				list[n] = step{word(w), p[1]}
				n++
			}
		}
	}
	return list, n
}

// shut ends the lease and leaves its term, so that no older one can follow.
func (m *memory) shut() { atomic.StoreUint64(&m.lease.Until, 0) }

// raise lifts the floor to min and reports whether it was lower.
func (m *memory) raise(min uint64) bool {
	for {
		old := atomic.LoadUint64(&m.floor.MinTerm)
		if old >= min {
			return false
		}
		if atomic.CompareAndSwapUint64(&m.floor.MinTerm, old, min) {
			return true
		}
	}
}

func (m *memory) minTerm() uint64 { return atomic.LoadUint64(&m.floor.MinTerm) }
func (m *memory) killedAt() int64 { return int64(atomic.LoadUint64(&m.killed.At)) }

// introduce writes whose gate it is. Terms of another cluster mean nothing here,
// and a floor left by it would keep ours out.
func (m *memory) introduce(cluster string, cookie uint64) {
	h := fnv.New64a()
	h.Write([]byte(cluster))
	if old := atomic.LoadUint64(&m.meta.Cluster); old != 0 && old != h.Sum64() {
		m.shut()
		m.store(leaseRecord{})
		atomic.StoreUint64(&m.floor.MinTerm, 0)
	}
	atomic.StoreUint64(&m.meta.Cluster, h.Sum64())
	atomic.StoreUint64(&m.meta.Netns, cookie)
}

// verdict judges as gate.c does.
func (m *memory) verdict() Verdict {
	l := m.current()
	switch {
	case now() >= l.until:
		return Expired
	case l.term < m.minTerm():
		return BelowFloor
	case m.killedAt() >= l.sent:
		return Claimed
	}
	return IsOpen
}

// now reads CLOCK_BOOTTIME.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return math.MaxInt64 // no lease lasts that long; Linux has the clock since 2.6.39
	}
	return ts.Nano()
}
