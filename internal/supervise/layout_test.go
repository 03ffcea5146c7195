package supervise

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var equal = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.AddrPort{})}

func drawWill(t *rapid.T) Will {
	w := Will{Term: rapid.Uint64().Draw(t, "term")}
	for range rapid.IntRange(0, MaxPackets).Draw(t, "packets") {
		var addr netip.Addr
		if rapid.Bool().Draw(t, "four") {
			addr = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr")))
		} else {
			addr = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr"))).Unmap()
			if addr.IsLinkLocalUnicast() && addr.Is6() {
				addr = addr.WithZone("3")
			}
		}
		w.Packets = append(w.Packets, Packet{
			To:   netip.AddrPortFrom(addr, rapid.Uint16().Draw(t, "port")),
			Data: rapid.SliceOfN(rapid.Byte(), 1, MaxPacketSize).Draw(t, "data"),
		})
	}
	return w
}

func TestWillRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := make(memory, pageSize)
		for range rapid.IntRange(1, 3).Draw(t, "writes") {
			want := drawWill(t)
			if err := m.setWill(want); err != nil {
				t.Fatal(err)
			}
			got, err := m.will()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, equal); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// Whatever a worker has written of its next will when it dies, the last one that was
// complete is there.
func TestWillTorn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := make(memory, pageSize)
		want := drawWill(t)
		if err := m.setWill(want); err != nil {
			t.Fatal(err)
		}
		rest := rapid.SliceOfN(rapid.Byte(), 0, slotSize).Draw(t, "torn")
		copy(m.slot(m.word(offActive).Load()+1), rest)
		got, err := m.will()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWillThatDoesNotFit(t *testing.T) {
	for name, bad := range map[string]Packet{
		"too long":   {To: peerA, Data: make([]byte, MaxPacketSize+1)},
		"empty":      {To: peerA},
		"no address": {Data: []byte("a")},
		"no zone":    {To: netip.MustParseAddrPort("[fe80::1%nonesuch]:1"), Data: []byte("a")},
	} {
		s := newStage()
		p := page(s)
		if err := p.Publish(Will{Term: 7, Packets: []Packet{bad}}); err == nil {
			t.Errorf("%s: published", name)
		}
		// The term is in force all the same: the gate must be shut for it.
		if w, err := s.mem.will(); err != nil || s.mem.term(w) != 7 || len(w.Packets) != 0 {
			t.Errorf("%s: got will %v, %v for term %d", name, w, err, s.mem.term(w))
		}
	}
	if err := page(newStage()).Publish(Will{Term: 7, Packets: make([]Packet, MaxPackets+1)}); err == nil {
		t.Error("too many packets: published")
	}
	if err := page(newStage()).Describe(Settings{Gate: strings.Repeat("x", 300)}); err == nil {
		t.Error("long directory: described")
	}
}

// TestWillWhileItIsWritten reads through one mapping what is written through
// another, as the two processes do.
func TestWillWhileItIsWritten(t *testing.T) {
	file, reader, err := createPage()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	writer, err := mapPage(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 2000
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint64(rounds) {
			data := bytes.Repeat([]byte{byte(i)}, MaxPacketSize)
			if err := writer.setWill(Will{Term: i, Packets: []Packet{{To: peerA, Data: data}, {To: peerB, Data: data}}}); err != nil {
				t.Error(err)
			}
		}
	})
	defer done.Wait()
	for reader.word(offTerm).Load() < rounds-1 {
		w, err := reader.will()
		if err != nil {
			continue // the writer was twice as fast eight times; a real one writes once a second
		}
		for _, p := range w.Packets {
			if p.Data[0] != byte(w.Term) || p.Data[len(p.Data)-1] != byte(w.Term) {
				t.Fatalf("will of term %d holds a packet of another", w.Term)
			}
		}
	}
}

// FuzzPage shows the supervisor any page at all.
func FuzzPage(f *testing.F) {
	m := make(memory, pageSize)
	if err := errors.Join(page(&stage{guard: &guard{mem: m}}).Describe(Settings{Interface: "eth0", Gate: "/pins"}), m.setWill(testWill(7))); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(m[:offGate+16]), m.slot(0)[:128], m.slot(1)[:128])
	f.Fuzz(func(t *testing.T, head, slot0, slot1 []byte) {
		s := newStage()
		copy(s.mem[:offSlots], head)
		copy(s.mem.slot(0), slot0)
		copy(s.mem.slot(1), slot1)
		if d := s.mem.limit(); d < 20*time.Millisecond || d > time.Minute {
			t.Errorf("limit %v", d)
		}
		if set := s.mem.settings(); len(set.Interface) > maxIface || len(set.Gate) > maxGate {
			t.Errorf("settings %+v", set)
		}
		for _, slot := range [][]byte{slot0, slot1} {
			if w, err := parseWill(slot); err == nil && len(w.Packets) > MaxPackets {
				t.Errorf("%d packets", len(w.Packets))
			}
		}
		s.prepare()
		s.act(false, "fuzz")
		s.act(true, "fuzz")
		if len(s.calls) > 6+copies*2*MaxPackets {
			t.Errorf("%d calls", len(s.calls))
		}
	})
}

func TestNilPage(t *testing.T) {
	p, err := Attach("")
	if p != nil || err != nil {
		t.Fatalf("got %v, %v without a supervisor", p, err)
	}
	p.Beat()
	p.Ready()
	if err := errors.Join(p.Describe(Settings{}), p.Publish(testWill(1))); err != nil {
		t.Error(err)
	}
}

func TestAttachRefuses(t *testing.T) {
	for _, fd := range []string{"x", "0", "-1", "9999"} {
		if _, err := Attach(fd); err == nil || !strings.Contains(err.Error(), EnvFD+"="+fd) {
			t.Errorf("%s: got %v", fd, err)
		}
	}
}
