// Package ledger reads the journals of gates where the kernel keeps them, and keeps
// them when the gate itself is taken away: a node that stops in order removes its
// gate, and with the pin the last word on what it did would go.
//
// It must never write to a gate. What it knows of their form is what package
// vip/gate says of its journal: slot 0 holds the number of records made, record n
// is in slot 1 + (n-1) mod length, and its number is written last.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/chaos/check"
)

// slot is a record in the kernel's memory.
type slot struct {
	Seq, At, Kind, Term, Sent, Until uint64
	_                                [2]uint64
}

// kinds are what the kinds of records mean to the judges: extend, shut, raise,
// kill, a worker that takes a gate over or leaves it, which shuts it, and the two
// ends of draining.
var kinds = map[uint64]check.Kind{
	1: check.Extend, 2: check.Shut, 3: check.Raise, 4: check.Kill, 5: check.Shut, 6: check.Shut, 7: check.Drain, 8: check.Other,
}

// Ledger follows the gates of one node's network namespace. Its methods may be
// called from any goroutine.
type Ledger struct {
	pins string // pattern

	mu      sync.Mutex
	inodes  map[uint64]bool // guarded by mu; of pins that are followed
	sources []*source       // guarded by mu
}

// source is one journal, whether it is pinned still or not.
type source struct {
	slots   []slot
	memory  []byte
	records map[uint64]check.Record // by number
	next    uint64                  // the first that has not been read
	missed  uint64                  // overwritten before they were read
}

// New follows the gates that are pinned for a network namespace, by its inode.
func New(netns uint64) *Ledger {
	return &Ledger{pins: fmt.Sprintf("/sys/fs/bpf/amphora/%d/*/*/journal", netns), inodes: map[uint64]bool{}}
}

// followEvery is how soon a new gate is noticed. What it has recorded by then is
// read all the same.
const followEvery = 10 * time.Millisecond

// Run follows gates until ctx ends.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		if err := l.look(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look opens journals that are new.
func (l *Ledger) look() error {
	paths, err := filepath.Glob(l.pins)
	if err != nil {
		return fmt.Errorf("look for gates: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, path := range paths {
		var st unix.Stat_t
		if unix.Stat(path, &st) != nil || l.inodes[st.Ino] {
			continue // it is gone, or known
		}
		s, err := open(path)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open journal %s: %w", path, err)
		}
		l.inodes[st.Ino] = true
		l.sources = append(l.sources, s)
	}
	return nil
}

func open(path string) (*source, error) {
	// Also for reading: the kernel maps nothing of a read-only descriptor.
	m, err := ebpf.LoadPinnedMap(path, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.Close() }() // the mapping lives on
	const size = int(unsafe.Sizeof(slot{}))
	if m.ValueSize() != uint32(size) {
		return nil, fmt.Errorf("a record has %d bytes, not %d", m.ValueSize(), size)
	}
	n := int(m.MaxEntries())
	b, err := unix.Mmap(m.FD(), 0, n*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &source{
		slots: unsafe.Slice((*slot)(unsafe.Pointer(unsafe.SliceData(b))), n), memory: b,
		records: map[uint64]check.Record{}, next: 1,
	}, nil
}

// Read returns everything that the gates have recorded so far, in order, and how
// many records were lost. It must be called before a journal comes round, which
// with a record each 20 ms takes five minutes.
func (l *Ledger) Read() (journal check.Journal, lost uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sources {
		if err := s.read(); err != nil {
			return nil, 0, err
		}
		lost += s.missed
		numbers := make([]uint64, 0, len(s.records))
		for n := range s.records {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			journal = append(journal, s.records[n])
		}
	}
	slices.SortStableFunc(journal, func(a, b check.Record) int { return cmp.Compare(a.At, b.At) })
	return journal, lost, nil
}

// read takes over what is new.
func (s *source) read() error {
	made, length := atomic.LoadUint64(&s.slots[0].Seq), uint64(len(s.slots)-1)
	if oldest := made - min(made, length) + 1; s.next < oldest {
		s.missed += oldest - s.next
		s.next = oldest
	}
	for n := s.next; n <= made; n++ {
		p := &s.slots[1+(n-1)%length]
		before := atomic.LoadUint64(&p.Seq)
		r := slot{
			At: atomic.LoadUint64(&p.At), Kind: atomic.LoadUint64(&p.Kind), Term: atomic.LoadUint64(&p.Term),
			Sent: atomic.LoadUint64(&p.Sent), Until: atomic.LoadUint64(&p.Until),
		}
		if before != n || atomic.LoadUint64(&p.Seq) != n {
			// Being written, or left half written by a process that was killed: what it
			// speaks of did not take place.
			continue
		}
		kind, ok := kinds[r.Kind]
		if !ok {
			return fmt.Errorf("read journal: record %d is of unknown kind %d", n, r.Kind)
		}
		s.records[n] = check.Record{
			At: check.Instant(r.At), Kind: kind, Term: r.Term, Sent: check.Instant(r.Sent), Until: check.Instant(r.Until),
		}
		if n == s.next {
			s.next++
		}
	}
	// A hole is looked at again, but not for ever.
	const patience = 64
	if made > patience {
		s.next = max(s.next, made-patience)
	}
	return nil
}

// Close gives the journals up.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, s := range l.sources {
		errs = append(errs, unix.Munmap(s.memory))
	}
	l.sources = nil
	return errors.Join(errs...)
}
