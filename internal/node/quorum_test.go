package node

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/cluster"
)

func TestStandstill(t *testing.T) {
	voter := func(name string, state cluster.State) cluster.Info {
		return cluster.Info{Name: name, State: state, Suffrage: cluster.Voter}
	}
	one := voter("one", cluster.StateAlive)
	for _, tt := range []struct {
		name    string
		nodes   []cluster.Info
		belongs bool
		want    string
	}{
		{"no cluster", []cluster.Info{one}, false, "belongs to no cluster yet"},
		{"two of three gone", []cluster.Info{one, voter("two", cluster.StateDead), voter("three", cluster.StateLeft)}, true, "no quorum, 1 of 3 voters alive: two is dead, three is left"},
		{"one of two gone", []cluster.Info{one, voter("two", cluster.StateDead)}, true, "no quorum, 1 of 2 voters alive: two is dead"},
		{"one of three gone", []cluster.Info{one, voter("two", cluster.StateDead), voter("three", cluster.StateAlive)}, true, "electing a leader"},
		{"only a non-voter gone", []cluster.Info{one, {Name: "new", State: cluster.StateDead, Suffrage: cluster.Nonvoter}}, true, "electing a leader"},
	} {
		if got := standstill(tt.nodes, tt.belongs); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q in it", tt.name, got, tt.want)
		}
	}
}

func TestBoundedAnswersBeforeTheClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ patience, want time.Duration }{
			{time.Minute, answerLimit},
			{time.Second, 900 * time.Millisecond},
		} {
			client, cancel := context.WithTimeout(t.Context(), tt.patience)
			ctx, end := bounded(client)
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != tt.want {
				t.Errorf("a client that waits %v: %v, want %v", tt.patience, time.Until(deadline), tt.want)
			}
			end()
			cancel()
		}
		ctx, end := bounded(t.Context())
		defer end()
		if deadline, _ := ctx.Deadline(); time.Until(deadline) != answerLimit {
			t.Errorf("a client without a deadline: %v, want %v", time.Until(deadline), answerLimit)
		}
	})
}
