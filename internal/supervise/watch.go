package supervise

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Between two looks at the beats: while a term is held a part of the limit, else
// what is enough to find a worker that hangs.
const (
	looks = 4
	idle  = time.Second
)

// watch follows one worker from its start to its end.
type watch struct {
	*supervisor
	child *child

	pulse   pulse
	stopped bool          // by a signal
	frozen  bool          // it has not beaten for longer than its limit
	judge   time.Duration // at this silence the worker is judged
	before  turns         // when the silence began
	aborted bool
	killed  bool
}

// run returns how the worker ended.
func (w *watch) run(stop *<-chan struct{}, ping <-chan time.Time) unix.WaitStatus {
	if w.stopping {
		w.ask()
	}
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-*stop:
			*stop = nil // once
			w.obey(unix.SIGTERM)
		case sig := <-w.cfg.Signals:
			w.obey(sig)
		case ws := <-w.child.events:
			if ws.Exited() || ws.Signaled() {
				w.welcome() // it may have been ready for a moment
				return ws
			}
			w.note(ws)
		case <-w.child.kicks:
			w.child.guard.prepare()
			w.welcome()
		case <-ping:
			if !w.stopped && !w.frozen {
				w.systemd.tell("WATCHDOG=1")
			}
		case <-timer.C:
		}
		timer.Reset(w.look(time.Now()))
	}
}

// obey carries out a signal that this process got.
func (w *watch) obey(sig os.Signal) {
	switch {
	case sig == unix.SIGQUIT:
		w.signal(unix.SIGQUIT)
	case !stops(sig):
	case !w.stopping:
		w.stopping = true
		w.cfg.Logger.Info("stopping")
		w.systemd.tell("STOPPING=1")
		w.ask()
	default:
		w.cfg.Logger.Warn("asked to stop again: killing the worker", logkey.PID, w.child.pid)
		w.signal(unix.SIGKILL)
	}
}

// ask asks the worker to stop. One that was stopped by a signal must be continued
// to hear it.
func (w *watch) ask() {
	w.signal(unix.SIGTERM)
	w.signal(unix.SIGCONT)
}

// signal is in vain when the worker has just ended, and then nobody minds.
func (w *watch) signal(sig unix.Signal) { _ = w.child.signal(sig) }

// note takes a stop or a continuation. Whoever stopped the worker has a purpose, so
// it is left as it is.
func (w *watch) note(ws unix.WaitStatus) {
	w.stopped = ws.Stopped()
	w.frozen, w.aborted = false, false
	w.pulse.rest()
	if w.stopped {
		w.cfg.Logger.Warn("worker is stopped, and is left so until somebody sends it SIGCONT", logkey.PID, w.child.pid, logkey.Reason, describe(ws))
	} else {
		w.cfg.Logger.Info("worker continues", logkey.PID, w.child.pid)
	}
}

// welcome notices that the worker is ready.
func (w *watch) welcome() {
	if w.ready || !w.child.mem.ready() {
		return
	}
	w.ready = true
	w.systemd.tell("READY=1")
}

// look judges the worker's silence and returns the time until the next look.
func (w *watch) look(now time.Time) time.Duration {
	beats, limit := w.child.mem.beats(), w.child.mem.limit()
	every := max(idle, limit)
	if w.child.mem.holds() {
		every = limit / looks
	}
	if beats == 0 || w.stopped {
		return every
	}
	silent := w.pulse.look(now, beats, every)
	switch {
	case silent == 0:
		if w.frozen {
			w.cfg.Logger.Info("worker beats again", logkey.PID, w.child.pid)
		}
		w.frozen, w.aborted = false, false
		w.judge, w.before = limit, nil
	case w.before == nil:
		w.before = w.child.turns()
	}
	if silent >= w.judge && !w.frozen {
		w.sentence(silent, limit)
	}
	// A worker that stops ends its beats before itself.
	if !w.stopping && !w.child.mem.leaving() {
		w.end(silent)
	}
	return w.pulse.due.Sub(now)
}

// sentence decides whether a silent worker is frozen. One that the host does not
// run is not: then its lease decides, as it does for hosts without a supervisor.
func (w *watch) sentence(silent, limit time.Duration) {
	now := w.child.turns()
	if now.starved(w.before, limit/looks) {
		w.judge, w.before = silent+limit, now
		w.cfg.Logger.Warn("worker does not beat, but waits for a CPU: its lease decides", logkey.PID, w.child.pid, logkey.Took, silent)
		return
	}
	w.frozen = true
	urgently(w.cfg.Logger, func() { w.child.guard.act(false, "frozen") })
	w.cfg.Logger.Warn("worker is frozen: it does not beat", logkey.PID, w.child.pid, logkey.Took, silent)
}

// end puts an end to a worker that has been frozen for long.
func (w *watch) end(silent time.Duration) {
	switch {
	case silent >= w.cfg.Abort && !w.aborted:
		w.aborted = true
		w.cfg.Logger.Error("worker stays frozen: aborting it, for the state of its goroutines", logkey.PID, w.child.pid)
		w.signal(unix.SIGABRT)
	case silent >= w.cfg.Abort+w.cfg.Kill && !w.killed:
		w.killed = true
		w.cfg.Logger.Error("worker does not abort: killing it", logkey.PID, w.child.pid)
		w.signal(unix.SIGKILL)
	}
}
