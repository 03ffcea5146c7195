package vip

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestScheduleByDefault(t *testing.T) {
	c := Config{}.withDefaults()
	s := schedule{burst: c.Burst, repeat: c.Repeat}
	got := []time.Duration{s.burst[0]}
	for len(got) < 12 {
		got = append(got, s.next(got[len(got)-1], 0))
	}
	const ms = time.Millisecond
	want := []time.Duration{
		0, 5 * ms, 20 * ms, 50 * ms, 100 * ms, 250 * ms, time.Second, 2 * time.Second, 5 * time.Second,
		35 * time.Second, 65 * time.Second, 95 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("times of the announcements (-want +got):\n%s", diff)
	}
}

func TestScheduleSkipsWhatIsLate(t *testing.T) {
	c := Config{}.withDefaults()
	s := schedule{burst: c.Burst, repeat: c.Repeat}
	if got, want := s.next(60*time.Millisecond, 0), 100*time.Millisecond; got != want {
		t.Errorf("after 60 ms the next is at %v, want %v", got, want)
	}
}

func TestScheduleGoesOn(t *testing.T) {
	c := Config{}.withDefaults()
	s := schedule{burst: c.Burst, repeat: c.Repeat}
	rapid.Check(t, func(t *rapid.T) {
		elapsed := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "elapsed"))
		spread := rapid.Float64Range(-1, 1).Draw(t, "spread")
		next := s.next(elapsed, spread)
		if next <= elapsed || next > elapsed+33*time.Second {
			t.Fatalf("after %v the next is at %v", elapsed, next)
		}
		if elapsed >= 5*time.Second && next < elapsed+27*time.Second {
			t.Fatalf("a repetition comes after %v", next-elapsed)
		}
	})
}
