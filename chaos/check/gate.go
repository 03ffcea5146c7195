package check

import (
	"slices"
	"time"
)

// Kind is what happened to a gate.
type Kind uint8

// The kinds of records.
const (
	Extend Kind = iota + 1 // open, or stay open, until Until
	Shut                   // shut, by the one who opened it
	Raise                  // no term below Term opens it any more; shut if it was open in one of them
	Kill                   // another amphora claimed a virtual IP: shut until a round that is sent later
	Drain                  // in a planned switchover: once shut, connections that there are go on until Until
	Other                  // says nothing of whether the gate is open
)

// Record is one entry of a gate's journal. It is written before the gate is
// touched, so that a process killed in between leaves a record of what it may
// have done.
type Record struct {
	At    Instant
	Kind  Kind
	Term  uint64
	Sent  Instant // Extend: when the round of messages began that allows it
	Until Instant // Extend: when the gate shuts itself; Drain: when that ends
}

// Journal is what happened to the gate of one node, in order.
type Journal []Record

// Interval is a time during which a gate was open without a break in one term.
// From is in it, To is not.
type Interval struct {
	Node     string
	Term     uint64
	From, To Instant
}

// Covers reports whether t lies in the interval or, after its end, within slack.
func (i Interval) Covers(t Instant, slack time.Duration) bool {
	return i.From <= t && t.Add(-slack) < i.To // To may be as far away as there is
}

// Open is when the gate of the node was open, in order of time. An interval
// begins with the store that opened the gate and ends with the first of its
// expiry, a shut, and a floor that rose above its term.
func (j Journal) Open(node string) []Interval {
	var (
		all    []Interval
		floor  uint64
		killed Instant
		open   bool
		now    Interval // meaningful while open
	)
	end := func(at Instant) {
		if !open {
			return
		}
		open = false
		if now.To = min(now.To, at); now.To > now.From {
			all = append(all, now)
		}
	}
	for _, r := range j {
		if open && now.To <= r.At {
			end(now.To)
		}
		switch r.Kind {
		case Extend:
			switch {
			case r.Term < floor || r.Until <= r.At || killed != 0 && r.Sent <= killed:
				// Refused, or over before it began.
			case open && now.Term == r.Term:
				now.To = r.Until
			default:
				end(r.At)
				open, now = true, Interval{Node: node, Term: r.Term, From: r.At, To: r.Until}
			}
		case Shut:
			end(r.At)
		case Kill:
			killed = r.At
			end(r.At)
		case Raise:
			floor = max(floor, r.Term)
			if open && now.Term < floor {
				end(r.At)
			}
		}
	}
	if open {
		end(now.To)
	}
	return all
}

// Draining is when connections of the node were let go on although its gate was
// shut: after a record that says so, until it ends or the node holds again.
func (j Journal) Draining(node string) (all []Interval) {
	for i, r := range j {
		if r.Kind != Drain {
			continue
		}
		now := Interval{Node: node, Term: r.Term, From: r.At, To: r.Until}
		for _, next := range j[i+1:] {
			if next.At >= now.To {
				break
			}
			// An Extend of the term that ends may still be under way.
			if next.Kind == Drain || next.Kind == Extend && next.Term > r.Term {
				now.To = next.At
			}
		}
		if now.To > now.From {
			all = append(all, now)
		}
	}
	return all
}

// Timeline is when which gate was open, of all nodes, in order of time.
func Timeline(journals map[string]Journal) []Interval {
	var all []Interval
	for node, j := range journals {
		all = append(all, j.Open(node)...)
	}
	slices.SortFunc(all, func(a, b Interval) int {
		switch {
		case a.From != b.From:
			return int(min(1, max(-1, a.From-b.From)))
		case a.Node < b.Node:
			return -1
		}
		return 1
	})
	return all
}

// OneHolder is I1: the gates of two nodes are never open at the same instant. It
// also returns for how long two were.
func OneHolder(timeline []Interval) (dual time.Duration, bad []Violation) {
	for i, a := range timeline {
		for _, b := range timeline[i+1:] {
			if b.From >= a.To {
				break // so do all that follow
			}
			if a.Node == b.Node {
				continue
			}
			overlap := min(a.To, b.To).Sub(b.From)
			dual += overlap
			bad = append(bad, violation("I1", b.From, "%s opened its gate in term %d while that of %s was open in term %d: both for %v", b.Node, b.Term, a.Node, a.Term, overlap))
		}
	}
	return dual, bad
}

// Leases is I3 as far as a journal shows it: whenever a gate was opened, the round
// that allows it did not begin in the future, the gate shuts itself within the
// lease of that round, and a new holder has a newer term than the one before.
func Leases(journals map[string]Journal, lease time.Duration) (bad []Violation) {
	for node, j := range journals {
		for _, r := range j {
			if r.Kind != Extend || r.Until <= r.At { // the latter opened nothing
				continue
			}
			switch {
			case r.Sent > r.At:
				bad = append(bad, violation("I3", r.At, "%s opened its gate in term %d for a round that began %v later", node, r.Term, r.Sent.Sub(r.At)))
			case r.Until.Sub(r.Sent) > lease:
				bad = append(bad, violation("I3", r.At, "%s opened its gate in term %d until %v after the round began: the lease is %v", node, r.Term, r.Until.Sub(r.Sent), lease))
			}
		}
	}
	timeline := Timeline(journals)
	for i := 1; i < len(timeline); i++ {
		a, b := timeline[i-1], timeline[i]
		if b.Term < a.Term || b.Term == a.Term && a.Node != b.Node {
			bad = append(bad, violation("I3", b.From, "%s opened its gate in term %d after %s had in term %d", b.Node, b.Term, a.Node, a.Term))
		}
	}
	return bad
}
