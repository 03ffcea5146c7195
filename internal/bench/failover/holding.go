package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// holding says who answered for the VIP from an instant on.
type holding struct {
	At   instant
	MACs []string // sorted; none: nobody
}

// String is the line that parseHolding reads.
func (h holding) String() string { return fmt.Sprintf("%d %s", h.At, strings.Join(h.MACs, " ")) }

func parseHolding(line string) (holding, error) {
	at, macs, _ := strings.Cut(line, " ")
	h := holding{MACs: strings.Fields(macs)}
	if _, err := fmt.Sscan(at, &h.At); err != nil {
		return holding{}, fmt.Errorf("read holders %q: %w", line, err)
	}
	return h, nil
}

// held is what the watcher saw of a fault.
type held struct {
	Two   time.Duration // for how long more than one host answered
	Moves int           // how often a host began to answer that had not been the last to do so
}

// judgeHolders reads the watcher's lines in order; the last one ends the watch.
func judgeHolders(holdings []holding) held {
	var h held
	var last []string // who answered last, when anybody did
	for i, now := range holdings {
		if i > 0 && len(holdings[i-1].MACs) > 1 {
			h.Two += now.At.sub(holdings[i-1].At)
		}
		if len(now.MACs) == 0 {
			continue
		}
		for _, mac := range now.MACs {
			if last != nil && !slices.Contains(last, mac) {
				h.Moves++
			}
		}
		last = now.MACs
	}
	return h
}

// lastHolder is the only one that answers at the end of holdings, or "".
func lastHolder(holdings []holding) string {
	if len(holdings) == 0 || len(holdings[len(holdings)-1].MACs) != 1 {
		return ""
	}
	return holdings[len(holdings)-1].MACs[0]
}

// firstMove is when, after at, a host was first seen to answer that did not answer at that time.
func firstMove(holdings []holding, at instant) (moved instant, ok bool) {
	var before []string
	for _, h := range holdings {
		if h.At <= at {
			if len(h.MACs) > 0 {
				before = h.MACs
			}
			continue
		}
		if slices.ContainsFunc(h.MACs, func(mac string) bool { return !slices.Contains(before, mac) }) {
			return h.At, true
		}
	}
	return 0, false
}

// movedFrom reports whether another than holder answers at the end of holdings,
// alone or not.
func movedFrom(holdings []holding, holder string) bool {
	return len(holdings) > 0 && slices.ContainsFunc(holdings[len(holdings)-1].MACs, func(mac string) bool { return mac != holder })
}
