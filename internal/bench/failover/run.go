package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	// faultLimit is how long a fault lasts at most: a system that has not answered
	// by then has failed.
	faultLimit = 30 * time.Second
	// settleLimit is how long a pair may take to be redundant again.
	settleLimit = 90 * time.Second
)

// moveMargin is around the move of the VIP: what it costs by itself is told there from
// the noise of the machine, of which the second that follows has its share.
const moveMargin = instant(25 * time.Millisecond)

// result is what one run showed.
type result struct {
	System string
	From   string        // the holder, to whom it happened
	At     instant       // when it happened
	seen                 // from the fault until it was healed
	held                 // from before the fault until the system had settled again
	Move   time.Duration // longest gap around the move of the VIP, 0 if it did not move
	Heal   seen          // from the healing until the system had settled again
	Report *takeover     // what the system said of it, nil for nothing
	// Unrecovered says that the VIP did not come back, or the pair did not.
	Unrecovered error
}

// String says it in one line.
func (r result) String() string {
	gap := fmt.Sprintf("gap %.1f ms", millis(r.Gap))
	if r.Gap > 0 {
		gap += fmt.Sprintf(", %.1f ms after the fault it was over", millis(r.GapEnd.sub(r.At)))
	}
	return fmt.Sprintf("%s, from %s: %s, failed %d %v, slow %d, moves %d, two holders %.0f ms, healing gap %.1f ms%v",
		r.System, r.From, gap, r.Failed, r.Why, r.Slow, r.Moves, millis(r.Two), millis(r.Heal.Gap), r.Report)
}

// measure does one thing to the holder of a settled system and watches until it
// has settled again. An error ends the bench; what the system does wrong is in
// the result.
func measure(ctx context.Context, s system, f *fault) (r result, err error) {
	r.System = s.name()
	if r.From, err = settle(ctx, s); err != nil {
		return r, err
	}
	o, err := observe(s, clientEvery)
	if err != nil {
		return r, err
	}
	healed, failed, err := o.fault(ctx, s, f, &r)
	attempts, holdings, stopErr := o.stop()
	if err := errors.Join(err, stopErr, ctx.Err()); err != nil {
		return r, err
	}
	during, after := split(attempts, r.At, healed)
	r.seen, r.Heal, r.held, r.Unrecovered = judge(during), judge(after), judgeHolders(holdings), failed
	if moved, ok := firstMove(holdings, r.At); ok {
		r.Move = gapAround(during, moved-moveMargin, moved+moveMargin)
	}
	return r, nil
}

// fault injects f, waits until the client is answered again, heals and waits
// until the system has settled. failed is what the system did wrong.
func (o *observation) fault(ctx context.Context, s system, f *fault, r *result) (healed instant, failed, err error) {
	began := now()
	if err := until(ctx, settleLimit, func() error { return o.undisturbed(began) }); err != nil {
		return 0, nil, fmt.Errorf("%s, before any fault: %w", s.name(), err)
	}
	if err := pause(ctx, rand.N(s.period(f))); err != nil {
		return 0, nil, err
	}
	// On a starved machine the VIP may have moved by itself meanwhile.
	if r.From, err = settle(ctx, s); err != nil {
		return 0, nil, err
	}
	holder := lastHolder(o.watch.soFar())
	r.At = now()
	if err := s.inject(ctx, f, r.From); err != nil && f != planned {
		return 0, nil, err
	} else if err != nil { // it was asked for and refused
		failed = err
	} else {
		failed = until(ctx, faultLimit, func() error {
			if s.moves(f) && !movedFrom(o.watch.soFar(), holder) {
				return errors.New("the VIP has not moved")
			}
			return o.undisturbed(r.At)
		})
	}
	healed = now() // to ask for a report takes a good part of a small machine
	if failed == nil {
		r.Report, err = s.report(ctx)
	}
	if err := errors.Join(err, s.heal(ctx, f, r.From)); err != nil {
		return healed, failed, err
	}
	_, settleErr := settle(ctx, s)
	return healed, errors.Join(failed, settleErr), nil
}

// settle waits until a system could lose its holder.
func settle(ctx context.Context, s system) (holder string, err error) {
	err = until(ctx, settleLimit, func() (err error) {
		holder, err = s.settled(ctx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("wait until %s has settled: %w", s.name(), err)
	}
	return holder, nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// observation is a client and a watcher at work.
type observation struct {
	client *instrument[attempt]
	watch  *instrument[holding]
}

func observe(s system, every time.Duration) (*observation, error) {
	target := netip.AddrPortFrom(s.address(), 80).String()
	client, err := startInstrument(s.client(), parseAttempt, clientInstrument, target, every.String())
	if err != nil {
		return nil, err
	}
	watch, err := startInstrument(s.watcher(), parseHolding, watchInstrument, labAddr(watcherHost).String(), s.address().String())
	if err != nil {
		_, stopErr := client.stop()
		return nil, errors.Join(err, stopErr)
	}
	return &observation{client, watch}, nil
}

func (o *observation) undisturbed(since instant) error {
	if !steady(o.client.soFar(), since, now()) {
		return errors.New("the client has not been answered for a second on end")
	}
	return nil
}

func (o *observation) stop() ([]attempt, []holding, error) {
	attempts, clientErr := o.client.stop()
	holdings, watchErr := o.watch.stop()
	return attempts, holdings, errors.Join(clientErr, watchErr)
}

// until polls check until it returns nil, and gives its last error when limit is
// over or ctx ends.
func until(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (gave up: %w)", err, ctx.Err())
		case <-tick.C:
		}
	}
}
