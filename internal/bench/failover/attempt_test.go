package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at makes attempts from "sent ended outcome" in milliseconds.
func at(t *testing.T, lines ...string) []attempt {
	t.Helper()
	var attempts []attempt
	for _, line := range lines {
		a, err := parseAttempt(line)
		if err != nil {
			t.Fatal(err)
		}
		a.Sent *= instant(time.Millisecond)
		a.Ended *= instant(time.Millisecond)
		attempts = append(attempts, a)
	}
	return attempts
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  seen
	}{
		{"nothing", nil, seen{Why: map[string]int{}}},
		{
			"calm",
			[]string{"0 1 answered", "5 6 answered", "10 12 answered"},
			seen{Gap: 6 * ms, GapEnd: instant(12 * ms), Requests: 3, Why: map[string]int{}},
		},
		{
			"refused until it is back",
			[]string{"0 1 answered", "5 6 refused", "10 11 refused", "15 16 answered", "20 21 answered"},
			seen{Gap: 15 * ms, GapEnd: instant(16 * ms), Requests: 5, Failed: 2, Why: map[string]int{"refused": 2}},
		},
		{
			// What was lost in the hole is answered long after the hole.
			"lost and sent again",
			[]string{"0 1 answered", "5 1006 answered", "10 2010 timeout", "15 31 answered", "20 32 answered", "990 1005 answered"},
			seen{Gap: 973 * ms, GapEnd: instant(1005 * ms), Requests: 6, Failed: 1, Slow: 1, Why: map[string]int{"timeout": 1}},
		},
		{
			"never back: until the last request was sent",
			[]string{"0 1 answered", "5 2005 timeout", "100 2100 timeout"},
			seen{Gap: 99 * ms, GapEnd: instant(100 * ms), Requests: 3, Failed: 2, Why: map[string]int{"timeout": 2}},
		},
		{
			"never there",
			[]string{"0 1 refused", "50 51 refused"},
			seen{Gap: 50 * ms, GapEnd: instant(50 * ms), Requests: 2, Failed: 2, Why: map[string]int{"refused": 2}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			attempts := at(t, tt.lines...)
			slices.Reverse(attempts) // any order will do
			if diff := cmp.Diff(tt.want, judge(attempts)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAttemptLine(t *testing.T) {
	want := attempt{Sent: 12345678901, Ended: 12345699999, Outcome: "cut"}
	if got, err := parseAttempt(want.String()); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	for _, line := range []string{"", "1 2", "x y answered"} {
		if _, err := parseAttempt(line); err == nil {
			t.Errorf("no error for %q", line)
		}
	}
}

func TestSplit(t *testing.T) {
	attempts := at(t, "0 1 answered", "2 3 answered", "2 4 cut", "3 11 answered", "8 300 answered", "20 21 answered", "19 22 answered")
	during, after := split(attempts, instant(10*ms), instant(20*ms))
	if diff := cmp.Diff(at(t, "3 11 answered", "8 300 answered", "19 22 answered", "2 3 answered"), during); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(at(t, "20 21 answered"), after); diff != "" {
		t.Error(diff)
	}
}

func TestSteady(t *testing.T) {
	calm := func(from, to int) []attempt {
		var attempts []attempt
		for i := from; i < to; i += 5 {
			attempts = append(attempts, at(t, fmt.Sprintf("%d %d answered", i, i+1))...)
		}
		return attempts
	}
	for _, tt := range []struct {
		name     string
		attempts []attempt
		since    time.Duration
		want     bool
	}{
		{"calm", calm(0, 2000), 0, true},
		{"not long enough since", calm(0, 2000), 751 * ms, false},
		{"nothing", nil, 0, false},
		{"one refused", append(calm(0, 2000), at(t, "1000 1001 refused")...), 0, false},
		{"a failure before", append(calm(0, 2000), at(t, "700 701 refused")...), 0, true},
		{"some are still under way", slices.Concat(calm(0, 1200), calm(1400, 2000)), 0, false},
		{"not yet back", calm(0, 1000), 0, false},
	} {
		if got := steady(tt.attempts, instant(tt.since), instant(2000*ms)); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "answered"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "refused"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "cut"},
		{io.ErrUnexpectedEOF, "cut"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timeout"},
		{errors.New("the answer is 503"), "failed"},
	} {
		if got := outcomeOf(tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestGapAround(t *testing.T) {
	attempts := at(t, "0 1 answered", "5 6 answered", "10 18 answered", "20 21 answered", "25 45 answered", "46 47 answered")
	for _, tt := range []struct {
		from, to time.Duration
		want     time.Duration
	}{{0, 5 * ms, 5 * ms}, {10 * ms, 15 * ms, 12 * ms}, {16 * ms, 20 * ms, 12 * ms}, {19 * ms, 30 * ms, 24 * ms}, {100 * ms, 200 * ms, 0}} {
		if got := gapAround(attempts, instant(tt.from), instant(tt.to)); got != tt.want {
			t.Errorf("from %v to %v: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
