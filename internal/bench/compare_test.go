package main

import (
	"os"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v: got %v", tt.values, got)
		}
	}
}

func TestBootstrap(t *testing.T) {
	if low, high := bootstrap([]float64{2, 2, 2, 2, 2}); low != 2 || high != 2 {
		t.Errorf("equal values: %v to %v", low, high)
	}
	values := []float64{0.9, 0.95, 1, 1, 1, 1.05, 1.1}
	low, high := bootstrap(values)
	if low < 0.9 || low >= 1 || high > 1.1 || high <= 1 {
		t.Errorf("of %v: %v to %v", values, low, high)
	}
}

// The least disturbed pairs count, however many there are.
func TestConclude(t *testing.T) {
	made := func(a, b, foreign float64) pair {
		p := pair{A: measurement{CPU: a, Foreign: foreign}, B: measurement{CPU: b, Steal: foreign / 2}, Ratio: a / b}
		p.Disturbed = p.elsewhere() > foreignLimit
		return p
	}
	c := comparison{Pairs: []pair{made(90, 10, 0.9), made(10, 10, 0), made(40, 10, 0.4), made(20, 10, 0.2), made(12, 10, 0.01)}}
	c.conclude(3)
	if c.A != 12 || c.B != 10 || c.Ratio != 1.2 || c.Disturbed != 1 {
		t.Errorf("ours %v, theirs %v, ratio %v, %d disturbed", c.A, c.B, c.Ratio, c.Disturbed)
	}
}

// CPU time grows with work and is about what the process says itself.
func TestReadCPU(t *testing.T) {
	before, err := readCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	x := uint64(1)
	for range 50_000_000 {
		x = x*6364136223846793005 + 1
	}
	after, err := readCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if spent := after.sub(before); spent <= 0 || x == 0 {
		t.Errorf("%v of CPU time for 50 million multiplications", spent)
	}
	gone := cpuTime{threads: map[string]time.Duration{"/proc/1/task/ended": 5}, total: before.total}
	if got, want := after.sub(gone), after.total-before.total; got != want {
		t.Errorf("after a thread has ended: %v, want %v", got, want)
	}
	if _, err := readCPU(1 << 30); err == nil {
		t.Error("no error for a process that there is not")
	}
}
