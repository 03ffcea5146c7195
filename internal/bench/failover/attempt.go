package main

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// answered is the outcome of a request that got its answer.
const answered = "answered"

// slowAfter is what makes a connection slow: well beyond any answer of an idle
// machine, well below the first retry of a SYN.
const slowAfter = 500 * time.Millisecond

// instant is a time on the clock that all processes of the machine share.
type instant time.Duration

// now reads CLOCK_BOOTTIME.
func now() instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // cannot fail for this clock
	return instant(ts.Nano())
}

func (i instant) sub(j instant) time.Duration { return time.Duration(i - j) }

// attempt is one request of the client.
type attempt struct {
	Sent, Ended instant
	Outcome     string // answered, or why not
}

// String is the line that parseAttempt reads.
func (a attempt) String() string { return fmt.Sprintf("%d %d %s", a.Sent, a.Ended, a.Outcome) }

func parseAttempt(line string) (attempt, error) {
	var a attempt
	if _, err := fmt.Sscan(line, &a.Sent, &a.Ended, &a.Outcome); err != nil {
		return attempt{}, fmt.Errorf("read request %q: %w", line, err)
	}
	return a, nil
}

// seen is what the client saw of a fault.
type seen struct {
	Gap      time.Duration  // longest time between two good answers
	GapEnd   instant        // when it ended
	Requests int            // sent
	Failed   int            // got no good answer within clientLimit
	Slow     int            // got one after more than slowAfter
	Why      map[string]int // the failed, by outcome
}

// hole is a time without a good answer.
type hole struct{ from, to instant }

// holes lists the times without a good answer in attempts of any order, from the
// client's side: between two that follow each other, and at the end from the last
// one until the last request that failed was sent. When a request fails says
// nothing: it may have been lost long before.
func holes(attempts []attempt) (list []hole) {
	ordered := slices.Clone(attempts)
	slices.SortFunc(ordered, func(a, b attempt) int { return int(a.Ended - b.Ended) })
	var last, lost instant
	for i, a := range ordered {
		if i == 0 {
			last = a.Sent
		}
		if a.Outcome != answered {
			lost = max(lost, a.Sent)
			continue
		}
		list = append(list, hole{last, a.Ended})
		last = a.Ended
	}
	if lost > last {
		list = append(list, hole{last, lost})
	}
	return list
}

// longest is the longest of them.
func longest(list []hole) (l hole) {
	for _, h := range list {
		if h.to.sub(h.from) > l.to.sub(l.from) {
			l = h
		}
	}
	return l
}

// judge reads attempts in any order.
func judge(attempts []attempt) seen {
	gap := longest(holes(attempts))
	s := seen{Gap: gap.to.sub(gap.from), GapEnd: gap.to, Requests: len(attempts), Why: map[string]int{}}
	for _, a := range attempts {
		switch {
		case a.Outcome != answered:
			s.Failed++
			s.Why[a.Outcome]++
		case a.Ended.sub(a.Sent) > slowAfter:
			s.Slow++
		}
	}
	return s
}

// gapAround is the longest gap that touches the time from one instant to another.
func gapAround(attempts []attempt, from, to instant) time.Duration {
	gap := longest(slices.DeleteFunc(holes(attempts), func(h hole) bool { return h.to < from || h.from > to }))
	return gap.to.sub(gap.from)
}

// split parts attempts: those that a fault at from may have touched, with the
// last good answer before it, and those that were sent from healed on.
func split(attempts []attempt, from, healed instant) (during, after []attempt) {
	var last attempt
	for _, a := range attempts {
		switch {
		case a.Sent >= healed:
			after = append(after, a)
		case a.Ended >= from:
			during = append(during, a)
		case a.Outcome == answered && a.Ended > last.Ended:
			last = a
		}
	}
	if last.Outcome == answered {
		during = append(during, last)
	}
	return during, after
}

// steady reports whether the client has been answered for a whole second, begun
// after since and ended a little before at, so that its requests have ended too.
func steady(attempts []attempt, since, at instant) bool {
	const (
		window = instant(time.Second)
		margin = instant(250 * time.Millisecond)
		hole   = instant(100 * time.Millisecond) // more between two good requests is an outage
	)
	from, to := at-margin-window, at-margin
	if from < since {
		return false
	}
	var good []instant
	for _, a := range attempts {
		if a.Sent < from || a.Sent > to {
			continue
		}
		if a.Outcome != answered {
			return false
		}
		good = append(good, a.Sent)
	}
	slices.Sort(good)
	last := from
	for _, sent := range append(good, to) {
		if sent-last > hole {
			return false
		}
		last = sent
	}
	return true
}
