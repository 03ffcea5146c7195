package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
)

// The stable file is two slots, each a block of its own, so that a write which a
// crash cuts short damages no more than the slot that it was meant for. Generation
// g lies in slot g mod 2. A slot is
//
//	checksum   4 bytes, CRC-32C of all that follows, to the end of the slot
//	magic      7 bytes
//	version    1 byte, slotVersion
//	generation 8 bytes, from 1
//	values     length of a key as uvarint, key, length of its value, value; the keys
//	           in order, none empty
//	           zeros to the end
//
// with numbers in big endian. There is one encoding of a set of values: a slot that
// decodes to what would be encoded otherwise is damaged.
const (
	slotSize       = 4096
	slotHeaderSize = 4 + len(slotMagic) + 1 + 8
	slotMagic      = "amphora"
	slotVersion    = 1
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errStableFile = errors.New("malformed stable file")
	errSlot       = errors.New("damaged slot")
)

// encodeSlot fails for values that do not fit into a slot, and for an empty key.
func encodeSlot(generation uint64, values map[string][]byte) ([]byte, error) {
	buf := make([]byte, 4, slotSize)
	buf = append(buf, slotMagic...)
	buf = append(buf, slotVersion)
	buf = binary.BigEndian.AppendUint64(buf, generation)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == "" {
			return nil, errors.New("a value has no key")
		}
		buf = binary.AppendUvarint(buf, uint64(len(key)))
		buf = append(buf, key...)
		buf = binary.AppendUvarint(buf, uint64(len(values[key])))
		buf = append(buf, values[key]...)
	}
	if len(buf) > slotSize {
		return nil, fmt.Errorf("%d bytes of values do not fit into a slot of %d", len(buf), slotSize)
	}
	buf = buf[:slotSize] // zeros: make has cleared the whole capacity
	binary.BigEndian.PutUint32(buf, slotSum(buf))
	return buf, nil
}

func slotSum(slot []byte) uint32 { return crc32.Checksum(slot[4:], castagnoli) }

// decodeSlot copies everything out of buf. The error is errSlot for what a crash
// can have left, and errStableFile for a whole slot of another version.
func decodeSlot(buf []byte) (generation uint64, values map[string][]byte, err error) {
	if len(buf) != slotSize || binary.BigEndian.Uint32(buf) != slotSum(buf) {
		return 0, nil, fmt.Errorf("%w: wrong checksum", errSlot)
	}
	rest := buf[4:]
	if !bytes.HasPrefix(rest, []byte(slotMagic)) {
		return 0, nil, fmt.Errorf("%w: it is none of amphora", errSlot)
	}
	rest = rest[len(slotMagic):]
	if rest[0] != slotVersion {
		return 0, nil, fmt.Errorf("%w: version %d, this program knows %d", errStableFile, rest[0], slotVersion)
	}
	generation = binary.BigEndian.Uint64(rest[1:])
	values = map[string][]byte{}
	rest = rest[9:]
	for len(rest) > 0 && rest[0] != 0 {
		var key, value []byte
		if key, rest, err = cutField(rest); err != nil {
			return 0, nil, err
		}
		if value, rest, err = cutField(rest); err != nil {
			return 0, nil, err
		}
		values[string(key)] = bytes.Clone(value)
	}
	again, err := encodeSlot(generation, values)
	if err != nil || !bytes.Equal(again, buf) {
		return 0, nil, fmt.Errorf("%w: its values are in no order", errSlot)
	}
	return generation, values, nil
}

func cutField(buf []byte) (field, rest []byte, err error) {
	size, n := binary.Uvarint(buf)
	if n <= 0 || size > uint64(len(buf)-n) {
		return nil, nil, fmt.Errorf("%w: a value is longer than the slot", errSlot)
	}
	return buf[n:][:size], buf[n:][size:], nil
}

// stableState is what a stable file holds.
type stableState struct {
	generation uint64
	values     map[string][]byte
	// damaged: a write is missing. A crash cut it short, and then nobody was told
	// that it had succeeded; or the disk has lost it afterwards.
	damaged error
}

// decodeStable reads a whole stable file: of its two slots the newer one counts,
// and the other one if a crash has damaged that.
func decodeStable(data []byte) (stableState, error) {
	if len(data) != 2*slotSize {
		return stableState{}, fmt.Errorf("%w: it has %d bytes instead of %d", errStableFile, len(data), 2*slotSize)
	}
	var found [2]stableState
	for i := range found {
		s := &found[i]
		s.generation, s.values, s.damaged = decodeSlot(data[i*slotSize:][:slotSize])
		if errors.Is(s.damaged, errStableFile) {
			return stableState{}, fmt.Errorf("slot %d: %w", i, s.damaged)
		}
		if s.damaged == nil && (s.generation == 0 || s.generation%2 != uint64(i)) {
			s.damaged = fmt.Errorf("%w: generation %d does not belong there", errSlot, s.generation)
		}
		if s.damaged != nil {
			*s = stableState{damaged: fmt.Errorf("slot %d: %w", i, s.damaged)}
		}
	}
	newer, older := found[0], found[1]
	if newer.generation < older.generation {
		newer, older = older, newer
	}
	switch {
	case newer.damaged != nil:
		return stableState{}, fmt.Errorf("%w: %w, %w", errStableFile, found[0].damaged, found[1].damaged)
	case older.damaged != nil:
		newer.damaged = older.damaged
	case newer.generation-older.generation != 1:
		newer.damaged = fmt.Errorf("%w: generation %d follows on %d", errSlot, newer.generation, older.generation)
	}
	return newer, nil
}

// newStableFile is the content of a stable file that begins with these values. Both
// slots are written: afterwards one that cannot be read is always a damaged one.
func newStableFile(values map[string][]byte) ([]byte, error) {
	file := make([]byte, 0, 2*slotSize)
	for _, generation := range []uint64{2, 1} {
		slot, err := encodeSlot(generation, values)
		if err != nil {
			return nil, err
		}
		file = append(file, slot...)
	}
	return file, nil
}
