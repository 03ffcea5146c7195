package vip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// retry is the pause before the addresses are tried again after an error.
const retry = 250 * time.Millisecond

// minCalm is how long events wait after the addresses were compared, since our
// own changes make events too. It doubles, up to Config.Reconcile, each time that
// somebody has taken an address away meanwhile: a fight over it, as with a second
// daemon on the same interface, must not keep the host busy.
const minCalm = 10 * time.Millisecond

// share is how many times as long as it took a look at the kernel waits for the next one
// that is not urgent: with thousands of VIPs, which change many times a second, it must
// not take the host's time.
const share = 4

// Run carries out what the holder is told, until ctx ends; then it removes the
// addresses and returns. It first removes what an earlier process left behind.
// It may be called once. An error says which addresses may be left on the
// interface; the kernel removes those when their lifetime ends.
//
// Run opens its sockets from the goroutine that calls it and so stays in the
// network namespace that this goroutine's thread is in.
func (h *Holder) Run(ctx context.Context) error {
	h.mu.Lock()
	again := h.running
	h.running = true
	h.mu.Unlock()
	if again {
		return fmt.Errorf("run holder of %s: it ran before", h.cfg.Interface)
	}
	k, err := h.open()
	if err != nil {
		h.settle(0, err, true)
		return err
	}
	log := h.cfg.Logger.With(logkey.Iface, h.cfg.Interface)

	events := events{some: make(chan struct{}, 1), link: make(chan struct{}, 1)}
	var g errgroup.Group
	g.Go(func() error {
		// Without events the addresses are still compared every few seconds.
		if err := k.watch(events.signal); err != nil {
			log.Warn("netlink events lost; changes are noticed late", logkey.Err, err)
		}
		return nil
	})
	err = h.own(ctx, k, log, events)
	err = errors.Join(err, k.close(), g.Wait())
	h.settle(h.told().seq, err, true)
	return err
}

// events are the pending signals of the kernel: something has changed, and the
// link has.
type events struct{ some, link chan struct{} }

func (e events) signal(link bool) {
	if link {
		signal(e.link)
	} else {
		signal(e.some)
	}
}

func (h *Holder) owner(k kernel, log *slog.Logger) *owner {
	cfg := h.cfg
	cfg.Logger = log
	spread := func() float64 { return 2*h.rand() - 1 }
	return &owner{
		cfg:      cfg,
		kernel:   k,
		announce: newAnnouncer(cfg, h.dial, h.hear, spread, &h.stats),
		guard:    guarded{guard: cfg.Guard},
		state:    map[netip.Addr]*addrState{},
		alarms:   rate.NewLimiter(rate.Every(10*time.Second), 5),
	}
}

// listenFor makes hear pass on what concerns these VIPs.
func (h *Holder) listenFor(set []netip.Addr) {
	if old := h.listening.Load(); old != nil && len(*old) == len(set) && !slices.ContainsFunc(set, func(addr netip.Addr) bool { return !(*old)[addr] }) {
		return
	}
	vips := make(map[netip.Addr]bool, len(set))
	for _, addr := range set {
		vips[addr] = true
	}
	h.listening.Store(&vips)
}

// hear is called for everything that the link says. It does not block: what does
// not fit is dropped, and said again if it was important.
func (h *Holder) hear(c claim) {
	vips := *h.listening.Load()
	if !vips[c.addr] && (!c.reply || !vips[c.to]) {
		return
	}
	select {
	case h.heard <- c:
	default:
	}
}

// own is the loop of the goroutine that owns the addresses.
func (h *Holder) own(ctx context.Context, k kernel, log *slog.Logger, events events) error {
	o := h.owner(k, log)
	defer o.announce.hangUp()

	timer := time.NewTimer(0)
	defer timer.Stop()
	var lookAt, lookedAt time.Time // when the addresses are compared again; and were last
	var robbedAt time.Time         // when one of them had gone
	calm, idle := minCalm, time.Duration(0)
	for {
		now := time.Now()
		if !now.Before(lookAt) {
			told := h.told()
			h.listenFor(told.set)
			left := o.pass(now, told)
			h.settle(told.seq, left, false)
			h.publish(o.view())
			lookedAt, lookAt, idle = now, now.Add(h.cfg.Reconcile), (1+share)*time.Since(now)
			if o.again {
				lookAt = now.Add(min(retry, h.cfg.Reconcile))
			}
			switch {
			case o.robbed:
				calm, robbedAt = min(2*calm, h.cfg.Reconcile), now
			case now.Sub(robbedAt) > 2*h.cfg.Reconcile:
				calm = minCalm
			}
		}
		wakeAt := lookAt
		if at := o.announce.run(now); !at.IsZero() && at.Before(wakeAt) {
			wakeAt = at
		}
		timer.Reset(time.Until(wakeAt))
		select {
		case <-ctx.Done():
			told := h.told()
			told.wish = wantNone
			left := o.pass(time.Now(), told)
			h.publish(o.view())
			return left
		case <-h.wake:
			told := h.told()
			if told.wish != o.told.wish || !told.at.Equal(o.told.at) {
				lookAt = time.Time{}
			} else if soon := lookedAt.Add(idle); soon.Before(lookAt) { // the set has changed
				lookAt = soon
			}
			if o.ready(told) {
				o.claim(time.Now(), told)
				h.publish(o.view())
				// What the claim changed makes events; one look will do for all.
				lookedAt = time.Now()
				lookAt = lookedAt.Add(calm)
			}
		case c := <-h.heard:
			if o.hear(time.Now(), c) {
				h.publish(o.view())
			}
		case <-events.link:
			lookAt = time.Time{}
		case <-events.some:
			if soon := lookedAt.Add(max(calm, idle)); soon.Before(lookAt) {
				lookAt = soon
			}
		case <-timer.C:
		}
	}
}
