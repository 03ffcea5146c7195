package admin_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

func TestEndpoints(t *testing.T) {
	want := admin.Endpoints{Identity: "i", LoadBalancer: "l", Network: "n", KeyManager: "k", Region: "r"}
	for _, tt := range []struct {
		cfg  admin.Config
		want admin.Endpoints
	}{{admin.Config{}, admin.Endpoints{}}, {admin.Config{Endpoints: func() admin.Endpoints { return want }}, want}} {
		if got, err := node(t, tt.cfg).Endpoints(t.Context()); err != nil || got != tt.want {
			t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
		}
	}
}

func TestListenerStats(t *testing.T) {
	type counted = map[string]map[lb.ListenerID]lb.Stats
	full := lb.Stats{ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5}
	for name, tt := range map[string]struct {
		counted counted
		err     error
		want    map[lb.ListenerID]lb.Stats
	}{
		"nobody": {want: map[lb.ListenerID]lb.Stats{}},
		"sum of the amphorae": {
			counted: counted{"a": {"l": full, "m": full}, "b": {"l": full}},
			want:    map[lb.ListenerID]lb.Stats{"l": full.Plus(full), "m": full},
		},
		"failure": {err: &lb.Error{Kind: lb.ErrUnavailable, Msg: "nobody answers"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := node(t, admin.Config{Stats: func(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error) { return tt.counted, tt.err }})
			got, err := c.ListenerStats(t.Context())
			if tt.err != nil {
				if !errors.Is(err, lb.ErrUnavailable) {
					t.Errorf("got %v, want unavailable", err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
