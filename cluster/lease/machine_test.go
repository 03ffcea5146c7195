package lease

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestOneVoterHolds(t *testing.T) {
	m := New(Config{Self: "a", Boot: 1, Timing: Default()}, 1)
	m.Next(Input{Now: 2, Event: Reconfigured{Voters: []ID{"a"}, MayHold: true}})
	m.Next(Input{Now: 3, Event: Elected{Term: 1}})
	var claimed bool
	for range 50 {
		for _, a := range m.Next(Input{Now: m.Wake(), Event: Tick{}}) {
			t.Logf("%v %T %+v", m.now, a, a)
			if _, ok := a.(Claim); ok {
				claimed = true
			}
		}
	}
	if v := m.View(); !claimed || v.State != Holding || v.Until != m.now+Instant(held(450*ms)) {
		t.Fatalf("claimed %v, view %+v", claimed, v)
	}
}
