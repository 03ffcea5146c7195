package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// sentry is a guard that writes into the journal of a host.
type sentry struct {
	k       *host
	refuses error
}

func (g *sentry) Attach() error { return g.note("attach") }

func (g *sentry) Protect(addrs []netip.Addr) error { return g.note(fmt.Sprint("protect ", addrs)) }

func (g *sentry) note(s string) error {
	g.k.mu.Lock()
	defer g.k.mu.Unlock()
	if g.refuses != nil {
		return g.refuses
	}
	g.k.journal = append(g.k.journal, s)
	return nil
}

func guardedBubble(t *testing.T, test func(t *testing.T, h *Holder, k *host, g *sentry)) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		g := &sentry{k: k}
		h.cfg.Guard = g
		test(t, h, k, g)
	})
}

func TestGuardComesFirstAndGoesLast(t *testing.T) {
	guardedBubble(t, func(t *testing.T, h *Holder, k *host, _ *sentry) {
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4}))
		synctest.Wait()
		same(t, "standby", []string{"attach", "protect [192.0.2.100]"}, k.take())
		must(t, h.Hold(1))
		synctest.Wait()
		same(t, "claim", []string{"put 192.0.2.100 refresh=false", "send 192.0.2.100"}, k.take())
		pass(time.Minute)
		k.take()
		must(t, h.Update([]netip.Addr{vip6}))
		synctest.Wait()
		same(t, "exchange while held", []string{
			"remove 192.0.2.100", "protect [2001:db8::100]",
			"put 2001:db8::100 refresh=false", "send 2001:db8::100",
		}, k.take())
		must(t, h.Release(t.Context()))
		same(t, "release", []string{"remove 2001:db8::100"}, k.take())
	})
}

func TestAddressWithoutGuardIsNotAdded(t *testing.T) {
	guardedBubble(t, func(t *testing.T, h *Holder, k *host, g *sentry) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		full := errors.New("map is full")
		k.change(func() { g.refuses = full })
		must(t, h.Update([]netip.Addr{vip4, vip6}))
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
		v := h.View().Addrs
		if !v[0].Present || v[0].Err != nil {
			t.Errorf("view of the guarded address is %+v", v[0])
		}
		if v[1].Present || !errors.Is(v[1].Err, full) {
			t.Errorf("view of the other is %+v, want %v", v[1], full)
		}
		k.change(func() { g.refuses = nil })
		pass(retry)
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4, vip6}, k.ours())
	})
}

// An address that cannot be removed stays guarded, though it is no VIP any more.
func TestWhatStaysIsGuarded(t *testing.T) {
	guardedBubble(t, func(t *testing.T, h *Holder, k *host, _ *sentry) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { k.failing["remove"] = errors.New("busy") })
		k.take()
		must(t, h.Update(nil))
		pass(time.Second)
		synctest.Wait()
		same(t, "journal", []string{}, k.take())
		k.change(func() { delete(k.failing, "remove") })
		pass(time.Second)
		synctest.Wait()
		same(t, "journal", []string{"remove 192.0.2.100", "protect []"}, k.take())
	})
}

func TestGuardIsAttachedToANewInterface(t *testing.T) {
	guardedBubble(t, func(t *testing.T, h *Holder, k *host, _ *sentry) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { k.gone = true; clear(k.addrs) })
		synctest.Wait()
		pass(time.Second)
		k.take()
		k.change(func() { k.gone = false; k.l.index++ })
		pass(time.Second)
		synctest.Wait()
		same(t, "journal", []string{"attach", "protect [192.0.2.100]", "put 192.0.2.100 refresh=false", "send 192.0.2.100"}, k.take())
	})
}

func TestViewTellsTheCarrier(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		pass(time.Minute)
		for len(h.Changes()) > 0 {
			<-h.Changes()
		}
		k.change(func() { k.l.up = false })
		<-h.Changes()
		if l := h.View().Link; l.Up || time.Since(l.Since) > minCalm {
			t.Errorf("link is %+v, want it down since now", l)
		}
		pass(time.Minute)
		k.change(func() { k.l.up = true })
		<-h.Changes()
		if l := h.View().Link; !l.Up || time.Since(l.Since) > minCalm {
			t.Errorf("link is %+v, want it up since now", l)
		}
	})
}

// TestCarrierLossDoesNotWait comes just after a look, when other events have to
// wait.
func TestCarrierLossDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.mu.Lock()
		k.l.up = false
		changed := k.changed
		k.mu.Unlock()
		changed(false)
		synctest.Wait()
		if !h.View().Link.Up {
			t.Error("an event of an address was not put off")
		}
		changed(true)
		synctest.Wait()
		if h.View().Link.Up {
			t.Error("the event of the link was put off")
		}
	})
}
