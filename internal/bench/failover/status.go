package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// takeover is what the new holder says of how it came to hold the VIPs, as
// `amphoractl cluster status -o json` prints it. Times are milliseconds from the
// last sign of the old holder.
type takeover struct {
	Cause  string  `json:"cause"`
	Why    string  `json:"why,omitempty"`
	Total  float64 `json:"total_ms"`
	Stages []stage `json:"stages"`
}

// stage is one step of a takeover.
type stage struct {
	Name string  `json:"name"`
	At   float64 `json:"at_ms"`
}

// parseTakeover reads a cluster's status: nil if no holder says anything.
func parseTakeover(status string) (*takeover, error) {
	var st struct {
		Holding *struct {
			Takeover takeover `json:"takeover"`
		} `json:"holding"`
	}
	if err := json.Unmarshal([]byte(status), &st); err != nil {
		return nil, fmt.Errorf("read cluster status: %w", err)
	}
	if st.Holding == nil || st.Holding.Takeover.Cause == "" {
		return nil, nil
	}
	return &st.Holding.Takeover, nil
}

// String says it in one line, and nothing of nil.
func (t *takeover) String() string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "; it says %.1f ms, %s:", t.Total, t.Cause)
	for _, s := range t.Stages {
		fmt.Fprintf(&b, " %s %.1f", s.Name, s.At)
	}
	return b.String()
}

// medianTakeover puts the medians of several takeovers into one: causes side by
// side, stages in the order in which they come in time. It is nil if there are
// none.
func medianTakeover(all []*takeover) *takeover {
	if len(all) == 0 {
		return nil
	}
	var causes, names []string
	var totals []float64
	at := map[string][]float64{}
	for _, t := range all {
		if !slices.Contains(causes, t.Cause) {
			causes = append(causes, t.Cause)
		}
		totals = append(totals, t.Total)
		for _, s := range t.Stages {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
			at[s.Name] = append(at[s.Name], s.At)
		}
	}
	m := &takeover{Cause: strings.Join(causes, ", "), Total: median(totals)}
	for _, name := range names {
		m.Stages = append(m.Stages, stage{name, median(at[name])})
	}
	slices.SortStableFunc(m.Stages, func(a, b stage) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return m
}

// allAlive reads a cluster's status: an error names who is not.
func allAlive(status string) error {
	var st struct {
		Nodes []struct {
			Name  string `json:"name"`
			State string `json:"state"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(status), &st); err != nil {
		return fmt.Errorf("read cluster status: %w", err)
	}
	for _, n := range st.Nodes {
		if n.State != "alive" {
			return fmt.Errorf("%s is %s", n.Name, n.State)
		}
	}
	return nil
}
