package fsm

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Hash returns a digest of everything that the log decides: each resource and
// each remembered request, in order of their keys. Two nodes that have applied
// the same entries have the same hash, however their files came about. It reads
// the whole state.
//
// The applied index is left out: entries that change nothing do not change the
// hash.
func (f *FSM) Hash() ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	s, err := f.pin()
	if err != nil {
		return sum, fmt.Errorf("hash state: %w", err)
	}
	defer func() { _ = f.unpin(s) }()
	h := sha256.New()
	err = s.db.View(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if first, _ := tx.Bucket([]byte(b.bucket)).Cursor().First(); first == nil && b.since > 1 {
				continue // hashes of older versions do not know the kind
			}
			if err := hashBucket(h, tx, b.bucket); err != nil {
				return err
			}
		}
		return hashBucket(h, tx, requestsBucket)
	})
	if err != nil {
		return sum, fmt.Errorf("hash %s: %w", f.path, err)
	}
	h.Sum(sum[:0])
	return sum, nil
}

// hashBucket writes every part with a mark and its length before it, so that no
// two states run together into the same bytes.
func hashBucket(h io.Writer, tx *bolt.Tx, name string) error {
	if err := hashPart(h, 'b', []byte(name)); err != nil {
		return err
	}
	return tx.Bucket([]byte(name)).ForEach(func(key, value []byte) error {
		if err := hashPart(h, 'k', key); err != nil {
			return err
		}
		return hashPart(h, 'v', value)
	})
}

func hashPart(h io.Writer, mark byte, part []byte) error {
	head := binary.BigEndian.AppendUint64([]byte{mark}, uint64(len(part)))
	if _, err := h.Write(head); err != nil {
		return err
	}
	_, err := h.Write(part)
	return err
}
