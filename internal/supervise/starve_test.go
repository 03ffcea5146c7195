package supervise

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestStarved(t *testing.T) {
	const ms, limit = time.Millisecond, 20 * time.Millisecond
	before := turns{"1": {ran: 5 * ms, waited: 100 * ms}, "2": {ran: 7 * ms, runnable: true}}
	for name, test := range map[string]struct {
		now  turns
		want bool
	}{
		"asleep":             {turns{"1": {ran: 5 * ms, waited: 100 * ms}, "2": {ran: 7 * ms}}, false},
		"has waited":         {turns{"1": {ran: 6 * ms, waited: 125 * ms}}, true},
		"has waited briefly": {turns{"1": {ran: 6 * ms, waited: 110 * ms}}, false},
		"still waits":        {turns{"2": {ran: 7 * ms, runnable: true}}, true},
		"turns in circles":   {turns{"2": {ran: 70 * ms, runnable: true}}, false},
		"new thread":         {turns{"3": {waited: time.Second, runnable: true}}, false},
		"not known":          {nil, false},
	} {
		if got := test.now.starved(before, limit); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReadTurns(t *testing.T) {
	all := readTurns(os.Getpid())
	if len(all) == 0 {
		t.Skip("SKIPPED: the kernel has no /proc/<pid>/schedstat")
	}
	var ran time.Duration
	for _, turn := range all {
		ran += turn.ran
	}
	if ran == 0 {
		t.Errorf("no thread of this test has run: %v", all)
	}
	if got := readTurns(0); len(got) != 0 {
		t.Errorf("no process: got %v", got)
	}
}

// A silent worker that waits for a CPU is left to its lease, for as long as it does.
func TestHungryWorkerIsNotFrozen(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		freeze := make(chan struct{})
		f := newFakes(func(c *fakeChild, _ int) {
			c.turns = turns{"1": {runnable: true}}
			p := c.page()
			if err := errors.Join(p.Describe(Settings{Limit: 80 * ms, Interface: "eth0", Gate: "/pins"}), p.Publish(testWill(7))); err != nil {
				t.Error(err)
			}
			c.ready()
			c.beat(20*ms, freeze)
		})
		done := make(chan error, 1)
		go func() { done <- f.run(t.Context()) }()
		pass(time.Second)
		close(freeze)
		pass(time.Second)
		if got := f.last().done(); len(got) != 1 {
			t.Errorf("while it waited: %v", got)
		}
		f.last().setTurns(turns{"1": {ran: ms}})
		pass(250 * ms) // it has run in between, and is judged twice
		if got := f.last().done(); len(got) < 2 || got[1] != "raise 8" {
			t.Errorf("when it did not wait any more: %v", got)
		}
		f.signals <- unix.SIGTERM
		pass(ms)
		f.last().end(exited(0))
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}
