package vip

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOrderOfClaimAndRelease(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 3, vip6, vip4, vip4)
		synctest.Wait()
		same(t, "claim", []string{"put 2001:db8::100 refresh=false", "put 192.0.2.100 refresh=false", "send 2001:db8::100", "send 192.0.2.100"}, k.take())
		v := h.View()
		if v.Term != 3 || !v.Holding || len(v.Addrs) != 2 || !v.Addrs[0].Present || !v.Addrs[1].Present {
			t.Errorf("view is %+v", v)
		}
		pass(time.Minute)
		synctest.Wait()
		k.take()

		must(t, h.Release(t.Context()))
		same(t, "release", []string{"remove 192.0.2.100", "remove 2001:db8::100"}, k.take())
		pass(time.Minute)
		synctest.Wait()
		same(t, "after the release", []string{}, k.take())
		if v := h.View(); v.Holding || len(v.Addrs) != 2 || v.Addrs[0].Present || v.Addrs[1].Present {
			t.Errorf("view is %+v", v)
		}
	})
}

// TestClaimDoesNotLook claims what the last pass has prepared. A look follows.
func TestClaimDoesNotLook(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.peers = []peer{gateway4}
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4, vip6}))
		pass(time.Second)
		synctest.Wait()
		looks := k.looks
		must(t, h.Hold(1))
		synctest.Wait()
		same(t, "claim", []string{
			"put 192.0.2.100 refresh=false", "put 2001:db8::100 refresh=false",
			"send 192.0.2.100", "send 2001:db8::100", "ask 192.0.2.254 for 192.0.2.100",
		}, k.take())
		same(t, "looks during the claim", 0, k.looks-looks)
		v := h.View()
		if c := v.Claim; c.Term != 1 || c.Told.IsZero() || !c.Added.Equal(c.Told) || !c.Announced.Equal(c.Told) || !c.Answered.IsZero() {
			t.Errorf("claim is %+v, want all but the answer at once", c)
		}
		pass(time.Millisecond)
		k.hear(claim{addr: gateway4.addr, to: vip4, reply: true})
		synctest.Wait()
		if c := h.View().Claim; c.Answered.Sub(c.Told) != time.Millisecond {
			t.Errorf("claim is %+v, want an answer after 1 ms", c)
		}
		pass(minCalm)
		synctest.Wait()
		same(t, "looks after the claim", 1, k.looks-looks)
		same(t, "probes", []netip.Addr{vip4, vip6}, k.probed[:2])
		same(t, "groups", []netip.Addr{solicitedNode(vip6)}, k.groups)
	})
}

// TestClaimLeavesOutWhatIsTaken knows from the last pass that an address is on
// this host from somebody else.
func TestClaimLeavesOutWhatIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}}
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4, vip6}))
		pass(time.Second)
		must(t, h.Hold(1))
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip6}, k.ours())
		if v := h.View().Addrs; v[0].Present || v[0].Err == nil || !v[1].Present {
			t.Errorf("view is %+v", v)
		}
	})
}

func TestRival(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		rival := func() string {
			synctest.Wait()
			a := h.View().Addrs[0]
			if (a.Rival == nil) != (a.Err == nil) {
				t.Errorf("rival %v and error %v", a.Rival, a.Err)
			}
			return a.Rival.String()
		}
		k.hear(claim{addr: vip4, mac: upLink().mac})
		k.hear(claim{addr: host4.addr, mac: [6]byte{2, 0, 0, 0, 0, 0x66}})
		same(t, "rival after frames that are none", "", rival())
		for i := range 100 {
			k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, byte(0x60 + i%2)}})
			synctest.Wait()
		}
		same(t, "rival", "02:00:00:00:00:61", rival())
		if n := strings.Count(log.String(), "claimed by another host"); n < 1 || n > 5 {
			t.Errorf("logged %d times, want a few:\n%s", n, &log)
		}
		pass(rivalTime / 2)
		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		pass(rivalTime - time.Second)
		same(t, "rival within a minute", "02:00:00:00:00:61", rival())
		pass(10 * time.Second)
		same(t, "rival after it", "", rival())

		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		must(t, h.Release(t.Context()))
		same(t, "rival of what is not held", "", rival())
		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		same(t, "rival of what is not held", "", rival())
	})
}

func TestOldTermIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 5, vip4)
		must(t, h.Release(t.Context()))
		if err := h.Hold(4); !errors.Is(err, ErrStaleTerm) {
			t.Errorf("hold of an older term: got %v, want %v", err, ErrStaleTerm)
		}
		synctest.Wait()
		same(t, "addresses", []netip.Addr{}, k.ours())
		hold(t, h, 5, vip4)
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
	})
}

func TestBadAddressesChangeNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		for _, bad := range []netip.Addr{
			{},
			netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("224.0.0.18"), netip.MustParseAddr("ff02::1"),
			netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("255.255.255.255"),
		} {
			addrs := []netip.Addr{vip6, bad}
			if err := h.Update(addrs); err == nil || !strings.Contains(err.Error(), bad.String()) {
				t.Errorf("update with %s: got %v, want an error that names it", bad, err)
			}
		}
		must(t, h.Update([]netip.Addr{netip.MustParseAddr("::ffff:192.0.2.100")}))
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
		same(t, "term", 1, h.View().Term)
	})
}

func TestUpdateWithoutHold(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4}))
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

func TestLeftoversAreRemovedAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		foreign := netip.MustParseAddr("192.0.2.1")
		k.addrs[vip4] = hostAddr{Protocol, 32, time.Now().Add(time.Hour)}
		k.addrs[foreign] = hostAddr{0, 24, time.Time{}}
		start(t, h)
		same(t, "journal", []string{"remove 192.0.2.100"}, k.take())
		if len(k.addrs) != 1 {
			t.Errorf("addresses are %v, want %s only", k.addrs, foreign)
		}
	})
}

func TestLeftoverThatIsHeldAlreadyStays(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.addrs[vip4] = hostAddr{Protocol, 32, time.Now().Add(29 * time.Second)}
		hold(t, h, 1, vip4)
		start(t, h)
		same(t, "journal", []string{"send 192.0.2.100"}, k.take())
		if v := h.View(); !v.Addrs[0].Present {
			t.Errorf("view is %+v", v)
		}
	})
}
