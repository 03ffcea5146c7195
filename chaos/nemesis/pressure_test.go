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
	p.looks = []look{{100, 10}, {200, 10}, {300, 60}, {400, 160}}
	for _, tt := range []struct {
		from, to check.Instant
		want     time.Duration
	}{{100, 200, 0}, {150, 350, 50}, {200, 400, 150}, {0, 1000, 150}, {500, 600, 0}} {
		if got := p.between(tt.from, tt.to); got != tt.want {
			t.Errorf("from %d to %d: got %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
