package check

import (
	"testing"
	"time"
)

// answered is an answer each 5 ms from start to end.
func answered(start, end Instant, node string) (all []Good) {
	for at := start; at < end; at += 5 {
		all = append(all, Good{At: at * ms, Node: node})
	}
	return all
}

// never and always are machines with time to spare and without.
func never(Instant, Instant) time.Duration  { return 0 }
func always(from, to Instant) time.Duration { return to.Sub(from) }

func TestBack(t *testing.T) {
	const calm = 100 * time.Millisecond
	good := append(answered(0, 1000, "a"), answered(1300, 2000, "b")...)
	kill := Window{Name: "kill", From: 1000 * ms, To: 1500 * ms, Bound: 400 * time.Millisecond}
	if longest, bad := Back(good, []Window{kill}, calm, never); bad != nil || longest != 305*time.Millisecond {
		t.Errorf("good: %v, %v", longest, bad)
	}
	if _, bad := Back(good, nil, calm, never); len(bad) != 1 {
		t.Errorf("without a fault: %v", bad)
	}
	kill.Bound = 300 * time.Millisecond
	if _, bad := Back(good, []Window{kill}, calm, never); len(bad) != 1 {
		t.Errorf("too slow: %v", bad)
	}
	if _, bad := Back(good, []Window{kill}, calm, always); bad != nil {
		t.Errorf("too slow on a starved machine: %v", bad)
	}
	dead := append(answered(0, 1000, "a"), answered(4000, 4100, "b")...)
	if _, bad := Back(dead, []Window{kill}, calm, always); len(bad) != 1 {
		t.Errorf("stuck on a starved machine: %v", bad)
	}
	kill.From, kill.To = 0, 900*ms
	if _, bad := Back(good, []Window{kill}, calm, never); len(bad) != 1 {
		t.Errorf("after another fault: %v", bad)
	}
}

func TestUnasked(t *testing.T) {
	const lease = 140 * time.Millisecond
	timeline := []Interval{
		{Node: "a", Term: 1, From: 0, To: 100 * ms},
		{Node: "a", Term: 2, From: 150 * ms, To: 300 * ms},
		{Node: "b", Term: 3, From: 400 * ms, To: 500 * ms},
	}
	if bad := Unasked(timeline, []Window{{From: 350 * ms, To: 450 * ms}}, lease, never); bad != nil {
		t.Errorf("good: %v", bad)
	}
	if bad := Unasked(timeline, []Window{{From: 100 * ms, To: 200 * ms}}, lease, never); len(bad) != 1 {
		t.Errorf("without a fault: %v", bad)
	}
	if bad := Unasked(timeline, nil, lease, always); bad != nil {
		t.Errorf("on a starved machine: %v", bad)
	}
}

func TestStreams(t *testing.T) {
	const bound = 3 * time.Second
	good := []Stream{{Bytes: 1000, Longest: time.Second}, {Reset: true, Longest: 2 * time.Second}}
	if bad := Streams(good, bound); bad != nil {
		t.Errorf("good: %v", bad)
	}
	for _, s := range []Stream{{Longest: 4 * time.Second}, {GivenUp: true}, {Damaged: true}} {
		if bad := Streams(append(good, s), bound); len(bad) != 1 {
			t.Errorf("%+v: %v", s, bad)
		}
	}
}
