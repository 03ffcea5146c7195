package supervise

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// What wait4 says of an end or a stop.
func exited(code int) unix.WaitStatus           { return unix.WaitStatus(code << 8) }
func signaled(sig unix.Signal) unix.WaitStatus  { return unix.WaitStatus(sig) }
func stoppedBy(sig unix.Signal) unix.WaitStatus { return unix.WaitStatus(uint32(sig)<<8 | 0x7f) }

// pass lets time of the bubble pass, and everybody do what it brings.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// fakes starts workers that are no processes.
type fakes struct {
	*supervisor
	signals  chan os.Signal
	began    time.Time
	at       []time.Duration // of each start, since began
	children []*fakeChild
	play     func(c *fakeChild, n int) // what the n-th does at its start, from 0 on
}

func (f *fakes) last() *fakeChild { return f.children[len(f.children)-1] }
func (f *fakes) started() int     { return len(f.children) }

type fakeChild struct {
	*stage
	events chan unix.WaitStatus
	kicks  chan struct{}
	obey   func(unix.Signal)
	turns  turns // guarded by watched
}

func (c *fakeChild) readTurns() turns {
	c.watched.Lock()
	defer c.watched.Unlock()
	return c.turns
}

func (c *fakeChild) setTurns(t turns) {
	c.watched.Lock()
	defer c.watched.Unlock()
	c.turns = t
}

func (c *fakeChild) end(ws unix.WaitStatus) { c.events <- ws }
func (c *fakeChild) page() *Page            { return &Page{mem: c.mem, fd: -1} }

func (c *fakeChild) signal(sig unix.Signal) error {
	_ = c.did("signal ", unix.SignalName(sig))
	if c.obey != nil {
		c.obey(sig)
	}
	return nil
}

// signals are those that it got so far.
func (c *fakeChild) signals() []string {
	var got []string
	for _, call := range c.done() {
		if name, ok := strings.CutPrefix(call, "signal "); ok {
			got = append(got, name)
		}
	}
	return got
}

func newFakes(play func(c *fakeChild, n int)) *fakes {
	f := &fakes{signals: make(chan os.Signal, 8), began: time.Now(), play: play}
	f.supervisor = &supervisor{cfg: Config{Signals: f.signals}.withDefaults(), start: f.child}
	return f
}

func (f *fakes) child() (*child, error) {
	c := &fakeChild{stage: newStage(), events: make(chan unix.WaitStatus, 8), kicks: make(chan struct{}, 8)}
	f.at = append(f.at, time.Since(f.began))
	f.children = append(f.children, c)
	if f.play != nil {
		f.play(c, len(f.children)-1)
	}
	return &child{
		pid: len(f.children), mem: c.mem, guard: c.guard, events: c.events, kicks: c.kicks,
		signal: c.signal, close: func() {},
		turns: c.readTurns,
	}, nil
}

func (c *fakeChild) ready() {
	c.page().Ready()
	c.kicks <- struct{}{}
}

// beat lets the worker beat until the channel is closed.
func (c *fakeChild) beat(every time.Duration, until <-chan struct{}) {
	c.page().Beat()
	go func() {
		for {
			select {
			case <-until:
				return
			case <-time.After(every):
				c.page().Beat()
			}
		}
	}()
}

func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		f := newFakes(func(c *fakeChild, n int) {
			c.ready()
			switch {
			case n == 10: // it was well for a time
				time.AfterFunc(time.Minute, func() { c.end(exited(1)) })
			case n < 12:
				time.AfterFunc(10*ms, func() { c.end(signaled(unix.SIGKILL)) })
			default:
				c.obey = func(unix.Signal) { c.end(exited(0)) }
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.run(ctx) }()
		pass(5 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
		var pauses []time.Duration
		for i, at := range f.at[1:] {
			pause := at - f.at[i] - 10*ms
			if i == 10 {
				pause -= time.Minute - 10*ms
			}
			pauses = append(pauses, pause)
		}
		want := []time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10000 * ms, 10000 * ms, 0, 100 * ms}
		if diff := cmp.Diff(want, pauses); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHowItEnds(t *testing.T) {
	for name, test := range map[string]struct {
		ready bool
		ask   []os.Signal
		ws    unix.WaitStatus
		code  int // 0: no error; -1: another worker is started
	}{
		"wrong configuration":            {false, nil, exited(1), 1},
		"wrong usage":                    {false, nil, exited(2), 2},
		"killed before it was ready":     {false, nil, signaled(unix.SIGKILL), -1},
		"nothing to do":                  {false, nil, exited(0), 0},
		"crash":                          {true, nil, exited(2), -1},
		"end without being asked":        {true, nil, exited(0), -1},
		"stop":                           {true, []os.Signal{unix.SIGTERM}, exited(0), 0},
		"stop by the terminal":           {true, []os.Signal{unix.SIGINT}, exited(0), 0},
		"stop by a lost terminal":        {true, []os.Signal{unix.SIGHUP}, exited(0), 0},
		"stop before it listens":         {false, []os.Signal{unix.SIGTERM}, signaled(unix.SIGTERM), 0},
		"stop that fails":                {true, []os.Signal{unix.SIGTERM}, exited(1), 1},
		"stop that does not come to end": {true, []os.Signal{unix.SIGTERM, unix.SIGTERM}, signaled(unix.SIGKILL), 137},
		"question for its goroutines":    {true, []os.Signal{unix.SIGQUIT}, exited(2), -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				f := newFakes(func(c *fakeChild, n int) {
					if test.ready {
						c.ready()
					}
					c.obey = func(unix.Signal) { cancel(); c.end(exited(0)) } // the second one
					if n == 0 {
						c.obey = nil
					}
				})
				done := make(chan error, 1)
				go func() { done <- f.run(ctx) }()
				synctest.Wait()
				for _, sig := range test.ask {
					f.signals <- sig
				}
				synctest.Wait()
				f.last().end(test.ws)
				synctest.Wait()
				again := f.started() > 1
				if again {
					cancel()
				}
				err := <-done
				var exit *ExitError
				switch {
				case again != (test.code < 0):
					t.Errorf("%d workers were started, it ended with %v", f.started(), err)
				case test.code > 0 && (!errors.As(err, &exit) || exit.Code != test.code):
					t.Errorf("it ended with %v, want exit code %d", err, test.code)
				case test.code == 0 && err != nil:
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

func TestSignalsForWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(func(c *fakeChild, _ int) { c.ready() })
		done := make(chan error, 1)
		go func() { done <- f.run(t.Context()) }()
		synctest.Wait()
		for _, sig := range []os.Signal{unix.SIGQUIT, unix.SIGUSR1, unix.SIGINT, unix.SIGHUP} {
			f.signals <- sig
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"SIGQUIT", "SIGTERM", "SIGCONT", "SIGKILL"}, f.last().signals()); diff != "" {
			t.Error(diff)
		}
		f.last().end(signaled(unix.SIGKILL))
		if err := <-done; err == nil {
			t.Error("it ended well")
		}
	})
}

// A stop must be heard also while no worker runs.
func TestStopBetweenWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(func(c *fakeChild, _ int) { c.ready(); c.end(exited(2)) })
		done := make(chan error, 1)
		go func() { done <- f.run(t.Context()) }()
		pass(time.Second)
		n := f.started()
		f.signals <- unix.SIGTERM
		if err := <-done; err != nil || f.started() != n {
			t.Errorf("it ended with %v after %d workers, want no more than %d", err, f.started(), n)
		}
	})
}

func TestFreeze(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(nil)
		freeze := make(chan struct{})
		f.play = func(c *fakeChild, n int) {
			if n > 0 {
				c.obey = func(unix.Signal) { c.end(exited(0)) }
				return
			}
			p := c.page()
			if err := errors.Join(p.Describe(Settings{Limit: 80 * ms, Interface: "eth0", Gate: "/pins"}), p.Publish(testWill(7))); err != nil {
				t.Error(err)
			}
			c.ready()
			c.beat(20*ms, freeze)
		}
		done := make(chan error, 1)
		go func() { done <- f.run(t.Context()) }()
		pass(time.Minute)
		c := f.last()
		if diff := cmp.Diff([]string{"open /pins"}, c.done()); diff != "" {
			t.Fatalf("before the freeze: %s", diff)
		}
		close(freeze)
		pass(50 * ms)
		if done := c.done(); len(done) > 1 {
			t.Errorf("before the limit: %v", done)
		}
		pass(60 * ms)
		if done := c.done(); len(done) < 2 || done[1] != "raise 8" {
			t.Errorf("after the limit: %v", done)
		}
		pass(9 * time.Second)
		if got := c.signals(); got != nil {
			t.Errorf("early: %v", got)
		}
		pass(time.Second)
		if diff := cmp.Diff([]string{"SIGABRT"}, c.signals()); diff != "" {
			t.Errorf("after 10 s: %s", diff)
		}
		pass(5 * time.Second)
		if diff := cmp.Diff([]string{"SIGABRT", "SIGKILL"}, c.signals()); diff != "" {
			t.Errorf("after 15 s: %s", diff)
		}
		c.end(signaled(unix.SIGKILL))
		synctest.Wait()
		if f.started() != 2 {
			t.Errorf("%d workers were started", f.started())
		}
		f.signals <- unix.SIGTERM
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}

// A worker that was stopped by somebody, or that stops in order, is silent with a
// reason: nobody may abort it.
func TestSilenceWithReason(t *testing.T) {
	const ms = time.Millisecond
	for name, begin := range map[string]func(f *fakes, c *fakeChild){
		"stopped":     func(_ *fakes, c *fakeChild) { c.events <- stoppedBy(unix.SIGSTOP) },
		"asked":       func(f *fakes, _ *fakeChild) { f.signals <- unix.SIGTERM },
		"leaving":     func(_ *fakes, c *fakeChild) { c.mem.word(offLeave).Store(1) },
		"never began": func(_ *fakes, c *fakeChild) { c.mem.word(offBeats).Store(0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				freeze := make(chan struct{})
				f := newFakes(func(c *fakeChild, _ int) { c.ready(); c.beat(20*ms, freeze) })
				done := make(chan error, 1)
				go func() { done <- f.run(t.Context()) }()
				pass(time.Second)
				close(freeze)
				synctest.Wait()
				begin(f, f.last())
				pass(time.Minute)
				if got := f.last().signals(); slices.Contains(got, "SIGABRT") || slices.Contains(got, "SIGKILL") {
					t.Errorf("it got %v", got)
				}
				f.signals <- unix.SIGTERM
				synctest.Wait()
				f.last().end(exited(0))
				if err := <-done; err != nil {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}
