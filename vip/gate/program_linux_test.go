package gate

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/amphora-lb/amphora/internal/testenv"
)

const (
	next = 0xffffffff // TCX_NEXT
	drop = 2          // TCX_DROP
)

// toHost is what the interface has for its own while a program is run by hand: the
// loopback's (bpf_prog_test_run_skb).
var toHost = net.HardwareAddr{0, 0, 0, 0, 0, 0}

type way int

const (
	in way = iota
	out
)

func (w way) String() string { return []string{"ingress", "egress"}[w] }

// programs is a gate whose programs are fed with frames.
type programs struct {
	*Gate
}

func newPrograms(t testing.TB) programs {
	t.Helper()
	p := programs{open(t, newHost(t), Config{Backend: BPF})}
	must(t, p.Protect([]netip.Addr{vip4, vip6}))
	must(t, p.Peers([]net.HardwareAddr{peerMAC}))
	return p
}

func (p programs) program(w way) *ebpf.Program {
	objs := p.enf.(*bpf).objs
	return []*ebpf.Program{objs.GateIngress, objs.GateEgress}[w]
}

// runnable reports whether the kernel runs a program with the frame: one that says
// it is IP must have a whole header (bpf_prog_test_run_skb).
func runnable(frame []byte) bool {
	if len(frame) < 14 {
		return false
	}
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherIPv4:
		return len(frame) >= 14+20
	case etherIPv6:
		return len(frame) >= 14+40
	}
	return true
}

func (p programs) run(t testing.TB, w way, frame []byte) uint32 {
	t.Helper()
	ret, err := p.program(w).Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		t.Fatalf("run %s with %x: %v", w, frame, err)
	}
	return ret
}

// states brings the gate into each of its states.
var states = []struct {
	verdict Verdict
	bring   func(t testing.TB, p programs)
}{
	{Expired, func(testing.TB, programs) {}},
	{IsOpen, func(t testing.TB, p programs) { extend(t, p.Gate, 5, time.Minute) }},
	{BelowFloor, func(t testing.TB, p programs) {
		extend(t, p.Gate, 5, time.Minute)
		raise(t, p.Dir(), 6)
	}},
	{Claimed, func(t testing.TB, p programs) {
		extend(t, p.Gate, 5, time.Minute)
		if got := p.run(t, in, arpFrame(peerMAC, 1, vip4, vip4)); got != next {
			t.Fatalf("a peer's claim: got %d", got)
		}
	}},
}

func raise(t testing.TB, dir string, term uint64) {
	t.Helper()
	f, err := OpenFloor(dir)
	must(t, err)
	must(t, f.Raise(term))
	must(t, f.Close())
}

var (
	unspecified = netip.IPv6Unspecified()
	allNodes    = netip.MustParseAddr("ff02::1")
	zero4       = netip.MustParseAddr("0.0.0.0")
)

// frames lists what concerns a virtual IP and must be stopped, and what does not.
var frames = []struct {
	name    string
	way     way
	guarded bool
	frame   []byte
}{
	{"ARP request for the VIP", in, true, arpFrame(strangerMAC, 1, other4, vip4)},
	{"ARP probe for the VIP", in, true, arpFrame(strangerMAC, 1, zero4, vip4)},
	{"ARP request for another", in, false, arpFrame(strangerMAC, 1, other4, other4)},
	{"ARP claim", in, false, arpFrame(strangerMAC, 2, vip4, vip4)},
	{"ARP request by the VIP", out, true, arpFrame(ownMAC, 1, vip4, other4)},
	{"ARP reply by the VIP", out, true, arpFrame(ownMAC, 2, vip4, other4)},
	{"gratuitous ARP", out, true, arpFrame(ownMAC, 1, vip4, vip4)},
	{"ARP question about the VIP", out, false, arpFrame(ownMAC, 1, other4, vip4)},
	{"ARP of another", out, false, arpFrame(ownMAC, 1, other4, other4)},
	{"IPv4 to the VIP", in, true, ipv4Frame(other4, vip4, 0)},
	{"IPv4 later fragment to the VIP", in, true, ipv4Frame(other4, vip4, 0x2003)},
	{"IPv4 from the VIP coming in", in, false, ipv4Frame(vip4, other4, 0)},
	{"IPv4 to another", in, false, ipv4Frame(other4, other4, 0)},
	{"IPv4 from the VIP", out, true, ipv4Frame(vip4, other4, 0)},
	{"IPv4 later fragment from the VIP", out, true, ipv4Frame(vip4, other4, 0x2003)},
	{"IPv4 to the VIP going out", out, false, ipv4Frame(other4, vip4, 0)},
	{"IPv6 to the VIP", in, true, ipv6Frame(strangerMAC, other6, vip6, 6)},
	{"IPv6 fragment to the VIP", in, true, ipv6Frame(strangerMAC, other6, vip6, 44, make([]byte, 8)...)},
	{"IPv6 to another", in, false, ipv6Frame(strangerMAC, other6, other6, 6)},
	{"IPv6 from the VIP", out, true, ipv6Frame(ownMAC, vip6, other6, 6)},
	{"IPv6 to the VIP going out", out, false, ipv6Frame(ownMAC, other6, vip6, 6)},
	{"NS for the VIP", in, true, ndFrame(strangerMAC, 135, other6, allNodes, vip6)},
	{"NS for the VIP, unicast", in, true, ndFrame(strangerMAC, 135, other6, vip6, vip6)},
	{"DAD for the VIP", in, true, ndFrame(strangerMAC, 135, unspecified, allNodes, vip6)},
	{"NS for another", in, false, ndFrame(strangerMAC, 135, other6, allNodes, other6)},
	{"NA claim", in, false, ndFrame(strangerMAC, 136, vip6, allNodes, vip6)},
	{"NS claim", in, false, ndFrame(strangerMAC, 135, vip6, allNodes, other6)},
	{"NA of another", in, false, ndFrame(strangerMAC, 136, other6, allNodes, other6)},
	{"other ICMPv6 naming the VIP", in, false, ndFrame(strangerMAC, 128, other6, allNodes, vip6)},
	{"NA for the VIP", out, true, ndFrame(ownMAC, 136, other6, allNodes, vip6)},
	{"NS by the VIP", out, true, ndFrame(ownMAC, 135, vip6, allNodes, other6)},
	{"NS for the VIP going out", out, false, ndFrame(ownMAC, 135, other6, allNodes, vip6)},
	{"other ICMPv6 naming the VIP", out, false, ndFrame(ownMAC, 128, other6, allNodes, vip6)},
}

func TestProgramsJudge(t *testing.T) {
	for _, s := range states {
		t.Run(string(s.verdict), func(t *testing.T) {
			p := newPrograms(t)
			for _, f := range frames {
				for tags, frame := range map[string][]byte{
					"": f.frame, " in a VLAN": tagged(f.frame, 0x8100), " in two VLANs": tagged(f.frame, 0x88a8, 0x8100),
				} {
					// Frames of the table may claim, so the state is brought about for each.
					atomic.StoreUint64(&p.enf.memory().floor.MinTerm, 0) // only a test lowers it
					s.bring(t, p)
					want := uint32(next)
					if f.guarded && s.verdict != IsOpen {
						want = drop
					}
					if got := p.run(t, f.way, frame); got != want {
						t.Errorf("%s%s at %s: got %#x, want %#x", f.name, tags, f.way, got, want)
					}
				}
			}
		})
	}
}

// What ends before the address that makes it ours passes: no receiver can take it
// for the address. What ends later is stopped.
func TestProgramsTruncated(t *testing.T) {
	p := newPrograms(t)
	for _, f := range frames {
		for _, frame := range [][]byte{f.frame, tagged(f.frame, 0x8100)} {
			for n := range len(frame) {
				if !runnable(frame[:n]) {
					continue
				}
				got := p.run(t, f.way, frame[:n])
				want := uint32(next)
				if model(f.way, frame[:n]) == stopped {
					want = drop
				}
				if got != want {
					t.Errorf("%s at %s, %d of %d bytes: got %#x, want %#x", f.name, f.way, n, len(frame), got, want)
				}
			}
		}
	}
}

type fate int

const (
	passes fate = iota
	stopped
)

// model says in other words than gate.c what a shut gate stops.
func model(w way, f []byte) fate {
	at := func(off, n int) []byte {
		if off+n > len(f) {
			return nil
		}
		return f[off : off+n]
	}
	is4 := func(off int) bool { return bytes.Equal(at(off, 4), vip4.AsSlice()) }
	is6 := func(off int) bool { return bytes.Equal(at(off, 16), vip6.AsSlice()) }
	l3 := 14
	kind := func() string { return hex.EncodeToString(at(l3-2, 2)) }
	for range 2 {
		if kind() == "8100" || kind() == "88a8" {
			l3 += 4
		}
	}
	icmp := func(kinds ...byte) bool {
		return bytes.Equal(at(l3+6, 1), []byte{58}) && len(at(l3+40, 1)) == 1 && bytes.IndexByte(kinds, f[l3+40]) >= 0
	}
	var yes bool
	switch fmt.Sprint(kind(), w) {
	case "0800" + "ingress":
		yes = is4(l3 + 16)
	case "0800" + "egress":
		yes = is4(l3 + 12)
	case "0806" + "ingress":
		yes = is4(l3+24) && !is4(l3+14)
	case "0806" + "egress":
		yes = is4(l3+14) && at(l3+14, 14) != nil
	case "86dd" + "ingress":
		yes = is6(l3+24) || icmp(135) && is6(l3+48) && !is6(l3+8)
	case "86dd" + "egress":
		yes = is6(l3+8) || icmp(136) && is6(l3+48)
	}
	if yes {
		return stopped
	}
	return passes
}

// TestProgramsOnGarbage feeds a shut gate with random frames, half of which are those of
// the table with some bytes changed, and compares with the model.
func TestProgramsOnGarbage(t *testing.T) {
	p := newPrograms(t)
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	seen := map[fate]int{}
	for range 20000 {
		var frame []byte
		if rnd.IntN(2) == 0 {
			frame = make([]byte, 14+rnd.IntN(120))
			for i := range frame {
				frame[i] = byte(rnd.Uint32())
			}
			binary.BigEndian.PutUint16(frame[12:], []uint16{etherARP, etherIPv4, etherIPv6, 0x8100}[rnd.IntN(4)])
			// Addresses at any place.
			copy(frame[14+rnd.IntN(len(frame)-13):], []string{string(vip4.AsSlice()), string(vip6.AsSlice())}[rnd.IntN(2)])
		} else {
			frame = bytes.Clone(frames[rnd.IntN(len(frames))].frame)
			for range rnd.IntN(3) {
				frame[rnd.IntN(len(frame))] = byte(rnd.Uint32())
			}
			frame = frame[:max(14, len(frame)-rnd.IntN(3)*rnd.IntN(20))]
		}
		if !runnable(frame) {
			continue
		}
		w := way(rnd.IntN(2))
		want := model(w, frame)
		seen[want]++
		if got := p.run(t, w, frame); (got == drop) != (want == stopped) {
			t.Fatalf("seed %d: %x at %s: got %#x, want stopped: %v", seed, frame, w, got, want == stopped)
		}
	}
	if seen[stopped] < 1000 || seen[passes] < 1000 {
		t.Errorf("the frames do not try both fates: %v", seen)
	}
}

func TestProgramsKillSwitch(t *testing.T) {
	claims := map[string]func(mac net.HardwareAddr) []byte{
		"gratuitous ARP": func(mac net.HardwareAddr) []byte { return arpFrame(mac, 1, vip4, vip4) },
		"ARP reply":      func(mac net.HardwareAddr) []byte { return arpFrame(mac, 2, vip4, other4) },
		"NA":             func(mac net.HardwareAddr) []byte { return ndFrame(mac, 136, other6, allNodes, vip6) },
		"NS":             func(mac net.HardwareAddr) []byte { return ndFrame(mac, 135, vip6, allNodes, other6) },
		"NA in a VLAN":   func(mac net.HardwareAddr) []byte { return tagged(ndFrame(mac, 136, vip6, allNodes, vip6), 0x8100) },
	}
	p := newPrograms(t)
	for name, claim := range claims {
		extend(t, p.Gate, 5, time.Minute)
		sent := now()
		p.run(t, in, claim(strangerMAC))
		if got := verdict(t, p.Gate); got != IsOpen {
			t.Errorf("%s by a stranger: the gate is %s", name, got)
		}
		p.run(t, out, claim(peerMAC))
		if got := verdict(t, p.Gate); got != IsOpen {
			t.Errorf("%s that goes out: the gate is %s", name, got)
		}
		p.run(t, in, claim(peerMAC))
		if got := verdict(t, p.Gate); got != Claimed {
			t.Errorf("%s by a peer: the gate is %s", name, got)
		}
		if got := p.run(t, in, ipv4Frame(other4, vip4, 0)); got != drop {
			t.Errorf("%s by a peer: the next packet got %d", name, got)
		}
		// A round sent before the claim proves nothing.
		if err := p.Extend(5, sent, now()+1e9); err == nil || verdict(t, p.Gate) != Claimed {
			t.Errorf("%s: a round sent before opened the gate: %v", name, err)
		}
		extend(t, p.Gate, 5, time.Minute)
		if got := verdict(t, p.Gate); got != IsOpen {
			t.Errorf("%s: after a round sent since, the gate is %s", name, got)
		}
	}
	s, err := p.Stats()
	must(t, err)
	n := uint64(len(claims))
	if s.Claims != n || s.Strangers != n || s.Ingress.DroppedClaimed != n {
		t.Errorf("counted %+v", s)
	}
	kills := 0
	list, torn := p.enf.memory().entries()
	for _, r := range list {
		if r.Kind == KindKill {
			kills++
		}
	}
	if kills != len(claims) || torn != 0 {
		t.Errorf("%d kills in the journal, want %d; %d torn", kills, len(claims), torn)
	}
}

// A claim in the very nanosecond in which a round was sent counts as one after it.
func TestKillAtTheInstantOfTheRound(t *testing.T) {
	p := newPrograms(t)
	extend(t, p.Gate, 1, time.Minute)
	m := p.enf.memory()
	for d, want := range map[int64]uint32{-1: next, 0: drop, 1: drop} {
		atomic.StoreUint64(&m.killed.At, uint64(m.current().sent+d))
		if got := p.run(t, in, ipv4Frame(other4, vip4, 0)); got != want {
			t.Errorf("claimed %d ns after the round: got %d, want %d", d, got, want)
		}
	}
}

// TestEventsOnlyWhileOpen: the announcements of the holder are no news to the others.
func TestEventsOnlyWhileOpen(t *testing.T) {
	p := newPrograms(t)
	run(t, p.Gate)
	p.run(t, in, arpFrame(peerMAC, 1, vip4, vip4))
	extend(t, p.Gate, 3, time.Minute)
	p.run(t, in, arpFrame(peerMAC, 1, vip4, vip4))
	p.run(t, in, arpFrame(peerMAC, 1, vip4, vip4))
	extend(t, p.Gate, 4, time.Minute)
	p.run(t, in, ndFrame(peerMAC, 136, vip6, allNodes, vip6))
	for _, want := range []Event{{Term: 3, VIP: vip4}, {Term: 4, VIP: vip6}} {
		select {
		case e := <-p.Forced():
			if e.Kind != KindKill || e.VIP != want.VIP || !bytes.Equal(e.MAC, peerMAC) {
				t.Errorf("told %+v, want %+v", e, want)
			}
		case <-time.After(deadline):
			t.Fatal("nothing was told")
		}
	}
}

// TestExpiry lets a lease run out while nothing runs but the program.
func TestExpiry(t *testing.T) {
	p := newPrograms(t)
	extend(t, p.Gate, 1, 50*time.Millisecond)
	if got := p.run(t, in, ipv4Frame(other4, vip4, 0)); got != next {
		t.Fatalf("while the lease lasts: %d", got)
	}
	testenv.Eventually(t, deadline, func() error {
		asked := now()
		got := p.run(t, in, ipv4Frame(other4, vip4, 0))
		until := p.enf.memory().current().until
		if asked >= until && got != drop {
			t.Fatalf("%d ns after the end: %d", asked-until, got)
		}
		if now() < until && got != next {
			t.Fatalf("before the end: %d", got)
		}
		if got != drop {
			return fmt.Errorf("still open")
		}
		return nil
	})
}

func BenchmarkPrograms(b *testing.B) {
	p := newPrograms(b)
	extend(b, p.Gate, 1, time.Minute)
	for name, c := range map[string]struct {
		way   way
		frame []byte
	}{
		"ingress/other/IPv4": {in, ipv4Frame(other4, other4, 0, make([]byte, 64)...)},
		"ingress/other/IPv6": {in, ipv6Frame(ownMAC, other6, other6, 6, make([]byte, 64)...)},
		"ingress/vip/IPv4":   {in, ipv4Frame(other4, vip4, 0, make([]byte, 64)...)},
		"egress/other/IPv4":  {out, ipv4Frame(other4, other4, 0, make([]byte, 64)...)},
		"egress/vip/IPv4":    {out, ipv4Frame(vip4, other4, 0, make([]byte, 64)...)},
	} {
		b.Run(name, func(b *testing.B) {
			extend(b, p.Gate, 1, time.Minute)
			ret, took, err := p.program(c.way).Benchmark(c.frame, b.N, nil)
			if err != nil || ret != next {
				b.Fatalf("got %d, %v", ret, err)
			}
			b.ReportMetric(float64(took.Nanoseconds()), "ns/packet")
		})
	}
}

func BenchmarkExtend(b *testing.B) {
	p := newPrograms(b)
	b.ReportAllocs()
	for b.Loop() {
		sent := now()
		if err := p.Extend(1, sent, sent+1e9); err != nil {
			b.Fatal(err)
		}
	}
}
