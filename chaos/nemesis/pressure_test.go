package nemesis

import (
	"testing"
	"time"

	"github.com/amphora-lb/amphora/chaos/check"
)

func TestParsePressure(t *testing.T) {
	got, err := parsePressure("some avg10=83.27 avg60=86.89 avg300=89.85 total=6346893623\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n")
	if want := 6346893623 * time.Microsecond; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{"", "some avg10=0.00\n", "full total=5\n"} {
		if got, err := parsePressure(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestPressureBetween(t *testing.T) {
	p := &pressure{}
	if got := p.between(0, 100); got != 0 {
		t.Errorf("without a look: %v", got)
	}
	// Idle for 10 s, then starved for a quarter of the time.
	for i := range 21 {
		p.looks = append(p.looks, look{at: check.Instant(i) * check.Instant(time.Second), stalled: max(0, time.Duration(i-10)*time.Second/4)})
	}
	at := func(s float64) check.Instant { return check.Instant(s * 1e9) }
	for _, tt := range []struct {
		from, to float64
		want     time.Duration
	}{
		{2, 4, 0},
		{13, 15, time.Second / 2},
		{13, 13.2, time.Second / 20},
		{25, 26, 0}, // nothing is known
	} {
		if got := p.between(at(tt.from), at(tt.to)); got.Round(time.Millisecond) != tt.want {
			t.Errorf("from %v to %v: got %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
