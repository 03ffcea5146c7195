package vip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReconcileWithoutEvents(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.change(func() { k.quiet = true })
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { delete(k.addrs, vip4); k.addrs[vip6] = hostAddr{Protocol, 128, time.Now().Add(time.Hour)} })
		pass(3 * time.Second)
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
	})
}

// TestFightOverAnAddress has somebody who removes the address whenever he sees it.
func TestFightOverAnAddress(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		k.change(func() { k.thief = true })
		hold(t, h, 1, vip4)
		pass(time.Minute)
		synctest.Wait()
		puts := 0
		for _, line := range k.take() {
			if strings.HasPrefix(line, "put") {
				puts++
			}
		}
		if puts < 20 || puts > 40 {
			t.Errorf("the address was added %d times in a minute, want one in about 3 s", puts)
		}
		k.change(func() { k.thief = false })
		pass(20 * time.Second)
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
		k.change(func() { delete(k.addrs, vip4) })
		pass(minCalm)
		synctest.Wait()
		same(t, "addresses after the fight is over", []netip.Addr{vip4}, k.ours())
	})
}

func TestAddressNeverExpiresWhileHeld(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		pass(10 * time.Minute)
		synctest.Wait()
		refreshed := 0
		for _, line := range k.take() {
			switch {
			case strings.HasPrefix(line, "expire"):
				t.Error(line)
			case strings.HasSuffix(line, "refresh=true"):
				refreshed++
			}
		}
		if refreshed < 40 || refreshed > 60 {
			t.Errorf("refreshed %d times in 10 min, want one in 10 to 15 s", refreshed)
		}
	})
}

func TestReleaseWaitsForTheKernel(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		busy := errors.New("kernel is busy")
		for _, op := range []string{"look", "remove"} {
			k.change(func() { k.failing[op] = busy })
			synctest.Wait()
			k.take()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			err := h.Release(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, busy) {
				t.Errorf("release while %s fails: got %v, want %v and %v", op, err, context.DeadlineExceeded, busy)
			}
			same(t, "announcements while "+op+" fails", []string{}, k.take())
			hold(t, h, 1, vip4)
			k.change(func() { delete(k.failing, op) })
			pass(time.Second)
		}

		k.change(func() { k.failing["remove"] = busy })
		released := make(chan error, 1)
		go func() { released <- h.Release(t.Context()) }()
		pass(10 * time.Second)
		select {
		case err := <-released:
			t.Fatalf("release returned %v while the address is there", err)
		default:
		}
		k.change(func() { delete(k.failing, "remove") })
		must(t, <-released)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

func TestAddThatFailsIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		refused := errors.New("refused")
		k.change(func() { k.failing["put"] = refused })
		hold(t, h, 1, vip4)
		pass(time.Second)
		if v := h.View(); v.Addrs[0].Present || !errors.Is(v.Addrs[0].Err, refused) {
			t.Errorf("view is %+v, want %v", v, refused)
		}
		same(t, "journal", []string{}, k.take())
		k.change(func() { k.quiet = true; delete(k.failing, "put") })
		pass(retry)
		synctest.Wait()
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err != nil {
			t.Errorf("view is %+v", v)
		}
	})
}

// What goes on being wrong is logged when it begins, not at every look.
func TestTroubleIsLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() {
			k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}}
			k.failing["put"] = errors.New("refused")
		})
		pass(20 * time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("logged %d times that the address is disputed, want once:\n%s", n, &log)
		}
		k.change(func() { k.others = nil })
		pass(8 * time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "refused"); n != 1 {
			t.Errorf("logged %d times that the lifetime is not refreshed, want once:\n%s", n, &log)
		}
		k.change(func() { delete(k.failing, "put") })
		pass(retry)
		synctest.Wait()
		if v := h.View(); v.Addrs[0].Err != nil {
			t.Errorf("view still has %v", v.Addrs[0].Err)
		}
	})
}

// An address that somebody puts in the place of ours is theirs.
func TestReplacedAddressIsNotAnnounced(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}} })
		pass(time.Second)
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err == nil {
			t.Errorf("beside ours: view is %+v, want it present and disputed", v)
		}
		k.change(func() { delete(k.addrs, vip4) })
		pass(minCalm)
		synctest.Wait()
		k.take()
		pass(time.Minute)
		synctest.Wait()
		same(t, "journal", []string{}, k.take())
		if v := h.View(); v.Addrs[0].Present || v.Addrs[0].Err == nil {
			t.Errorf("in the place of ours: view is %+v, want it absent and disputed", v)
		}
		k.change(func() { k.others = nil })
		pass(minCalm)
		synctest.Wait()
		same(t, "journal", []string{"put 192.0.2.100 refresh=false", "send 192.0.2.100"}, k.take())
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err != nil {
			t.Errorf("after it: view is %+v", v)
		}
	})
}

func TestEndOfRun(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		stop := start(t, h)
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		stop()
		same(t, "addresses", []netip.Addr{}, k.ours())
		must(t, h.Release(t.Context()))
		if err := h.Run(t.Context()); err == nil {
			t.Error("a second Run returned no error")
		}
	})
}

func TestEndOfRunReportsWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		hold(t, h, 1, vip4)
		synctest.Wait()
		stuck := errors.New("stuck")
		k.change(func() { k.failing["remove"] = stuck })
		cancel()
		if err := <-ended; !errors.Is(err, stuck) {
			t.Errorf("run ended with %v, want %v", err, stuck)
		}
		if err := h.Release(t.Context()); !errors.Is(err, stuck) {
			t.Errorf("release after the run: got %v, want %v", err, stuck)
		}
	})
}

func TestChangesSignalsEveryNewView(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		<-h.Changes()
		pass(time.Minute)
		select {
		case <-h.Changes():
			t.Error("a signal came without a change")
		default:
		}
		k.change(func() { k.gone = true })
		<-h.Changes()
		if v := h.View(); !errors.Is(v.Err, errNoInterface) || v.Addrs[0].Present {
			t.Errorf("view is %+v, want %v", v, errNoInterface)
		}
	})
}

// TestYield keeps the addresses for as long as it takes, in silence, while the next
// holder announces them; nothing comes back that is taken away.
func TestYield(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		h.Yield() // it holds nothing yet
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		k.take()

		h.Yield()
		synctest.Wait()
		h.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 9}, to: vip4})
		pass(10 * time.Minute)
		synctest.Wait()
		for _, line := range k.take() {
			if !strings.HasSuffix(line, "refresh=true") {
				t.Errorf("after Yield: %s", line)
			}
		}
		same(t, "addresses", []netip.Addr{vip4, vip6}, k.ours())
		v := h.View()
		if v.Holding || v.Addrs[0].Present || v.Addrs[0].Err != nil || v.Addrs[0].Rival != nil {
			t.Errorf("view is %+v, want nothing held and nothing disputed", v)
		}
		if strings.Contains(log.String(), "claimed by another host") {
			t.Errorf("the next holder is taken for a rival:\n%s", &log)
		}
		k.change(func() { delete(k.addrs, vip6) })
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{vip4}, k.ours())

		must(t, h.Release(t.Context()))
		same(t, "addresses", []netip.Addr{}, k.ours())
		h.Yield() // nor does it hold any more
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

// TestHoldAfterYield announces anew what is still there, also when no pass came
// between: the segment may know another host by then.
func TestHoldAfterYield(t *testing.T) {
	for _, between := range []time.Duration{0, time.Second} {
		t.Run(between.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *Holder, k *host) {
				start(t, h)
				hold(t, h, 1, vip4)
				pass(time.Minute)
				synctest.Wait()
				k.take()
				h.Yield()
				if between > 0 {
					pass(between)
					synctest.Wait()
				}
				must(t, h.Hold(3))
				synctest.Wait()
				same(t, "claim", []string{"send 192.0.2.100"}, k.take())
				v := h.View()
				if !v.Holding || !v.Addrs[0].Present || v.Claim.Term != 3 || v.Claim.Added.IsZero() || v.Claim.Announced.IsZero() {
					t.Errorf("view is %+v", v)
				}
			})
		})
	}
}

// TestAnyHistoryEndsAsTold gives random orders while others change the host, and
// compares when all is quiet.
func TestAnyHistoryEndsAsTold(t *testing.T) {
	all := append(manyVIPs(6), vip6)
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *Holder, k *host) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				start(t, h)
				var want []netip.Addr
				term := uint64(1)
				released := make(chan error, 40)
				waiting := 0
				for range 40 {
					some := slices.Clone(all)
					rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
					some = some[:rnd.IntN(len(some))]
					one := all[rnd.IntN(len(all))]
					switch rnd.IntN(9) {
					case 0:
						term++
						hold(t, h, term, some...)
						want = some
					case 1:
						must(t, h.Update(some))
						if h.told().wish == wantAll {
							want = some
						}
					case 2:
						waiting++
						go func() { released <- h.Release(context.Background()) }()
						synctest.Wait()
						want = nil
					case 3:
						k.change(func() { delete(k.addrs, one) })
					case 4:
						k.change(func() { k.addrs[one] = hostAddr{Protocol, one.BitLen(), time.Now().Add(time.Hour)} })
					case 5:
						k.change(func() { k.quiet = !k.quiet })
					case 6:
						op := []string{"look", "put", "remove"}[rnd.IntN(3)]
						k.change(func() { k.failing[op] = errors.New(op + " fails") })
					case 7:
						k.change(func() { clear(k.failing) })
						pass(time.Duration(rnd.IntN(1000)) * time.Millisecond)
					case 8:
						h.Yield()
					}
				}
				k.change(func() { clear(k.failing) })
				pass(5 * time.Second)
				synctest.Wait()
				for range waiting {
					must(t, <-released)
				}
				want = slices.Clone(want)
				slices.SortFunc(want, netip.Addr.Compare)
				if told := h.told(); told.wish == wantKept {
					for _, addr := range k.ours() {
						if !slices.Contains(told.set, addr) {
							t.Errorf("%s is still there, and no VIP any more", addr)
						}
					}
				} else {
					same(t, "addresses", want, k.ours())
				}
				for _, a := range h.View().Addrs {
					if a.Present != (h.told().wish == wantAll) || a.Err != nil {
						t.Errorf("view of %s is %+v", a.Addr, a)
					}
				}
			})
		})
	}
}
