package vip

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// wire is a port that keeps what it is given, with the time since its birth.
type wire struct {
	began time.Time
	sent  []sent
	err   error // what the next frames meet
	dials int
	open  int
}

type sent struct {
	at    time.Duration
	frame []byte
}

func newWire() *wire { return &wire{began: time.Now()} }

func (w *wire) dial(link, func(claim)) (port, error) {
	w.dials++
	w.open++
	return w, nil
}

func (w *wire) send(frames [][]byte) (n, dropped int, err error) {
	if w.err != nil {
		return 0, 0, w.err
	}
	for _, frame := range frames {
		w.sent = append(w.sent, sent{time.Since(w.began), frame})
	}
	return len(frames), 0, nil
}

func (w *wire) caughtUp() (bool, error) { return true, nil }

func (w *wire) Close() error {
	w.open--
	return nil
}

// times returns when the frame was sent.
func (w *wire) times(frame []byte) (at []time.Duration) {
	for _, s := range w.sent {
		if bytes.Equal(s.frame, frame) {
			at = append(at, s.at)
		}
	}
	return at
}

func upLink() link { return link{index: 2, mac: [6]byte{2, 0, 0, 0, 0, 1}, up: true, ups: 1} }

func testAnnouncer(t *testing.T, w *wire) *announcer {
	t.Helper()
	a := newAnnouncer(Config{}.withDefaults(), w.dial, nil, func() float64 { return 0 }, &counters{})
	a.setLink(time.Now(), upLink())
	return a
}

// begin starts addresses as their owner does, without questions and probes.
func begin(t *testing.T, a *announcer, addrs ...netip.Addr) {
	t.Helper()
	must(t, a.prepare(addrs))
	a.start(time.Now(), addrs)
	a.run(time.Now())
}

// relink tells the announcer of a link as its owner does.
func relink(t *testing.T, a *announcer, l link) {
	t.Helper()
	var addrs []netip.Addr
	for addr := range a.vips {
		addrs = append(addrs, addr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	if a.setLink(time.Now(), l) {
		begin(t, a, addrs...)
	}
}

// drive calls the announcer as its owner does, for so long.
func drive(a *announcer, d time.Duration) {
	end := time.Now().Add(d)
	for {
		next := a.run(time.Now())
		if next.IsZero() || next.After(end) {
			pass(time.Until(end))
			return
		}
		pass(time.Until(next))
	}
}

// pass lets the time of a synctest bubble go by.
func pass(d time.Duration) { <-time.After(d) }

func manyVIPs(n int) []netip.Addr {
	var addrs []netip.Addr
	for i := range n {
		addrs = append(addrs, netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}))
	}
	return addrs
}

func TestAnnouncerFollowsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := testAnnouncer(t, w)
		begin(t, a, vip4, vip6)
		drive(a, 70*time.Second)
		want := append(Config{}.withDefaults().Burst, 35*time.Second, 65*time.Second)
		for i, f := range mustFrames(t, upLink().hardwareAddr(), vip4, vip6) {
			if diff := cmp.Diff(want, w.times(f)); diff != "" {
				t.Errorf("times of frame %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestAnnouncerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := testAnnouncer(t, w)
		begin(t, a, vip4)
		drive(a, 60*time.Millisecond)
		if len(w.sent) == 0 {
			t.Fatal("nothing was sent before the stop")
		}
		a.stop(vip4)
		w.sent = nil
		drive(a, time.Hour)
		if len(w.sent) != 0 {
			t.Errorf("%d frames were sent after the stop", len(w.sent))
		}
	})
}

// TestAnnouncerPaces has more addresses than the frame rate allows for.
func TestAnnouncerPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		w := newWire()
		a := testAnnouncer(t, w)
		begin(t, a, manyVIPs(n)...)
		if got, want := len(w.sent), 2*n; got != want {
			t.Fatalf("the first round has %d frames, want %d at once", got, want)
		}
		drive(a, 10*time.Second)
		perSecond := map[time.Duration]int{}
		for _, s := range w.sent[2*n:] {
			perSecond[s.at/time.Second]++
		}
		for s, frames := range perSecond {
			if frames > 220 { // 200, and what the bucket holds at first
				t.Errorf("%d frames in second %d, want at most 220", frames, s)
			}
		}
		times := map[string]int{}
		for _, s := range w.sent {
			times[string(s.frame)]++
		}
		for _, addr := range manyVIPs(n) {
			for i, f := range mustFrames(t, upLink().hardwareAddr(), addr) {
				if times[string(f)] < 2 {
					t.Errorf("frame %d of %s was sent %d times: others starve it", i, addr, times[string(f)])
				}
			}
		}
	})
}

// TestFirstRoundOvertakesPacedFrames claims an address while others use up the
// frame rate.
func TestFirstRoundOvertakesPacedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := testAnnouncer(t, w)
		begin(t, a, manyVIPs(500)...)
		drive(a, 500*time.Millisecond)
		l := upLink()
		l.ups++
		w.sent = nil
		relink(t, a, l)
		if got, want := len(w.sent), 1000; got != want {
			t.Errorf("%d frames were sent at once after the link came up, want %d", got, want)
		}
	})
}

func TestLinkStartsTheBurstAgain(t *testing.T) {
	up := upLink()
	again, moved, other := up, up, up
	again.ups++
	moved.index++
	other.mac[5]++
	down := link{index: up.index, mac: up.mac, ups: up.ups}
	for _, tc := range []struct {
		name  string
		links []link
		want  int // announcements in 300 ms
	}{
		{"same", []link{up}, 0},
		{"down", []link{down}, 0},
		{"down and up", []link{down, up}, 6},
		{"down and up, unseen", []link{again}, 6},
		{"made anew", []link{moved}, 6},
		{"other hardware address", []link{other}, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire()
				a := testAnnouncer(t, w)
				begin(t, a, vip4)
				drive(a, 10*time.Second)
				w.sent = nil
				for _, l := range tc.links {
					relink(t, a, l)
				}
				drive(a, 300*time.Millisecond)
				frames := mustFrames(t, tc.links[len(tc.links)-1].hardwareAddr(), vip4)
				if got := len(w.times(frames[0])); got != tc.want || len(w.sent) != 2*tc.want {
					t.Errorf("%d announcements, %d frames, want %d and %d", got, len(w.sent), tc.want, 2*tc.want)
				}
				if w.open > 1 {
					t.Errorf("%d sockets are open", w.open)
				}
			})
		})
	}
}

func TestAnnouncerTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		w.err = fmt.Errorf("send frame: %w", unix.ENETDOWN)
		a := testAnnouncer(t, w)
		begin(t, a, vip4)
		drive(a, 10*time.Second)
		if len(w.sent) != 0 {
			t.Fatalf("%d frames were sent over a dead link", len(w.sent))
		}
		if w.dials < 10 || w.dials > 20 {
			t.Errorf("%d attempts in 10 s, want one a second and a few more at first", w.dials)
		}
		w.err = nil
		drive(a, time.Second)
		if len(w.sent) == 0 {
			t.Error("nothing was sent within a second of the link's return")
		}
		if w.open != 1 {
			t.Errorf("%d sockets are open, want 1", w.open)
		}
	})
}
