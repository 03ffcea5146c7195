package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is what the runs of one fault on one system come to. Times are in
// milliseconds.
type row struct {
	Fault       string             `json:"fault"`
	System      string             `json:"system"`
	Runs        int                `json:"runs"`
	Median      float64            `json:"median_ms"` // of the longest gaps between good answers
	Max         float64            `json:"max_ms"`
	Move        float64            `json:"move_ms,omitempty"` // median of the longest gaps around the move
	Requests    int                `json:"requests"`
	Failed      int                `json:"failed"` // requests, in all runs together
	Slow        int                `json:"slow"`   // answered after more than 500 ms
	TwoHolders  float64            `json:"two_holders_ms"`
	TwoRuns     int                `json:"two_holders_runs"` // runs in which there were two
	HealMax     float64            `json:"heal_max_ms"`      // longest gap while the failed host came back
	Moves       int                `json:"moves"`
	Limit       float64            `json:"limit_ms,omitempty"` // the number to reach, for the median
	Verdict     string             `json:"verdict,omitempty"`  // ok or short
	Ratios      map[string]float64 `json:"ratios,omitempty"`   // median / that of the peer
	Gaps        []float64          `json:"gaps_ms"`
	Unrecovered int                `json:"unrecovered"` // runs in which the VIP did not come back, or the pair did not
	Why         map[string]int     `json:"why,omitempty"`
	Reports     []*takeover        `json:"reports,omitempty"` // what the system said itself, run by run
}

// short is the verdict on what does not reach its number.
const short = "short"

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond).Microseconds()) / 1000
}

// median is the middle of values, 0 of none.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// summarize makes a row of the runs of one system.
func summarize(f *fault, system string, results []result) row {
	r := row{Fault: f.key, System: system, Runs: len(results), Why: map[string]int{}}
	var moves []float64
	for _, one := range results {
		r.Gaps = append(r.Gaps, millis(one.Gap))
		r.Max = max(r.Max, millis(one.Gap))
		r.HealMax = max(r.HealMax, millis(one.Heal.Gap))
		r.Requests += one.Requests
		r.Failed += one.Failed
		r.Slow += one.Slow
		r.TwoHolders += millis(one.Two)
		r.Moves += one.Moves
		if one.Move > 0 {
			moves = append(moves, millis(one.Move))
		}
		if one.Two > 0 {
			r.TwoRuns++
		}
		if one.Unrecovered != nil {
			r.Unrecovered++
		}
		for why, n := range one.Why {
			r.Why[why] += n
		}
		if one.Report != nil {
			r.Reports = append(r.Reports, one.Report)
		}
	}
	r.Median, r.Move = median(r.Gaps), median(moves)
	if profile, ours := strings.CutPrefix(system, oursPrefix); ours {
		r.judge(f, profile)
	}
	return r
}

// judge says whether a row of ours reaches the number to reach. Two holders never
// do.
func (r *row) judge(f *fault, profile string) {
	limit, measured := f.limit[profile]
	r.Limit = millis(limit)
	r.Verdict = "ok"
	if measured && r.Median > r.Limit || f.clean && r.Failed > 0 || r.TwoHolders > 0 || r.Unrecovered > 0 || f.still && r.Moves > 0 {
		r.Verdict = short
	}
}

// compare fills in the ratios of our rows to those of the peers.
func compare(rows []row) {
	for i := range rows {
		if !strings.HasPrefix(rows[i].System, oursPrefix) {
			continue
		}
		rows[i].Ratios = map[string]float64{}
		for _, peer := range rows {
			if !strings.HasPrefix(peer.System, oursPrefix) && peer.Median > 0 {
				rows[i].Ratios[peer.System] = rows[i].Median / peer.Median
			}
		}
	}
}

// print writes the rows of one fault as a table.
func printRows(out io.Writer, f *fault, rows []row) {
	fmt.Fprintf(out, "\n%s: %s\n", f.key, f.what)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  system\truns\tmedian ms\tmax ms\tmove ms\tto reach\tfailed\tslow\ttwo holders ms\theal max ms\tmoves\tverdict\tratios of the medians")
	for _, r := range rows {
		limit := "-"
		if r.Limit > 0 {
			limit = fmt.Sprintf("%.0f", r.Limit)
		}
		move := "-"
		if r.Move > 0 {
			move = fmt.Sprintf("%.1f", r.Move)
		}
		verdict := r.Verdict
		if r.Unrecovered > 0 {
			verdict = strings.TrimSpace(fmt.Sprintf("%s %d not recovered", verdict, r.Unrecovered))
		}
		var ratios []string
		for _, peer := range rows {
			if ratio, ok := r.Ratios[peer.System]; ok {
				ratios = append(ratios, fmt.Sprintf("%.3f of %s", ratio, peer.System))
			}
		}
		fmt.Fprintf(w, "  %s\t%d\t%.1f\t%.1f\t%s\t%s\t%d of %d\t%d\t%.0f in %d\t%.1f\t%d\t%s\t%s\n", r.System, r.Runs, r.Median, r.Max,
			move, limit, r.Failed, r.Requests, r.Slow, r.TwoHolders, r.TwoRuns, r.HealMax, r.Moves, verdict, strings.Join(ratios, ", "))
	}
	_ = w.Flush() // as fmt.Fprint: a result that cannot be shown is not shown
	for _, r := range rows {
		if t := medianTakeover(r.Reports); t != nil {
			fmt.Fprintf(out, "  %s, medians of %d reports%s\n", r.System, len(r.Reports), t)
		}
	}
}

// printJSON writes a line for each row.
func printJSON(out io.Writer, rows []row) error {
	enc := json.NewEncoder(out)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}
