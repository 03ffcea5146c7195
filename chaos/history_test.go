package chaos

import (
	"errors"
	"testing"
	"time"
)

func history(samples ...[3]int) History {
	start := time.Now()
	var h History
	for _, s := range samples {
		sample := Sample{
			Sent:  start.Add(time.Duration(s[0]) * time.Millisecond),
			Ended: start.Add(time.Duration(s[1]) * time.Millisecond),
		}
		if s[2] == 0 {
			sample.Err = errors.New("refused")
		}
		h = append(h, sample)
	}
	return h.sorted()
}

func TestOutage(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples [][3]int // sent, ended, good
		want    int
	}{
		{"nothing", nil, 0},
		{"all good", [][3]int{{0, 1, 1}, {5, 6, 1}, {10, 12, 1}}, 6},
		{"a gap", [][3]int{{0, 1, 1}, {5, 6, 0}, {10, 11, 0}, {15, 301, 1}, {20, 302, 1}}, 300},
		{"refused quickly does not count as answered", [][3]int{{0, 1, 1}, {5, 5, 0}, {400, 400, 0}, {405, 406, 1}}, 405},
		{"never back", [][3]int{{0, 1, 1}, {5, 255, 0}, {500, 751, 0}}, 499},
		{"never there", [][3]int{{0, 250, 0}, {5, 255, 0}}, 5},
		{"stragglers from before", [][3]int{{0, 1, 1}, {5, 255, 0}, {40, 41, 1}, {45, 46, 1}}, 40},
		{"out of order", [][3]int{{10, 12, 1}, {0, 1, 1}, {5, 6, 1}}, 6},
	} {
		if got := history(tt.samples...).Outage(); got != time.Duration(tt.want)*time.Millisecond {
			t.Errorf("%s: got %v, want %d ms", tt.name, got, tt.want)
		}
	}
}
