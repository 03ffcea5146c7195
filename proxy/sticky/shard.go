package sticky

import "sync"

// none ends a list.
const none = int32(-1)

// shard is a part of a table: entries in one slice, found by key, in a list by when their client was last there, and, if the other nodes
// have to be told of them, in a second list. An entry is never removed, its place is given to another key.
type shard struct {
	_     [64]byte // locks on cache lines of their own
	mu    sync.Mutex
	index map[Key]int32
	// The list by time: first was there last.
	entries     []entry
	first, last int32
	dirty       int32 // the first entry to tell
	max         int
}

type entry struct {
	Entry
	told         int64 // Used, as the other nodes know it
	newer, older int32
	marked       bool // in the list of those to tell
	next         int32
}

func (s *shard) init(size int) {
	s.index = make(map[Key]int32)
	s.first, s.last, s.dirty, s.max = none, none, none, size
}

func (s *shard) full() bool { return len(s.entries) == s.max }

// place returns an entry for a key that has none: the last one if it is of no use any more, or there is no room, else a new one.
func (s *shard) place(k Key, useless func(*entry) bool) int32 {
	var i int32
	if s.last != none && (s.full() || useless(&s.entries[s.last])) {
		i = s.last
		e := &s.entries[i]
		delete(s.index, e.Key)
		// A mark stays: there is something to tell of the new key as well.
		e.Entry, e.told = Entry{Key: k}, 0
	} else {
		i = int32(len(s.entries))
		s.entries = append(s.entries, entry{Entry: Entry{Key: k}, newer: none, older: s.first, next: none})
		if s.first != none {
			s.entries[s.first].newer = i
		} else {
			s.last = i
		}
		s.first = i
	}
	s.index[k] = i
	return i
}

// toFront notes that entry i was there last.
func (s *shard) toFront(i int32) {
	if s.first == i {
		return
	}
	e := &s.entries[i]
	s.entries[e.newer].older = e.older
	if e.older != none {
		s.entries[e.older].newer = e.newer
	} else {
		s.last = e.newer
	}
	e.newer, e.older = none, s.first
	s.entries[s.first].newer = i
	s.first = i
}

// mark puts entry i on the list of those to tell.
func (s *shard) mark(i int32) {
	if e := &s.entries[i]; !e.marked {
		e.marked, e.next = true, s.dirty
		s.dirty = i
	}
}

func (s *shard) take(dst []Entry, limit int) ([]Entry, int) {
	for ; s.dirty != none && limit > 0; limit-- {
		e := &s.entries[s.dirty]
		s.dirty, e.next, e.marked = e.next, none, false
		e.told = e.Used
		dst = append(dst, e.Entry)
	}
	return dst, limit
}
