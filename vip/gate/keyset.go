package gate

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// keyset is a map of the kernel that is used as a set, which nobody else changes once it
// was read. What it has is known here: to read ten thousand keys takes as many calls.
type keyset[K comparable] struct{ has map[K]bool } // nil: not read yet

// replace makes want the keys of m: it adds, then removes. After an error the set is
// somewhere in between.
func (s *keyset[K]) replace(m *ebpf.Map, want map[K]bool) error {
	if s.has == nil {
		there, err := keys[K](m)
		if err != nil {
			return err
		}
		s.has = make(map[K]bool, len(there))
		for _, key := range there {
			s.has[key] = true
		}
	}
	for key := range want {
		if s.has[key] {
			continue
		}
		if err := m.Put(key, uint32(0)); err != nil {
			return fmt.Errorf("add to a map: %w", err)
		}
		s.has[key] = true
	}
	for key := range s.has {
		if want[key] {
			continue
		}
		if err := m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("remove from a map: %w", err)
		}
		delete(s.has, key)
	}
	return nil
}

// keys lists the keys of a map that nobody else changes.
func keys[K any](m *ebpf.Map) (list []K, err error) {
	var key K
	var value uint32
	it := m.Iterate()
	for it.Next(&key, &value) {
		list = append(list, key)
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("read keys of a map: %w", err)
	}
	return list, nil
}
