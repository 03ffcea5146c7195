package supervise

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Run keeps a worker running until it is told to stop, and returns when the worker
// has ended. It may be called once, by a process that has no other use for the
// signals in [Config.Signals].
//
// The end of ctx, SIGTERM, SIGINT and SIGHUP ask the worker to stop, with SIGTERM;
// the second of them kills it. SIGQUIT goes to the worker as it is. A worker that
// ends without having been asked is started again: at once, then after 100 ms and
// so on to 10 s. One that ends with an error before any was ready is not.
//
// Run returns nil after a stop in good order, and an [*ExitError] for a worker that
// ended otherwise.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return err
	}
	mouth, err := openMouth()
	if err != nil {
		return err
	}
	defer mouth.close()
	s := &supervisor{cfg: cfg, start: (&starter{cfg: cfg, mouth: mouth}).start, systemd: findSystemd(cfg.Env, os.Getpid())}
	return s.run(ctx)
}

// supervisor is one loop; its fields belong to the loop's goroutine.
type supervisor struct {
	cfg     Config
	start   func() (*child, error)
	systemd systemd

	backoff  backoff
	ready    bool // a worker was ready
	stopping bool // the end is asked for
}

func (s *supervisor) run(ctx context.Context) error {
	stop := ctx.Done()
	ping, endPing := s.watchdog()
	defer endPing()
	for {
		c, err := s.start()
		if err != nil && !s.ready {
			return err
		}
		began := time.Now()
		if err == nil {
			s.cfg.Logger.Info("worker started", logkey.PID, c.pid)
			w := &watch{supervisor: s, child: c}
			ws := w.run(&stop, ping)
			c.close()
			s.heed()
			if s.stopping && ws.Signaled() && ws.Signal() == unix.SIGTERM {
				return nil // it was asked before it had begun to listen
			}
			if s.stopping || !s.ready && ws.Exited() {
				return exitError(ws)
			}
			err = errors.New(describe(ws))
		}
		pause := s.backoff.after(time.Since(began))
		s.cfg.Logger.Warn("starting the worker again", logkey.Reason, err, logkey.Pause, pause)
		if s.pause(stop, ping, pause); s.stopping {
			return nil
		}
	}
}

// heed takes a signal that came together with the worker's end, as when both were
// told to stop.
func (s *supervisor) heed() {
	select {
	case sig := <-s.cfg.Signals:
		s.stopping = s.stopping || stops(sig)
	default:
	}
}

// stops tells the signals that ask for the end.
func stops(sig os.Signal) bool {
	return sig == unix.SIGTERM || sig == unix.SIGINT || sig == unix.SIGHUP
}

// pause lets time pass, unless the end is asked for.
func (s *supervisor) pause(stop <-chan struct{}, ping <-chan time.Time, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !s.stopping {
		select {
		case <-timer.C:
			return
		case <-stop:
			s.stopping = true
		case sig := <-s.cfg.Signals:
			s.stopping = stops(sig)
		case <-ping:
			s.systemd.tell("WATCHDOG=1")
		}
	}
}

// watchdog says when to tell systemd that all is well: twice in its limit.
func (s *supervisor) watchdog() (ping <-chan time.Time, end func()) {
	if s.systemd.watchdog == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(s.systemd.watchdog / 2)
	return t.C, t.Stop
}
