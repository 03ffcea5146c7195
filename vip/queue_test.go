package vip

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestQueuesKeepOrder compares the queues with a list that is sorted anew each
// time.
func TestQueuesKeepOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queues
		var all []*task
		began := time.Unix(0, 0)
		number := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				number++
				n := &task{number: number}
				all = append(all, n)
				n.due = began.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "due")))
				n.rank = rank(rapid.IntRange(0, int(later)).Draw(t, "rank"))
				q.add(n)
			},
			"move": func(t *rapid.T) {
				if len(all) == 0 {
					t.Skip("nothing to move")
				}
				n := rapid.SampledFrom(all).Draw(t, "task")
				n.due = began.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "due")))
				n.rank = rank(rapid.IntRange(0, int(later)).Draw(t, "rank"))
				q.add(n)
			},
			"drop": func(t *rapid.T) {
				if len(all) == 0 {
					t.Skip("nothing to drop")
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "task")
				q.drop(all[i])
				q.drop(all[i])
				all = slices.Delete(all, i, i+1)
			},
			"": func(t *rapid.T) {
				var next time.Time
				for r := range ranks {
					var first *task
					for _, n := range all {
						if n.rank == r && (first == nil || n.due.Before(first.due) || n.due.Equal(first.due) && n.number < first.number) {
							first = n
						}
						if next.IsZero() || n.due.Before(next) {
							next = n.due
						}
					}
					if got := q.head(r); got != first {
						t.Fatalf("head of rank %d is %+v, want %+v", r, got, first)
					}
				}
				if got := q.next(); !got.Equal(next) {
					t.Fatalf("next is %v, want %v", got, next)
				}
				if q.pending() != (len(all) > 0) {
					t.Fatalf("pending is %v with %d tasks", q.pending(), len(all))
				}
			},
		})
	})
}

// TestThousandsAreRepeatedFairly has so many addresses that 30 s do not suffice to
// repeat them all.
func TestThousandsAreRepeatedFairly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		const round = n * framesPerVIP / 200 * time.Second // at the frame rate
		w := newWire()
		a := testAnnouncer(t, w)
		gateway := netip.MustParseAddr("198.19.0.1")
		a.ask.peers = []peer{{addr: gateway, gateway: true}}
		vips := manyVIPs(n)
		begin(t, a, vips...)
		a.inquire(time.Now(), vips)
		a.run(time.Now())
		for _, vip := range vips {
			a.answer(time.Now(), claim{addr: gateway, to: vip, reply: true})
		}
		drive(a, 10*time.Minute)

		at := map[netip.Addr][]time.Duration{}
		perSecond := map[time.Duration]int{}
		for i, s := range w.sent {
			from := netip.AddrFrom4([4]byte(s.frame[28:32]))
			if i >= (framesPerVIP+1)*n { // after the first round and the first questions
				perSecond[s.at/time.Second]++
			}
			if isReply := s.frame[21] == 2; isReply {
				at[from] = append(at[from], s.at)
			}
		}
		for s, frames := range perSecond {
			if frames > 220 {
				t.Errorf("%d frames in second %d, want at most 220", frames, s)
			}
		}
		for _, vip := range vips {
			times := at[vip]
			if len(times) < 6 {
				t.Fatalf("%s was announced at %v only", vip, times)
			}
			for i := 1; i < len(times); i++ {
				gap, longest := times[i]-times[i-1], round*13/10
				if i < 5 {
					longest = 3 * round // the probes of the claim want their share
				}
				if gap > longest || i > 2 && gap < 27*time.Second {
					t.Fatalf("%s was announced at %v: the pause of %v is not between 27 s and %v", vip, times, gap, longest)
				}
			}
			if first := at[vips[0]]; len(times) < len(first)-1 || len(times) > len(first)+1 {
				t.Errorf("%s was announced %d times, %s %d times", vip, len(times), vips[0], len(first))
			}
		}

		// One more gets its burst as if it were alone.
		w.sent, w.began = nil, time.Now()
		must(t, a.prepare(append(vips, vip4)))
		a.start(time.Now(), []netip.Addr{vip4})
		drive(a, 300*time.Millisecond)
		want := Config{}.withDefaults().Burst[:6]
		got := w.times(mustFrames(t, upLink().hardwareAddr(), vip4)[0])
		inTime := func(want, got time.Duration) bool { return got >= want && got <= want+10*time.Millisecond }
		if !slices.EqualFunc(want, got, inTime) {
			t.Errorf("one among thousands is announced at %v, want %v or 10 ms later", got, want)
		}
	})
}

func TestFirstRoundKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a := testAnnouncer(t, w)
		vips := manyVIPs(200)
		slices.Reverse(vips)
		begin(t, a, vips...)
		var want [][]byte
		for _, vip := range vips {
			want = append(want, mustFrames(t, upLink().hardwareAddr(), vip)...)
		}
		var got [][]byte
		for _, s := range w.sent {
			got = append(got, s.frame)
		}
		if !slices.EqualFunc(want, got, bytes.Equal) {
			t.Error("the first round is not in the order told")
		}
	})
}

// BenchmarkWakeUp sends one paced announcement out of so many addresses.
func BenchmarkWakeUp(b *testing.B) {
	for _, n := range []int{10, 1000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := &nowhere{}
			a := newAnnouncer(Config{}.withDefaults(), w.dial, nil, func() float64 { return 0 }, &counters{})
			now := time.Now()
			a.setLink(now, upLink())
			vips := make([]netip.Addr, 0, n)
			for i := range n {
				vips = append(vips, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
			}
			if err := a.prepare(vips); err != nil {
				b.Fatal(err)
			}
			a.start(now, vips)
			for next := a.run(now); b.Loop(); next = a.run(next) {
				_ = next
			}
		})
	}
}

// nowhere is a port whose frames are lost.
type nowhere struct{}

func (w *nowhere) dial(link, func(claim)) (port, error) { return w, nil }

func (*nowhere) send(frames [][]byte) (n, dropped int, err error) { return len(frames), 0, nil }

func (*nowhere) caughtUp() (bool, error) { return true, nil }

func (*nowhere) Close() error { return nil }
