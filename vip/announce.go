package vip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// sender puts frames on the wire of one interface.
type sender interface {
	send(frame []byte) error
	Close() error
}

// The pause after a frame could not be sent. It doubles from the first to the
// second while that goes on.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// announcer announces the addresses that it was told to start. It has no
// goroutine and no clock: its owner calls run when the time that run returned
// has come.
type announcer struct {
	schedule schedule
	dial     func(link) (sender, error)
	spread   func() float64 // in [-1, 1]
	pace     *rate.Limiter  // frames per second
	log      *slog.Logger

	link    link
	out     sender // nil until it is needed, and after a failure
	vips    map[netip.Addr]*announcement
	retryAt time.Time
	backoff time.Duration // 0: the last frame was sent
}

// announcement is the state of one address.
type announcement struct {
	frames [][]byte
	began  time.Time
	due    time.Time
	first  bool // the first of a burst, which is not paced
}

func newAnnouncer(cfg Config, dial func(link) (sender, error), spread func() float64) *announcer {
	return &announcer{
		schedule: schedule{burst: cfg.Burst, repeat: cfg.Repeat},
		dial:     dial,
		spread:   spread,
		// The bucket holds a tenth of a second: one address gets its burst as
		// scheduled, many are spread.
		pace: rate.NewLimiter(rate.Limit(cfg.FrameRate), max(framesPerVIP, cfg.FrameRate/10)),
		log:  cfg.Logger,
		vips: map[netip.Addr]*announcement{},
	}
}

// start begins the burst for vip, anew if it is announced already. The first
// announcement leaves before start returns, if the link is up.
func (a *announcer) start(now time.Time, vip netip.Addr) error {
	frames, err := announcementFrames(vip, a.link.hardwareAddr())
	if err != nil {
		return err
	}
	n := &announcement{frames: frames}
	n.restart(now, a.schedule)
	a.vips[vip] = n
	if a.link.up && !n.due.After(now) && !now.Before(a.retryAt) {
		if err := a.emit(now, n); err != nil {
			a.failed(now, err)
		}
	}
	return nil
}

func (n *announcement) restart(now time.Time, s schedule) {
	n.began, n.due, n.first = now, now.Add(s.burst[0]), true
}

// stop ends the announcing of vip; no frame follows.
func (a *announcer) stop(vip netip.Addr) { delete(a.vips, vip) }

// setLink tells the state of the interface. A link that came up, and one with
// another hardware address, starts every burst again.
func (a *announcer) setLink(now time.Time, l link) error {
	old := a.link
	a.link = l
	if l.index != old.index || l.mac != old.mac {
		a.hangUp()
		for vip, n := range a.vips {
			frames, err := announcementFrames(vip, l.hardwareAddr())
			if err != nil {
				return err
			}
			n.frames = frames
		}
	} else if l.up == old.up && l.ups == old.ups {
		return nil
	}
	a.retryAt = time.Time{}
	for _, n := range a.vips {
		n.restart(now, a.schedule)
	}
	if len(a.vips) > 0 {
		a.log.Info("link changed", "up", l.up)
	}
	return nil
}

// unplug tells that the interface has gone. It will be another when it is back.
func (a *announcer) unplug() {
	a.hangUp()
	a.link = link{}
}

// run sends what is due and returns when it wants to be called next; the zero
// time says not before start or setLink.
func (a *announcer) run(now time.Time) time.Time {
	if !a.link.up || len(a.vips) == 0 {
		return time.Time{}
	}
	if now.Before(a.retryAt) {
		return a.retryAt
	}
	for _, n := range a.dueAt(now) {
		if !n.first {
			r := a.pace.ReserveN(now, len(n.frames))
			if wait := r.DelayFrom(now); wait > 0 {
				r.CancelAt(now)
				return now.Add(wait)
			}
		}
		if err := a.emit(now, n); err != nil {
			return a.failed(now, err)
		}
	}
	var next time.Time
	for _, n := range a.vips {
		if next.IsZero() || n.due.Before(next) {
			next = n.due
		}
	}
	return next
}

// dueAt returns the announcements that are due: first ones first, for they must
// not wait behind those that are paced, and then those that wait longest.
func (a *announcer) dueAt(now time.Time) []*announcement {
	var due []*announcement
	for _, n := range a.vips {
		if !n.due.After(now) {
			due = append(due, n)
		}
	}
	slices.SortFunc(due, func(x, y *announcement) int {
		switch {
		case x.first == y.first:
			return x.due.Compare(y.due)
		case x.first:
			return -1
		default:
			return 1
		}
	})
	return due
}

// emit announces one address and sets the time of its next announcement.
func (a *announcer) emit(now time.Time, n *announcement) error {
	if err := a.ready(); err != nil {
		return err
	}
	for _, frame := range n.frames {
		if err := a.out.send(frame); err != nil {
			return err
		}
	}
	if a.backoff != 0 {
		a.backoff = 0
		a.log.Info("announcing again")
	}
	n.first = false
	n.due = n.began.Add(a.schedule.next(now.Sub(n.began), a.spread()))
	return nil
}

// failed plans another attempt with a new socket: the old one is of no use when
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

// hangUp closes the socket; the next frame opens another.
func (a *announcer) hangUp() {
	if a.out == nil {
		return
	}
	if err := a.out.Close(); err != nil {
		a.log.Warn("announcement socket not closed", logkey.Err, err)
	}
	a.out = nil
}

// ready opens the socket. Called ahead of the first frame it saves a claim the
// time.
func (a *announcer) ready() error {
	if a.out != nil {
		return nil
	}
	out, err := a.dial(a.link)
	if err != nil {
		return fmt.Errorf("open announcement socket: %w", err)
	}
	a.out = out
	return nil
}
