package sticky

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/lb"
)

// A batch is what one node tells another: a version, then a section for each pool.
//
//	version  1 byte
//	section  pool, members, entries
//	pool     text
//	members  count, text each
//	entries  count, each: key (16 bytes), member (its number), used (milliseconds of Unix time)
//
// A text is its length and its bytes; lengths, counts and numbers are unsigned varints.
const batchVersion = 1

// EntrySize is how many bytes an entry takes in a batch, about, without the names of pools and members.
const EntrySize = len(Key{}) + 1 + 6

// AppendSection appends what is to be told of a pool to a batch, which begins empty.
func AppendSection(batch []byte, pool lb.PoolID, entries []Entry) []byte {
	if len(batch) == 0 {
		batch = append(batch, batchVersion)
	}
	batch = appendText(batch, string(pool))
	numbers := make(map[lb.MemberID]uint64)
	var members []lb.MemberID
	for i := range entries {
		if m := entries[i].Member; len(members) == 0 || m != members[len(members)-1] {
			if _, ok := numbers[m]; !ok {
				numbers[m] = uint64(len(members))
				members = append(members, m)
			}
		}
	}
	batch = binary.AppendUvarint(batch, uint64(len(members)))
	for _, m := range members {
		batch = appendText(batch, string(m))
	}
	batch = binary.AppendUvarint(batch, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		batch = append(batch, e.Key[:]...)
		batch = binary.AppendUvarint(batch, numbers[e.Member])
		batch = binary.AppendUvarint(batch, uint64(max(e.Used, 0)))
	}
	return batch
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// errShort means that a batch ends too early, or says that it is longer than it can be.
var errShort = errors.New("it is cut short")

// Read hands the entries of a batch to take, in order. What was handed over before an error stays.
func Read(batch []byte, take func(lb.PoolID, Entry)) error {
	if len(batch) == 0 || batch[0] != batchVersion {
		return errors.New("read batch of session persistence: it is of an unknown version, upgrade this node")
	}
	for r := (reader{rest: batch[1:]}); len(r.rest) > 0; {
		if err := r.section(take); err != nil {
			return fmt.Errorf("read batch of session persistence: %w", err)
		}
	}
	return nil
}

type reader struct {
	rest []byte
	err  error
}

func (r *reader) section(take func(lb.PoolID, Entry)) error {
	pool := lb.PoolID(r.text())
	var members []lb.MemberID
	for range r.count(1) {
		members = append(members, lb.MemberID(r.text()))
	}
	for range r.count(EntrySize - 6) {
		var e Entry
		e.Key = Key(r.bytes(uint64(len(Key{}))))
		at := r.number()
		e.Used = int64(r.number() & (1<<62 - 1))
		switch {
		case r.err != nil:
			return r.err
		case at >= uint64(len(members)):
			return fmt.Errorf("there is no member number %d in it", at)
		}
		e.Member = members[at]
		take(pool, e)
	}
	return r.err
}

// count reads how many things follow, each of which takes so many bytes at least.
func (r *reader) count(size int) uint64 {
	n := r.number()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) text() string { return string(r.bytes(r.number())) }

// bytes returns the next n bytes, zeros if there are not as many.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return make([]byte, len(Key{}))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail() {
	r.err = errShort
	r.rest = nil
}
