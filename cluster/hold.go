package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// After serve has failed this node holds back for a while.
const (
	failBackoff = 500 * time.Millisecond
	failLimit   = 30 * time.Second
)

// Hold runs serve while this node is the holder: from the moment at which its gate
// is open until it is shut again, and never twice at once. serve's context ends when
// the gate is shut, and its cause, a LostError, says why. If serve fails, another
// amphora is given the chance; if it returns nil, it is not called again before the
// next claim.
//
// A node claims only while Hold runs. Hold blocks until ctx ends or the node stops,
// and may run once at a time. When it is to end, another amphora takes over first, if
// there is one, while serve goes on. Without a Gate serve is never called.
func (n *Node) Hold(ctx context.Context, serve func(ctx context.Context, term uint64) error) error {
	done, err := n.enterHold()
	if err != nil {
		return err
	}
	defer done()
	if err := n.awaitReady(ctx); err != nil {
		return err
	}
	leaving := make(chan struct{}) // closed when nothing is held and nothing will be
	go func() {
		defer close(leaving)
		select {
		case <-ctx.Done():
			n.vacate(nothingServes, "nothing serves on this node")
		case <-n.stopping.Done():
			n.vacate(nodeStops, "the node stops")
		}
	}()
	n.fitness.set(nothingServes, "")
	defer n.fitness.set(nothingServes, "nothing serves on this node")
	n.serveAll(context.WithoutCancel(ctx), leaving, serve)
	<-leaving
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ErrClosed
}

// serveAll calls serve for one time of holding after the other, until leaving is
// closed.
func (n *Node) serveAll(ctx context.Context, leaving <-chan struct{}, serve func(context.Context, uint64) error) {
	pause := failBackoff
	for {
		held, changed := n.agent.holding()
		if held == nil {
			select {
			case <-changed:
				continue
			case <-leaving:
				return
			}
		}
		err := n.serveOnce(ctx, held, serve)
		if err == nil {
			pause = failBackoff
			continue
		}
		n.logger.Error("holding the virtual IPs failed", logkey.Term, held.term, logkey.Err, err)
		n.fitness.set(serveFailed, "holding the virtual IPs failed: "+err.Error())
		<-held.ctx.Done()
		select {
		case <-time.After(pause):
		case <-leaving:
		}
		n.fitness.set(serveFailed, "")
		pause = min(2*pause, failLimit)
	}
}

// serveOnce runs serve while this node holds. It returns the error of serve if that
// failed in the midst of it.
func (n *Node) serveOnce(ctx context.Context, held *tenure, serve func(context.Context, uint64) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(held.ctx, func() { end(context.Cause(held.ctx)) })()
	err := serve(ctx, held.term)
	if held.ctx.Err() == nil {
		if err == nil {
			<-held.ctx.Done()
		}
		return err
	}
	var lost *LostError
	if err != nil && !errors.Is(err, context.Canceled) && !errors.As(err, &lost) {
		n.logger.Warn("what the holder ran ended with an error", logkey.Term, held.term, logkey.Err, err)
	}
	return nil
}

// vacate makes this node hold nothing: it hands over to another amphora, which takes
// over while this one still serves, or else releases. What speaks against holding
// remains.
func (n *Node) vacate(d doubt, why string) {
	n.vacating.Lock()
	defer n.vacating.Unlock()
	if n.rude.Load() {
		n.agent.abandon()
		return
	}
	if held, _ := n.agent.holding(); held != nil && n.raft.State() == raft.Leader {
		ctx, cancel := context.WithTimeout(context.Background(), n.cfg.StopTimeout)
		defer cancel()
		if err := n.switchOver(ctx, ""); err != nil {
			n.logger.Warn("cannot hand the virtual IPs over; letting go of them", logkey.Reason, why, logkey.Err, err)
		}
	}
	n.fitness.set(d, why)
}

// switchOver hands raft's leadership, and with it what this node holds, to the named
// amphora, or to one that is fit. It returns when this node holds nothing any more;
// if it fails, this node goes on holding.
func (n *Node) switchOver(ctx context.Context, to string) error {
	var errs []error
	for _, target := range n.successors(true) {
		if to != "" && string(target.ID) != to {
			continue
		}
		err := n.transferTo(ctx, target)
		if err == nil {
			return n.awaitHandover(ctx)
		}
		errs = append(errs, err)
		if ctx.Err() != nil || retryable(err) {
			break
		}
	}
	if errs == nil {
		return ErrNoSuccessor
	}
	return errors.Join(errs...)
}

// awaitHandover waits until this node holds nothing. That cannot take longer than a
// lease: once another node has won a term, it is not renewed.
func (n *Node) awaitHandover(ctx context.Context) error {
	held, _ := n.agent.holding()
	if held == nil {
		return nil
	}
	select {
	case <-held.ctx.Done():
		return nil
	case <-time.After(2 * n.cfg.profile().lease.Lease):
		return errors.New("leadership moved, but the new leader does not take over")
	case <-ctx.Done():
		return fmt.Errorf("wait for the handover: %w", ctx.Err())
	}
}

// enterHold claims the one place for Hold; the function gives it back.
func (n *Node) enterHold() (func(), error) {
	n.holdMu.Lock()
	defer n.holdMu.Unlock()
	if n.stopping.Err() != nil {
		return nil, ErrClosed
	}
	if n.holds != nil {
		return nil, errors.New("hold: it runs already")
	}
	done := make(chan struct{})
	n.holds = done
	return func() {
		n.holdMu.Lock()
		defer n.holdMu.Unlock()
		n.holds = nil
		close(done)
	}, nil
}
