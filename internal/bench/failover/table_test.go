package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func gap(d time.Duration, failed int) result {
	return result{seen: seen{Gap: d, Requests: 100, Failed: failed, Why: map[string]int{"cut": failed}}}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v: got %v", tt.values, got)
		}
	}
}

func TestSummarize(t *testing.T) {
	results := []result{gap(20*ms, 1), gap(400*ms, 0), gap(30*ms, 2)}
	results[1].Two = 7 * ms
	results[1].Moves = 2
	results[0].Move, results[2].Move = 20*ms, 28*ms
	results[2].Heal.Gap = 55 * ms
	got := summarize(linkDown, octaviaPeer.name, results)
	want := row{
		Fault: "link-down", System: octaviaPeer.name, Runs: 3, Median: 30, Max: 400, Move: 24, Requests: 300, Failed: 3,
		TwoHolders: 7, TwoRuns: 1, HealMax: 55, Moves: 2, Gaps: []float64{20, 400, 30}, Why: map[string]int{"cut": 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVerdict(t *testing.T) {
	two, lost, moved := gap(ms, 0), gap(ms, 0), gap(ms, 0)
	two.Two = ms
	lost.Unrecovered = errors.New("it did not come back")
	moved.Moves = 1
	for _, tt := range []struct {
		name   string
		fault  *fault
		system string
		result result
		want   string
	}{
		{"reached", linkDown, oursPrefix + profileDefault, gap(520*ms, 9), "ok"},
		{"a little more", linkDown, oursPrefix + profileDefault, gap(520*ms+time.Millisecond, 9), "short"},
		{"other profile", linkDown, oursPrefix + profileLANFast, gap(520*ms, 9), "short"},
		{"clean", planned, oursPrefix + profileDefault, gap(ms, 0), "ok"},
		{"not clean", planned, oursPrefix + profileDefault, gap(ms, 1), "short"},
		{"two holders", linkDown, oursPrefix + profileDefault, two, "short"},
		{"not recovered", linkDown, oursPrefix + profileDefault, lost, "short"},
		{"moved in peace", saturated, oursPrefix + profileDefault, moved, "short"},
		{"busy", saturated, oursPrefix + profileDefault, gap(900*ms, 5), "ok"},
		{"peers are not judged", linkDown, octaviaPeer.name, gap(time.Hour, 5), ""},
	} {
		if got := summarize(tt.fault, tt.system, []result{tt.result}).Verdict; got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	rows := []row{
		summarize(killAll, oursPrefix+profileDefault, []result{gap(480*ms, 3)}),
		summarize(killAll, octaviaPeer.name, []result{gap(3200*ms, 600)}),
	}
	compare(rows)
	if diff := cmp.Diff(map[string]float64{octaviaPeer.name: 0.15}, rows[0].Ratios); diff != "" {
		t.Error(diff)
	}
	if rows[1].Ratios != nil {
		t.Errorf("a peer compared with itself: %v", rows[1].Ratios)
	}
	var text strings.Builder
	printRows(&text, killAll, rows)
	for _, want := range []string{"kill-all: kill -9", "ours default", "480.0", "520", "3 of 100", "ok", "0.150 of keepalived 1s", "3200.0"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	var lines strings.Builder
	if err := printJSON(&lines, rows); err != nil {
		t.Fatal(err)
	}
	var back row
	if err := json.Unmarshal([]byte(strings.Split(lines.String(), "\n")[1]), &back); err != nil {
		t.Fatal(err)
	}
	if back.Median != 3200 || strings.Count(lines.String(), "\n") != 2 {
		t.Errorf("as JSON:\n%s", &lines)
	}
}
