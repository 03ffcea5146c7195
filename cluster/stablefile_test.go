package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// disk is a stable file in memory. A write that is torn puts only some of the
// sectors of its block there, and fails.
type disk struct {
	data   []byte
	writes int
	last   []byte                // what was to be written last
	tear   func(sector int) bool // nil: nothing fails; true: this sector is written
}

const sectorSize = 512

func (d *disk) WriteAt(p []byte, at int64) (int, error) {
	d.writes++
	d.last = bytes.Clone(p)
	if d.tear == nil {
		return copy(d.data[at:], p), nil
	}
	for i := 0; i < len(p); i += sectorSize {
		if d.tear(i / sectorSize) {
			copy(d.data[int(at)+i:], p[i:i+sectorSize])
		}
	}
	return 0, errors.New("the power is gone")
}

func (d *disk) Close() error { return nil }

func newDisk(t testing.TB) *disk {
	t.Helper()
	data, err := newStableFile(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &disk{data: data}
}

// boot opens the store as after a restart, and mends it if need be.
func (d *disk) boot() (*stableStore, stableState, error) {
	d.tear = nil
	state, err := decodeStable(d.data)
	if err != nil {
		return nil, state, err
	}
	s := &stableStore{}
	s.load(d, state)
	if state.damaged != nil {
		err = s.abstain(0)
	}
	return s, state, err
}

func vote(s *stableStore, term uint64, candidate string) error {
	return errors.Join(s.SetUint64([]byte(keyVoteTerm), term), s.Set([]byte(keyVoteCandidate), []byte(candidate)))
}

// TestStableStoreSurvivesTornWrites cuts writes short at every sector, in any
// order: what is read afterwards is all of the old values or all of the new ones.
func TestStableStoreSurvivesTornWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDisk(t)
		s, _, err := d.boot()
		if err != nil {
			rt.Fatal(err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				if err := anyWrite(rt, s); err != nil {
					rt.Fatal(err)
				}
			},
			"crash in mid-write": func(rt *rapid.T) {
				before, block := maps.Clone(s.values), bytes.Clone(d.data)
				written := rapid.SliceOfN(rapid.Bool(), slotSize/sectorSize, slotSize/sectorSize).Draw(rt, "sectors written")
				d.tear = func(sector int) bool { return written[sector] }
				if err := anyWrite(rt, s); err == nil && !bytes.Equal(block, d.data) {
					rt.Fatal("a write that failed was reported as done")
				}
				if !cmp.Equal(s.values, before) {
					rt.Fatal("a write that failed is visible")
				}
				after, state, err := d.boot()
				if err != nil {
					rt.Fatal(err)
				}
				if state.generation != s.generation && state.generation != s.generation+1 {
					rt.Fatalf("generation %d, want %d or the next one", state.generation, s.generation)
				}
				want := before
				if state.generation != s.generation {
					if _, want, err = decodeSlot(d.last); err != nil {
						rt.Fatal(err)
					}
				}
				if !cmp.Equal(state.values, want) {
					rt.Fatalf("generation %d has %q, want %q; before the write it was %q", state.generation, state.values, want, before)
				}
				s = after
			},
			"restart": func(rt *rapid.T) {
				after, state, err := d.boot()
				if err != nil || state.damaged != nil {
					rt.Fatal(err, state.damaged)
				}
				if !cmp.Equal(after.values, s.values) {
					rt.Fatalf("after a restart %q, before it %q", after.values, s.values)
				}
				s = after
			},
		})
	})
}

// anyWrite makes a change that is one: a value written twice costs no second write.
func anyWrite(rt *rapid.T, s *stableStore) error {
	switch rapid.IntRange(0, 2).Draw(rt, "what") {
	case 0:
		term, _ := s.GetUint64([]byte(keyTerm))
		return s.SetUint64([]byte(keyTerm), term+rapid.Uint64Range(1, 3).Draw(rt, "terms"))
	case 1:
		term, _ := s.GetUint64([]byte(keyVoteTerm))
		return vote(s, term+1, rapid.StringN(1, 40, 300).Draw(rt, "candidate"))
	default:
		key := rapid.SampledFrom([]string{"a", "b", string(keyLeft)}).Draw(rt, "key")
		count := binary.BigEndian.AppendUint64(s.values[key], s.generation)
		return s.Set([]byte(key), count[max(0, len(count)-400):])
	}
}

// TestNoVoteIsGivenTwice runs elections as raft does, on a disk that loses power
// and also blocks that it had written: no term sees votes for two candidates.
func TestNoVoteIsGivenTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDisk(t)
		s, _, err := d.boot()
		if err != nil {
			rt.Fatal(err)
		}
		given := map[uint64]string{}
		boot := func() {
			if s, _, err = d.boot(); err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"request": func(rt *rapid.T) {
				now, _ := s.GetUint64([]byte(keyTerm))
				term := max(now, 1) + rapid.Uint64Range(0, 2).Draw(rt, "term") - rapid.Uint64Range(0, 1).Draw(rt, "late")
				candidate := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "candidate")
				if rapid.IntRange(0, 9).Draw(rt, "crash") == 0 {
					d.tear = func(sector int) bool { return rapid.Bool().Draw(rt, "written") }
				}
				granted, err := requestVote(s, term, candidate)
				if err != nil {
					boot()
					return
				}
				if first, ok := given[term]; granted && ok && first != candidate {
					rt.Fatalf("term %d: votes for %s and %s", term, first, candidate)
				}
				if granted {
					given[term] = candidate
				}
				d.tear = nil
			},
			"a block is lost": func(rt *rapid.T) {
				slot := rapid.IntRange(0, 1).Draw(rt, "slot")
				if rapid.Bool().Draw(rt, "zeros") {
					clear(d.data[slot*slotSize:][:slotSize])
				} else {
					d.data[slot*slotSize+rapid.IntRange(0, slotSize-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
				}
				boot()
			},
		})
	})
}

// requestVote is what raft does with a request for a vote, as far as it touches the
// stable store: raft.go, requestVote.
func requestVote(s *stableStore, term uint64, candidate string) (granted bool, err error) {
	now, _ := s.GetUint64([]byte(keyTerm))
	if term < now {
		return false, nil
	}
	if term > now {
		if err := s.SetUint64([]byte(keyTerm), term); err != nil {
			return false, err // raft panics
		}
	}
	last, _ := s.GetUint64([]byte(keyVoteTerm))
	voted, _ := s.Get([]byte(keyVoteCandidate))
	if last == term && voted != nil {
		return string(voted) == candidate, nil
	}
	return true, vote(s, term, candidate)
}

// sign makes the checksums of both slots right.
func sign(data []byte) []byte {
	for i := 0; i < len(data); i += slotSize {
		binary.BigEndian.PutUint32(data[i:], slotSum(data[i:][:slotSize]))
	}
	return data
}

// The format is for ever: a node must find its vote after every upgrade.
func TestStableFileOfVersion1(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "stable-v1"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]byte{}
	for i, c := range []string{"a", "b"} {
		values[keyTerm] = binary.BigEndian.AppendUint64(nil, uint64(41+i))
		values[keyVoteTerm] = binary.BigEndian.AppendUint64(nil, uint64(41+i))
		values[keyVoteCandidate] = []byte("6ba7b810-9dad-11d1-80b4-00c04fd430c8@" + c + ":7400")
		values[string(keyLeft)] = nil
		generation := uint64(1000 + i)
		slot, err := encodeSlot(generation, values)
		if err != nil || !bytes.Equal(slot, golden[generation%2*slotSize:][:slotSize]) {
			t.Errorf("generation %d is encoded otherwise than in version 1 (%v)", generation, err)
		}
	}
	state, err := decodeStable(golden)
	if err != nil || state.damaged != nil || state.generation != 1001 {
		t.Fatalf("generation %d, %v, %v", state.generation, state.damaged, err)
	}
	if diff := cmp.Diff(values, state.values, cmp.Transformer("nil", func(b []byte) string { return string(b) })); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecodeStable(f *testing.F) {
	empty, err := newStableFile(nil)
	if err != nil {
		f.Fatal(err)
	}
	full, err := newStableFile(map[string][]byte{keyTerm: {1}, "k": make([]byte, 300)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(empty)
	f.Add(full)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 2*slotSize {
			data = sign(bytes.Clone(data)) // or nothing behind the checksum is ever seen
		}
		state, err := decodeStable(data)
		if err != nil {
			if !errors.Is(err, errStableFile) {
				t.Errorf("error without its kind: %v", err)
			}
			return
		}
		again, err := encodeSlot(state.generation, state.values)
		if err != nil || !bytes.Equal(again, data[state.generation%2*slotSize:][:slotSize]) {
			t.Errorf("generation %d with %q is encoded otherwise (%v)", state.generation, state.values, err)
		}
	})
}
