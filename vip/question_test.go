package vip

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	gateway4 = peer{addr: netip.MustParseAddr("192.0.2.254"), mac: net.HardwareAddr{2, 0, 0, 0, 1, 0xfe}, gateway: true}
	host4    = peer{addr: netip.MustParseAddr("192.0.2.7"), mac: net.HardwareAddr{2, 0, 0, 0, 1, 7}}
	gateway6 = peer{addr: netip.MustParseAddr("fe80::1"), gateway: true}
)

// questioned returns an announcer that has started vips and asks peers.
func questioned(t *testing.T, w *wire, peers []peer, vips ...netip.Addr) *announcer {
	t.Helper()
	a := testAnnouncer(t, w)
	a.ask.peers = peers
	begin(t, a, vips...)
	a.inquire(time.Now(), vips)
	return a
}

func mustFrame(t *testing.T, frame []byte, err error) []byte {
	t.Helper()
	must(t, err)
	return frame
}

func TestQuestionsAreRepeatedUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := questioned(t, w, []peer{gateway4, host4, gateway6}, vip4, vip6)
		drive(a, 5*time.Second)
		mac := upLink().hardwareAddr()
		ask := func(vip netip.Addr, p peer, to net.HardwareAddr) []time.Duration {
			frame, err := questionFrame(vip, mac, p.addr, to)
			return w.times(mustFrame(t, frame, err))
		}
		const ms = time.Millisecond
		all := []time.Duration{0, 10 * ms, 40 * ms, 160 * ms, 640 * ms}
		for _, tc := range []struct {
			what      string
			want, got []time.Duration
		}{
			{"gateway at its known address", all[:2], ask(vip4, gateway4, gateway4.mac)},
			{"gateway by broadcast", all[2:], ask(vip4, gateway4, nil)},
			{"neighbour", all, ask(vip4, host4, host4.mac)},
			{"neighbour by broadcast", nil, ask(vip4, host4, nil)},
			{"IPv6 gateway", all, ask(vip6, gateway6, nil)},
		} {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("questions to %s (-want +got):\n%s", tc.what, diff)
			}
		}
		same(t, "silent", []netip.Addr{host4.addr, gateway4.addr, gateway6.addr}, a.ask.silence())
		for _, vip := range []netip.Addr{vip4, vip6} {
			frame, err := probeFrame(vip, mac)
			same(t, "probes", []time.Duration{0, 20 * ms, 40 * ms}, w.times(mustFrame(t, frame, err)))
		}
		same(t, "tasks that are left", 2, len(a.queues[atOnce])+len(a.queues[soon])+len(a.queues[later]))
	})
}

func TestAnswersEndTheQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := questioned(t, w, []peer{gateway4, host4}, vip4)
		frame, err := questionFrame(vip4, upLink().hardwareAddr(), gateway4.addr, gateway4.mac)
		question := mustFrame(t, frame, err)
		drive(a, 5*time.Millisecond)
		for _, c := range []claim{
			{addr: gateway4.addr, to: vip6, reply: true},
			{addr: netip.MustParseAddr("192.0.2.9"), to: vip4, reply: true},
			{addr: host4.addr, to: vip4, reply: true},
		} {
			if a.answer(time.Now(), c) {
				t.Errorf("%+v counts as the answer of the gateway", c)
			}
		}
		if !a.answer(time.Now(), claim{addr: gateway4.addr, to: vip4, reply: true}) {
			t.Error("the answer of the gateway does not count")
		}
		if got := time.Since(a.ask.answered); got != 0 {
			t.Errorf("the gateway answered %v ago, want now", got)
		}
		if a.answer(time.Now(), claim{addr: gateway4.addr, to: vip4, reply: true}) {
			t.Error("a second answer counts")
		}
		drive(a, 5*time.Second)
		same(t, "questions", 1, len(w.times(question)))
		same(t, "silent", []netip.Addr(nil), a.ask.silence())
		same(t, "asked and answered", "2 2", fmt.Sprint(a.stats.asked.Load(), a.stats.answered.Load()))
	})
}

func TestAnswerAfterTheLastRoundStillCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := questioned(t, w, []peer{gateway4}, vip4)
		drive(a, time.Second)
		same(t, "silent", []netip.Addr(nil), a.ask.silence())
		a.answer(time.Now(), claim{addr: gateway4.addr, to: vip4, reply: true})
		drive(a, time.Second)
		same(t, "silent", []netip.Addr(nil), a.ask.silence())
	})
}

func TestStopEndsQuestionsAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := questioned(t, w, []peer{gateway4, host4}, vip4)
		a.stop(vip4)
		w.sent = nil
		drive(a, time.Hour)
		same(t, "frames after the stop", 0, len(w.sent))
		same(t, "open questions", 0, a.ask.open)
		if a.queues.pending() {
			t.Error("a task is left")
		}
	})
}

// TestManyVIPsAskFewNeighbours keeps the questions of a claim within bounds.
func TestManyVIPsAskFewNeighbours(t *testing.T) {
	for _, tc := range []struct{ vips, hot, want int }{
		{1, 100, 1 + 64},
		{1, 3, 1 + 3},
		{16, 100, 16 * (1 + 64)},
		{100, 100, 100 * (1 + 10)},
		{2000, 100, 2000},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			peers := []peer{gateway4}
			for i := range tc.hot {
				peers = append(peers, peer{addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), mac: host4.mac})
			}
			a := questioned(t, w, peers, manyVIPs(tc.vips)...)
			a.run(time.Now())
			if got := int(a.stats.asked.Load()); got != tc.want {
				t.Errorf("%d VIPs, %d neighbours: %d questions at once, want %d", tc.vips, tc.hot, got, tc.want)
			}
		})
	}
}

// A VIP in the neighbour table, from the time when another node held it, is not
// asked.
func TestVIPsAreNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vips := manyVIPs(2)
		a := questioned(t, newWire(), []peer{{addr: vips[1], mac: host4.mac}, host4}, vips...)
		var asked []netip.Addr
		for addr := range a.vips[vips[0]].questions {
			asked = append(asked, addr)
		}
		if !slices.Equal(asked, []netip.Addr{host4.addr}) {
			t.Errorf("asked are %v, want %s", asked, host4.addr)
		}
	})
}
