package supervise

import (
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	const ms, every = time.Millisecond, 20 * time.Millisecond
	type look struct {
		at    time.Duration // after the look before
		beats uint64
		want  time.Duration
	}
	for name, looks := range map[string][]look{
		"beating":               {{0, 1, 0}, {20 * ms, 2, 0}, {20 * ms, 4, 0}, {20 * ms, 5, 0}},
		"silent":                {{0, 1, 0}, {20 * ms, 1, 20 * ms}, {21 * ms, 1, 40 * ms}, {20 * ms, 1, 60 * ms}, {20 * ms, 1, 80 * ms}},
		"silent, then not":      {{0, 1, 0}, {20 * ms, 1, 20 * ms}, {20 * ms, 2, 0}, {20 * ms, 2, 20 * ms}},
		"host runs nobody":      {{0, 1, 0}, {500 * ms, 1, 0}, {20 * ms, 2, 0}},
		"late looks do not add": {{0, 1, 0}, {20 * ms, 1, 20 * ms}, {300 * ms, 1, 20 * ms}, {20 * ms, 1, 40 * ms}},
		"woken in between":      {{0, 1, 0}, {5 * ms, 1, 0}, {5 * ms, 1, 0}, {10 * ms, 1, 20 * ms}},
		"woken by a beat":       {{0, 1, 0}, {20 * ms, 1, 20 * ms}, {5 * ms, 2, 0}, {15 * ms, 2, 0}, {5 * ms, 2, 20 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			var p pulse
			now := time.Unix(1000, 0)
			for i, l := range looks {
				now = now.Add(l.at)
				if got := p.look(now, l.beats, every); got != l.want {
					t.Errorf("look %d: silent for %v, want %v", i, got, l.want)
				}
			}
		})
	}
	var p pulse
	now := time.Unix(1000, 0)
	p.look(now, 1, every)
	p.rest()
	if got := p.look(now.Add(every), 1, every); got != 0 {
		t.Errorf("after a rest: silent for %v", got)
	}
}
