package supervise

import "time"

// pulse tells a frozen worker from a host that runs nobody. Silence is counted in
// looks of the supervisor itself: a look that came late counts nothing, because
// what kept the supervisor from looking has kept the worker from beating. The
// supervisor looks from an ordinary thread, at no better priority than the
// worker's.
type pulse struct {
	beats  uint64
	silent time.Duration // counted, not measured
	every  time.Duration // between two looks
	due    time.Time     // of the next one; zero: it counts nothing
}

// look takes the count of beats at a time and plans the next look. It returns the
// silence so far: that since the last beat, or up to one interval less.
func (p *pulse) look(now time.Time, beats uint64, every time.Duration) time.Duration {
	late := now.Sub(p.due)
	switch {
	case beats != p.beats:
		p.beats, p.silent = beats, 0
	case every != p.every || p.due.IsZero():
	case late < 0:
		return p.silent // before its time: it was woken for something else
	case late <= every/2:
		p.silent += every
	}
	p.every, p.due = every, now.Add(every)
	return p.silent
}

// rest begins anew, after a time in which nobody could expect a beat.
func (p *pulse) rest() { p.silent, p.due = 0, time.Time{} }
