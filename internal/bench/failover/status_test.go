package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTakeover(t *testing.T) {
	const status = `{"cluster": "demo", "holding": {"term": 4, "lease_ms": 440.5, "takeover": {"cause": "silence", "from": "amphora-1",
		"why": null, "total_ms": 481.25, "stages": [{"name": "suspected", "at_ms": 460}, {"name": "elected", "at_ms": 475.5}]}}}`
	got, err := parseTakeover(status)
	want := &takeover{Cause: "silence", Total: 481.25, Stages: []stage{{"suspected", 460}, {"elected", 475.5}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if want := "; it says 481.2 ms, silence: suspected 460.0 elected 475.5"; got.String() != want {
		t.Errorf("got %q", got)
	}
	for _, nothing := range []string{`{}`, `{"holding": null}`} {
		if got, err := parseTakeover(nothing); got != nil || err != nil {
			t.Errorf("of %s: %v, %v", nothing, got, err)
		}
	}
	if _, err := parseTakeover("no"); err == nil {
		t.Error("no error for what is no JSON")
	}
}

func TestMedianTakeover(t *testing.T) {
	if medianTakeover(nil) != nil {
		t.Error("of none")
	}
	got := medianTakeover([]*takeover{
		{Cause: "silence", Total: 480, Stages: []stage{{"suspected", 460}, {"elected", 470}}},
		{Cause: "silence", Total: 500, Stages: []stage{{"elected", 490}, {"suspected", 461}}},
		{Cause: "crash", Total: 20, Stages: []stage{{"elected", 10}}},
	})
	want := &takeover{Cause: "silence, crash", Total: 480, Stages: []stage{{"suspected", 460.5}, {"elected", 470}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAllAlive(t *testing.T) {
	if err := allAlive(`{"nodes": [{"name": "a", "state": "alive"}, {"name": "b", "state": "alive"}]}`); err != nil {
		t.Error(err)
	}
	for _, status := range []string{`{"nodes": [{"name": "a", "state": "alive"}, {"name": "b", "state": "dead"}]}`, "no"} {
		if allAlive(status) == nil {
			t.Errorf("no error for %s", status)
		}
	}
}
