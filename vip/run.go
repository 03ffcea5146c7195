package vip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// retry is the pause before the addresses are tried again after an error.
const retry = 250 * time.Millisecond

// minCalm is how long events wait after the addresses were compared, since our
// own changes make events too. It doubles, up to Config.Reconcile, each time that
// somebody has taken an address away meanwhile: a fight over it, as with a second
// daemon on the same interface, must not keep the host busy.
const minCalm = 10 * time.Millisecond

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

	changed := make(chan struct{}, 1)
	var g errgroup.Group
	g.Go(func() error {
		// Without events the addresses are still compared every few seconds.
		if err := k.watch(func() { signal(changed) }); err != nil {
			log.Warn("netlink events lost; changes are noticed late", logkey.Err, err)
		}
		return nil
	})
	err = h.own(ctx, k, log, changed)
	err = errors.Join(err, k.close(), g.Wait())
	h.settle(h.told().seq, err, true)
	return err
}

// own is the loop of the goroutine that owns the addresses.
func (h *Holder) own(ctx context.Context, k kernel, log *slog.Logger, changed <-chan struct{}) error {
	cfg := h.cfg
	cfg.Logger = log
	o := &owner{
		cfg:      cfg,
		kernel:   k,
		announce: newAnnouncer(cfg, h.dial, func() float64 { return 2*h.rand() - 1 }),
		guard:    guarded{guard: cfg.Guard},
		state:    map[netip.Addr]*addrState{},
	}
	defer o.announce.hangUp()

	timer := time.NewTimer(0)
	defer timer.Stop()
	var lookAt, lookedAt time.Time // when the addresses are compared again; and were last
	var robbedAt time.Time         // when one of them had gone
	calm := minCalm
	for {
		now := time.Now()
		if !now.Before(lookAt) {
			told := h.told()
			left := o.pass(now, told)
			h.settle(told.seq, left, false)
			h.publish(o.view(told))
			lookedAt, lookAt = now, now.Add(cfg.Reconcile)
			if o.again {
				lookAt = now.Add(min(retry, cfg.Reconcile))
			}
			switch {
			case o.robbed:
				calm, robbedAt = min(2*calm, cfg.Reconcile), now
			case now.Sub(robbedAt) > 2*cfg.Reconcile:
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
			told.hold = false
			left := o.pass(time.Now(), told)
			h.publish(o.view(told))
			return left
		case <-h.wake:
			lookAt = time.Time{}
		case <-changed:
			if soon := lookedAt.Add(calm); soon.Before(lookAt) {
				lookAt = soon
			}
		case <-timer.C:
		}
	}
}
