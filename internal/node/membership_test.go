package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
)

func TestSuccessor(t *testing.T) {
	one := cluster.Info{ID: "id-1", Name: "one", Role: cluster.Amphora, State: cluster.StateAlive}
	two := cluster.Info{ID: "id-2", Name: "two", Role: cluster.Amphora, State: cluster.StateAlive}
	dead := cluster.Info{ID: "id-3", Name: "dead", Role: cluster.Amphora, State: cluster.StateDead}
	witness := cluster.Info{ID: "id-4", Name: "witness", Role: cluster.Witness, State: cluster.StateAlive}
	resting := cluster.Info{ID: "id-5", Name: "resting", Role: cluster.Amphora, State: cluster.StateAlive, Maintenance: true}
	all := []cluster.Info{dead, one, two, witness}
	for _, tt := range []struct {
		name  string
		nodes []cluster.Info
		to    string
		want  string // id
		kind  error
	}{
		{"any other", all, "", "id-2", nil},
		{"by name", all, "two", "id-2", nil},
		{"by id", all, "id-2", "id-2", nil},
		{"the holder itself", all, "one", "", lb.ErrConflict},
		{"a witness", all, "witness", "", lb.ErrInvalid},
		{"a dead one", all, "dead", "", lb.ErrUnavailable},
		{"unknown", all, "three", "", lb.ErrNotFound},
		{"none is left", []cluster.Info{dead, one, witness}, "", "", lb.ErrUnavailable},
		{"the other is in maintenance", []cluster.Info{one, resting, witness}, "", "", lb.ErrUnavailable},
	} {
		got, err := successor(tt.nodes, one, tt.to)
		if !errors.Is(err, tt.kind) || err == nil && got.ID != tt.want {
			t.Errorf("%s: got %s, %v; want %s, %v", tt.name, got.ID, err, tt.want, tt.kind)
		}
		if tt.to == "" && err != nil && !strings.Contains(err.Error(), "maintenance") {
			t.Errorf("%s: got %v, want it to name maintenance as a reason", tt.name, err)
		}
	}
}

func TestMembershipErrorsHaveKinds(t *testing.T) {
	for _, k := range membershipKinds {
		wrapped := fmt.Errorf("remove node: %w", k.err)
		if got := classified(wrapped); !errors.Is(got, k.kind) || !errors.Is(got, k.err) {
			t.Errorf("%v: got %v, want kind %v", k.err, got, k.kind)
		}
	}
	other := errors.New("disk is full")
	if got := classified(other); !errors.Is(got, other) || errors.Is(got, lb.ErrUnavailable) {
		t.Errorf("got %v, want the error as it was", got)
	}
}
