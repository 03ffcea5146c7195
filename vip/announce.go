package vip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// port is the way to the wire of one interface.
type port interface {
	// send sends frames in their order and returns how many were handed over, all
	// of them or less with an error, and how many of those the host dropped: a
	// gate that is shut, a queue that is full. That is no error, for the next frame
	// may pass.
	send(frames [][]byte) (n, dropped int, err error)
	// caughtUp reports whether all that has come by now was heard. The goroutines
	// that listen may be behind on a busy host.
	caughtUp() (bool, error)
	Close() error
}

// dialer opens a port. hear is called with every claim of others, from goroutines
// of the port, until Close returns; it must not block.
type dialer func(l link, hear func(claim)) (port, error)

// The pause after a frame could not be sent. It doubles from the first to the
// second while that goes on.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// announcer tells the segment where the addresses are that it was told to start.
// It has no goroutine and no clock: its owner calls run when the time that run
// returned has come.
type announcer struct {
	schedule schedule
	dial     dialer
	hear     func(claim)
	spread   func() float64 // in [-1, 1]
	pace     *rate.Limiter  // frames per second
	log      *slog.Logger
	stats    *counters

	link    link
	out     port                      // nil until it is needed, and after a failure
	built   map[netip.Addr][][]byte   // of every VIP, started or not
	vips    map[netip.Addr]*announced // those started
	queues  queues
	number  uint64
	ask     questions
	retryAt time.Time
	backoff time.Duration // 0: the last frame was sent
}

// announced is a VIP that was started.
type announced struct {
	announcement *task
	probe        *task
	questions    map[netip.Addr]*task // by the neighbour asked
}

func newAnnouncer(cfg Config, dial dialer, hear func(claim), spread func() float64, stats *counters) *announcer {
	return &announcer{
		schedule: schedule{burst: cfg.Burst, repeat: cfg.Repeat},
		dial:     dial,
		hear:     hear,
		spread:   spread,
		// The bucket holds a tenth of a second: one address gets its burst as
		// scheduled, many are spread.
		pace:  rate.NewLimiter(rate.Limit(cfg.FrameRate), max(framesPerVIP, cfg.FrameRate/10)),
		log:   cfg.Logger,
		stats: stats,
		built: map[netip.Addr][][]byte{},
		vips:  map[netip.Addr]*announced{},
	}
}

// prepare builds the frames of every VIP and opens the port, so that a claim only
// has to send.
func (a *announcer) prepare(set []netip.Addr) error {
	built := make(map[netip.Addr][][]byte, len(set))
	for _, vip := range set {
		frames := a.built[vip]
		if frames == nil {
			var err error
			if frames, err = announcementFrames(vip, a.link.hardwareAddr()); err != nil {
				return err
			}
		}
		built[vip] = frames
	}
	a.built = built
	return a.ready()
}

// start begins the bursts of VIPs that were prepared, anew if they are announced
// already. Run sends the first announcements, in this order.
func (a *announcer) start(now time.Time, vips []netip.Addr) {
	for _, vip := range vips {
		a.stop(vip)
		t := a.task(now, announcement, vip)
		t.frames, t.rank = a.built[vip], atOnce
		t.due = now.Add(a.schedule.burst[0])
		a.vips[vip] = &announced{announcement: t}
		a.queues.add(t)
	}
}

func (a *announcer) task(now time.Time, k kind, vip netip.Addr) *task {
	a.number++
	return &task{kind: k, vip: vip, began: now, due: now, rank: soon, number: a.number}
}

// stop ends all that is said of vip; no frame follows.
func (a *announcer) stop(vip netip.Addr) {
	n := a.vips[vip]
	if n == nil {
		return
	}
	a.queues.drop(n.announcement)
	if n.probe != nil {
		a.queues.drop(n.probe)
	}
	for _, q := range n.questions {
		a.closeQuestion(q)
	}
	delete(a.vips, vip)
}

// setLink tells the state of the interface. A link that came up, and one with
// another hardware address, starts every burst again, and the questions and
// probes with it. It reports whether that was so.
func (a *announcer) setLink(now time.Time, l link) (again bool) {
	old := a.link
	a.link = l
	if l.index != old.index || l.mac != old.mac {
		a.hangUp()
		clear(a.built)
	} else if l.up == old.up && l.ups == old.ups {
		return false
	}
	a.retryAt = time.Time{}
	if len(a.vips) > 0 {
		a.log.Info("link changed", "up", l.up)
	}
	return true
}

// unplug tells that the interface has gone. It will be another when it is back.
func (a *announcer) unplug() {
	a.hangUp()
	a.link = link{}
	clear(a.built)
}

// run sends what is due and returns when it wants to be called next; the zero
// time says not before start or setLink.
func (a *announcer) run(now time.Time) time.Time {
	if !a.link.up {
		return time.Time{}
	}
	if now.Before(a.retryAt) && a.queues.pending() {
		return a.retryAt
	}
	if err := a.emit(now, a.dueAtOnce(now)); err != nil {
		return a.failed(now, err)
	}
	for r := soon; r < ranks; r++ {
		for t := a.queues.head(r); t != nil && !t.due.After(now); t = a.queues.head(r) {
			v := a.pace.ReserveN(now, len(t.frames))
			if wait := v.DelayFrom(now); wait > 0 {
				v.CancelAt(now)
				return a.sooner(now.Add(wait))
			}
			if err := a.emit(now, []*task{t}); err != nil {
				return a.failed(now, err)
			}
		}
	}
	return a.queues.next()
}

// dueAtOnce takes from the first rank what is due.
func (a *announcer) dueAtOnce(now time.Time) (due []*task) {
	for t := a.queues.head(atOnce); t != nil && !t.due.After(now); t = a.queues.head(atOnce) {
		a.queues.drop(t)
		due = append(due, t)
	}
	return due
}

// sooner is the time at which there is room for a paced frame, or a first round
// falls due before.
func (a *announcer) sooner(at time.Time) time.Time {
	if t := a.queues.head(atOnce); t != nil && t.due.Before(at) {
		return t.due
	}
	return at
}

// sending reports whether what was due has left, dropped frames aside.
func (a *announcer) sending() bool { return a.link.up && a.backoff == 0 }

// emit sends the frames of tasks and plans their next rounds. What could not be
// sent stays due.
func (a *announcer) emit(now time.Time, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	var frames [][]byte
	for _, t := range tasks {
		frames = append(frames, t.frames...)
	}
	n, err := a.send(frames)
	for _, t := range tasks {
		if n -= len(t.frames); n < 0 {
			a.queues.add(t)
			continue
		}
		a.sent(now, t)
	}
	return err
}

func (a *announcer) send(frames [][]byte) (int, error) {
	if len(frames) == 0 {
		return 0, nil
	}
	if err := a.ready(); err != nil {
		return 0, err
	}
	n, dropped, err := a.out.send(frames)
	a.stats.dropped.Add(uint64(dropped))
	if err == nil && a.backoff != 0 {
		a.backoff = 0
		a.log.Info("announcing again")
	}
	return n, err
}

// sent counts a round of a task and plans the next.
func (a *announcer) sent(now time.Time, t *task) {
	a.stats.sent(t)
	switch {
	case t.advance(now, a.schedule, a.spread()):
		if t.kind == question && t.rounds == broadcastFrom && t.peer.gateway {
			a.broaden(t)
		}
		a.queues.add(t)
	case t.kind == question:
		a.ask.silent(t.peer.addr)
		a.closeQuestion(t)
	default:
		a.queues.drop(t)
	}
}

// failed plans another attempt with a new port: the old one is of no use when
// the interface was made anew, and no worse than a new one otherwise.
func (a *announcer) failed(now time.Time, err error) time.Time {
	if a.backoff == 0 {
		a.log.Warn("announcement not sent; trying again", logkey.Err, err)
	}
	a.hangUp()
	a.backoff = min(max(minBackoff, 2*a.backoff), maxBackoff)
	a.retryAt = now.Add(a.backoff)
	return a.retryAt
}

// hangUp closes the port; the next frame opens another.
func (a *announcer) hangUp() {
	if a.out == nil {
		return
	}
	if err := a.out.Close(); err != nil {
		a.log.Warn("announcement sockets not closed", logkey.Err, err)
	}
	a.out = nil
}

// ready opens the port.
func (a *announcer) ready() error {
	if a.out != nil {
		return nil
	}
	out, err := a.dial(a.link, a.hear)
	if err != nil {
		return fmt.Errorf("open announcement sockets: %w", err)
	}
	a.out = out
	return nil
}
