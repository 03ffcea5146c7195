package supervise

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// The bounds of a will. A cluster has fewer nodes than MaxPackets, and a datagram
// of gossip stays below the MTU of Ethernet.
const (
	MaxPackets    = 8
	MaxPacketSize = 1400
)

// The page, in bytes from its start. The words are written with one atomic store
// each, so that a worker may die between any two of them. The will does not fit
// into a word: it has two slots, of which the worker writes the one that is not
// active.
const (
	offMagic  = 0
	offBeats  = 64  // counts the worker's beats
	offReady  = 128 // not 0: the worker is ready
	offLimit  = 136 // nanoseconds of silence that mean a freeze
	offTerm   = 144 // the term that is held, 0: none
	offActive = 152 // the lowest bit is the slot of the will
	offKnown  = 160 // not 0: the settings are there
	offLeave  = 168 // not 0: the worker stops in order
	offDeath  = 192 // a futex of 4 bytes that a thread of the worker owns
	offRobust = 200 // a robustList, in addresses of the worker
	offIface  = 256 // one byte of length, then the name
	offGate   = 512
	offSlots  = 4096

	slotSize = 16384
	pageSize = offSlots + 2*slotSize

	maxIface = 15 // IFNAMSIZ without its NUL
	maxGate  = 255

	// magic is also the version of the layout: both sides are one binary.
	magic = 0x616d_7068_6f72_6101
)

// castagnoli has an instruction of its own on the processors in use.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// memory is the shared page, as either side sees it.
type memory []byte

// word is safe on any memory of pageSize bytes that begins at a multiple of 8.
func (m memory) word(off int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&m[off]))
}

func (m memory) beats() uint64 { return m.word(offBeats).Load() }
func (m memory) ready() bool   { return m.word(offReady).Load() != 0 }
func (m memory) holds() bool   { return m.word(offTerm).Load() != 0 }
func (m memory) leaving() bool { return m.word(offLeave).Load() != 0 }

// limit is how long the worker may be silent, within bounds that no profile leaves.
func (m memory) limit() time.Duration {
	const lowest, highest = 20 * time.Millisecond, time.Minute
	ns := m.word(offLimit).Load()
	if ns == 0 {
		return defaultLimit
	}
	return time.Duration(min(max(ns, uint64(lowest)), uint64(highest)))
}

// setText writes a text of at most 255 bytes.
func (m memory) setText(off int, s string) {
	m[off] = byte(len(s))
	copy(m[off+1:], s)
}

func (m memory) text(off, most int) string {
	n := min(int(m[off]), most)
	return string(m[off+1 : off+1+n])
}

func (m memory) settings() Settings {
	if m.word(offKnown).Load() == 0 {
		return Settings{}
	}
	return Settings{Limit: m.limit(), Interface: m.text(offIface, maxIface), Gate: m.text(offGate, maxGate)}
}

// term is the newest term that the worker may hold, 0 if none. The word and the
// will differ only while the worker is between two stores; the newer of the two is
// right, because a will for a term that is not held does no harm.
func (m memory) term(w Will) uint64 { return max(m.word(offTerm).Load(), w.Term) }

// setWill must not run twice at once.
func (m memory) setWill(w Will) error {
	body, err := appendWill(make([]byte, 8, slotSize), w)
	if err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(body, crc32.Checksum(body[8:], castagnoli))
	binary.NativeEndian.PutUint32(body[4:], uint32(len(body)-8))
	next := (m.word(offActive).Load() + 1) & 1
	copy(m.slot(next), body)
	m.word(offActive).Store(next)
	m.word(offTerm).Store(w.Term)
	return nil
}

func (m memory) slot(i uint64) []byte {
	at := offSlots + int(i&1)*slotSize
	return m[at : at+slotSize]
}

// will reads the active slot. A worker that lives may write meanwhile, even twice:
// then the sum does not fit, and it is read again.
func (m memory) will() (Will, error) {
	const tries = 8
	var err error
	for range tries {
		buf := make([]byte, slotSize)
		copy(buf, m.slot(m.word(offActive).Load()))
		var w Will
		if w, err = readSlot(buf); err == nil {
			return w, nil
		}
	}
	return Will{}, err
}

func readSlot(buf []byte) (Will, error) {
	sum, n := binary.NativeEndian.Uint32(buf), binary.NativeEndian.Uint32(buf[4:])
	if sum == 0 && n == 0 {
		return Will{}, nil // never written
	}
	if int64(n) > int64(len(buf)-8) {
		return Will{}, fmt.Errorf("read will: length %d is beyond its slot", n)
	}
	body := buf[8 : 8+n]
	if crc32.Checksum(body, castagnoli) != sum {
		return Will{}, errors.New("read will: its checksum does not fit")
	}
	return parseWill(body)
}

// appendWill writes: term, then for each packet address (16 bytes), index of the
// interface if it is link-local, port, length, data.
func appendWill(b []byte, w Will) ([]byte, error) {
	if len(w.Packets) > MaxPackets {
		return nil, fmt.Errorf("publish will: %d packets, at most %d fit", len(w.Packets), MaxPackets)
	}
	b = binary.NativeEndian.AppendUint64(b, w.Term)
	for _, p := range w.Packets {
		if !p.To.IsValid() || len(p.Data) == 0 || len(p.Data) > MaxPacketSize {
			return nil, fmt.Errorf("publish will: packet of %d bytes to %s: 1 to %d bytes to an address are allowed", len(p.Data), p.To, MaxPacketSize)
		}
		index, err := zoneIndex(p.To.Addr().Zone())
		if err != nil {
			return nil, fmt.Errorf("publish will: packet to %s: %w", p.To, err)
		}
		addr := p.To.Addr().As16()
		b = append(b, addr[:]...)
		b = binary.NativeEndian.AppendUint32(b, index)
		b = binary.NativeEndian.AppendUint16(b, p.To.Port())
		b = binary.NativeEndian.AppendUint16(b, uint16(len(p.Data)))
		b = append(b, p.Data...)
	}
	return b, nil
}

var errShort = errors.New("read will: it ends in the middle of a packet")

func parseWill(b []byte) (Will, error) {
	const head = 24
	if len(b) < 8 {
		return Will{}, errShort
	}
	w := Will{Term: binary.NativeEndian.Uint64(b)}
	for b = b[8:]; len(b) > 0; {
		if len(w.Packets) == MaxPackets {
			return Will{}, fmt.Errorf("read will: more than %d packets", MaxPackets)
		}
		if len(b) < head {
			return Will{}, errShort
		}
		addr := netip.AddrFrom16([16]byte(b)).Unmap()
		if index := binary.NativeEndian.Uint32(b[16:]); index != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(index), 10))
		}
		port, n := binary.NativeEndian.Uint16(b[20:]), int(binary.NativeEndian.Uint16(b[22:]))
		if b = b[head:]; n == 0 || n > MaxPacketSize || n > len(b) {
			return Will{}, errShort
		}
		w.Packets = append(w.Packets, Packet{To: netip.AddrPortFrom(addr, port), Data: b[:n:n]})
		b = b[n:]
	}
	return w, nil
}

// zoneIndex is the number of the interface that a zone names, 0 without one.
func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	if ifi.Index < 0 || ifi.Index > math.MaxInt32 {
		return 0, fmt.Errorf("interface %s has no number", zone)
	}
	return uint32(ifi.Index), nil
}
