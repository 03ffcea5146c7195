package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// errTermOver is the cause of a term's context ending with the term.
var errTermOver = errors.New("the term of leadership is over")

const (
	barrierRetry  = 20 * time.Millisecond
	resignBackoff = 500 * time.Millisecond
	resignLimit   = 30 * time.Second
)

// leadership holds the latest word of raft on whether this node leads. One
// goroutine reads raft's channel and does nothing but set it: raft must never wait
// for what a node does with its leadership.
type leadership struct {
	mu      sync.Mutex
	lead    bool          // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced by set
	work    chan struct{} // guarded by mu; closed when the work of a term has ended; nil: none runs
}

func newLeadership() *leadership { return &leadership{changed: make(chan struct{})} }

// set takes over a word of raft. Two times true mean that leadership was lost and
// won again in between: the earlier term is over with every word.
func (l *leadership) set(lead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead = lead
	close(l.changed)
	l.changed = make(chan struct{})
}

// await blocks until this node leads. The channel is closed with the next word.
func (l *leadership) await(ctx context.Context) (<-chan struct{}, error) {
	for {
		l.mu.Lock()
		lead, changed := l.lead, l.changed
		l.mu.Unlock()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if lead {
			return changed, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin notes that the work of a term runs, until the function is called.
func (l *leadership) begin() (end func()) {
	work := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.work = work
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.work = nil
		close(work)
	}
}

// idle blocks until no work of a term runs.
func (l *leadership) idle(ctx context.Context) error {
	l.mu.Lock()
	work := l.work
	l.mu.Unlock()
	if work == nil {
		return nil
	}
	select {
	case <-work:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// terms runs work that only a leader may do, one term at a time. It knows raft
// only by the three functions, so that it can be tested without one.
type terms struct {
	latest  *leadership
	current func() uint64                   // raft's current term
	barrier func(ctx context.Context) error // until everything committed is applied here
	resign  func(ctx context.Context) error // give leadership to another node
	logger  *slog.Logger
}

// run calls serve once per term and returns when ctx ends. A term's context ends
// with the term, and the next term begins only when serve has returned. When serve
// fails in mid-term, another node gets the chance to do better.
func (t *terms) run(ctx context.Context, serve func(context.Context, uint64) error) error {
	pause := resignBackoff
	for {
		over, err := t.latest.await(ctx)
		if err != nil {
			return err
		}
		err = t.serve(ctx, over, serve)
		if err == nil {
			pause = resignBackoff
			continue
		}
		t.logger.Error("leading failed, handing leadership over", logkey.Err, err)
		if err := t.resign(ctx); err != nil {
			t.logger.Warn("cannot hand leadership over, trying again to lead", logkey.Err, err)
		}
		select {
		case <-over:
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, resignLimit)
	}
}

// serve runs one term. It returns nil when the term is over, and the error of the
// work if that failed before.
func (t *terms) serve(ctx context.Context, over <-chan struct{}, work func(context.Context, uint64) error) error {
	defer t.latest.begin()()
	select {
	case <-over: // before the work was noted: nobody waits for it
		return nil
	default:
	}
	ctx, end := context.WithCancelCause(ctx)
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer end(errTermOver)
	watcher.Go(func() {
		select {
		case <-over:
			end(errTermOver)
		case <-ctx.Done():
		}
	})

	term, ok := t.settle(ctx)
	if !ok {
		return nil
	}
	t.logger.Info("leading", logkey.Term, term)
	err := work(ctx, term)
	if ctx.Err() != nil {
		if err != nil && !errors.Is(err, ctx.Err()) && !errors.Is(err, errTermOver) {
			t.logger.Warn("work of the term ended with an error", logkey.Term, term, logkey.Err, err)
		}
		t.logger.Info("leading no more", logkey.Term, term)
		return nil
	}
	if err == nil {
		<-ctx.Done() // done early: nothing more in this term
	}
	return err
}

// settle passes a barrier and learns the term's number. The number is that of the
// term only if it was the same before and after a barrier that this node passed as
// leader.
func (t *terms) settle(ctx context.Context) (uint64, bool) {
	for {
		before := t.current()
		err := t.barrier(ctx)
		if ctx.Err() != nil {
			return 0, false
		}
		if err == nil && t.current() == before {
			return before, true
		}
		select {
		case <-time.After(barrierRetry):
		case <-ctx.Done():
			return 0, false
		}
	}
}

// Lead runs serve once per term that this node wins, after everything committed
// before has been applied here, and never twice at once. serve's context ends when
// the term does; the next term starts only after serve has returned. If serve
// returns an error in mid-term, leadership is offered to another node; if it
// returns nil, it is not called again in that term.
//
// Lead blocks until ctx ends or the node stops, and may run once at a time. On a
// witness it never calls serve.
func (n *Node) Lead(ctx context.Context, serve func(ctx context.Context, term uint64) error) error {
	done, err := n.enterLead()
	if err != nil {
		return err
	}
	defer done()
	if err := n.awaitReady(ctx); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.stopping, cancel)()
	if n.cfg.Role == Witness {
		<-inner.Done()
	} else {
		_ = n.terms().run(inner, serve) // it ends with inner alone
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ErrClosed
}

func (n *Node) terms() *terms {
	return &terms{
		latest:  n.leadership,
		current: n.raft.CurrentTerm,
		barrier: n.barrier,
		resign:  n.handOver,
		logger:  n.logger,
	}
}

// enterLead claims the one place for Lead; the function gives it back.
func (n *Node) enterLead() (func(), error) {
	n.leadMu.Lock()
	defer n.leadMu.Unlock()
	if n.stopping.Err() != nil {
		return nil, ErrClosed
	}
	if n.leading != nil {
		return nil, errors.New("lead: it runs already")
	}
	done := make(chan struct{})
	n.leading = done
	return func() {
		n.leadMu.Lock()
		defer n.leadMu.Unlock()
		n.leading = nil
		close(done)
	}, nil
}
