package chaos

import (
	"slices"
	"time"
)

// Sample is one request of a client.
type Sample struct {
	Sent, Ended time.Time
	From        string // the member that answered
	Err         error  // nil: answered well
}

// History is what a client saw, in the order in which requests ended. The
// checkers below read only this: they do not know what was done to the cluster.
type History []Sample

func (h History) sorted() History {
	slices.SortFunc(h, func(a, b Sample) int { return a.Ended.Compare(b.Ended) })
	return h
}

// Outage is the longest time during which no request was answered well, from
// the client's side: between two good answers that follow each other, or from
// the last one until the last request that failed was sent. When a request fails
// says nothing: it may have been lost long before.
func (h History) Outage() time.Duration {
	var longest time.Duration
	var last time.Time
	for _, s := range h {
		if last.IsZero() {
			last = s.Sent
		}
		until := s.Ended
		if s.Err != nil {
			until = s.Sent
		}
		longest = max(longest, until.Sub(last))
		if s.Err == nil {
			last = s.Ended
		}
	}
	return longest
}

// Failed counts the requests that got no good answer.
func (h History) Failed() int {
	n := 0
	for _, s := range h {
		if s.Err != nil {
			n++
		}
	}
	return n
}

// Members counts good answers by member.
func (h History) Members() map[string]int {
	members := map[string]int{}
	for _, s := range h {
		if s.Err == nil {
			members[s.From]++
		}
	}
	return members
}
