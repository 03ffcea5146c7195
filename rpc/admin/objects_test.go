package admin_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

func network(name string) lb.Op {
	return lb.CreateNetwork{Spec: lb.NetworkSpec{MetaSpec: named(name)}}
}

// wantFault checks that err is one domain error of that kind about that field.
func wantFault(t *testing.T, err, kind error, field string) {
	t.Helper()
	var e *lb.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) || e.Field != field || e.Msg == "" {
		t.Errorf("got %v (%T), want %v of field %q", err, err, kind, field)
	}
}

// networks are the names of those that the node has.
func networks(t *testing.T, c *admin.Client) (names []string) {
	t.Helper()
	for o, err := range c.Objects(t.Context(), lb.KindNetwork) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Value.(*lb.Network).Name)
	}
	return names
}

func TestChange(t *testing.T) {
	subnet := func(network string, cidr lb.Opt[netip.Prefix]) lb.Op {
		return lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: named("s"), NetworkID: lb.Some(lb.NetworkID(network)), CIDR: cidr}}
	}
	for name, tt := range map[string]struct {
		ops   []lb.Op
		want  []string // networks
		kind  error
		field string
	}{
		"one":                   {ops: []lb.Op{network("b")}, want: []string{"a", "b"}},
		"several are one step":  {ops: []lb.Op{network("b"), network("c")}, want: []string{"a", "b", "c"}},
		"field names an object": {ops: []lb.Op{subnet("a", prefix("192.0.2.0/24"))}, want: []string{"a"}},
		"object goes by name":   {ops: []lb.Op{lb.DeleteNetwork{ID: "a"}}},
		"none":                  {want: []string{"a"}, kind: lb.ErrInvalid, field: "ops"},
		"too many":              {ops: make([]lb.Op, 10001), want: []string{"a"}, kind: lb.ErrInvalid, field: "ops"},
		"all or none":           {ops: []lb.Op{network("b"), subnet("a", lb.Opt[netip.Prefix]{})}, want: []string{"a"}, kind: lb.ErrInvalid, field: "cidr"},
		"field names nothing":   {ops: []lb.Op{subnet("nothing", prefix("192.0.2.0/24"))}, want: []string{"a"}, kind: lb.ErrNotFound, field: "network_id"},
	} {
		t.Run(name, func(t *testing.T) {
			c := node(t, admin.Config{})
			must[lb.NetworkID](t)(created(t, c, "a"))
			for i, op := range tt.ops {
				if op == nil {
					tt.ops[i] = network("n")
				}
			}
			for _, dry := range []bool{true, false} {
				var err error
				want := tt.want
				if dry {
					_, err = c.Try(t.Context(), tt.ops...)
					want = []string{"a"}
				} else {
					_, _, err = c.Change(t.Context(), tt.ops...)
				}
				switch {
				case tt.kind == nil && err != nil:
					t.Errorf("dry %v: %v", dry, err)
				case tt.kind != nil:
					wantFault(t, err, tt.kind, tt.field)
				}
				if diff := cmp.Diff(want, networks(t, c)); diff != "" {
					t.Errorf("dry %v: networks (-want +got):\n%s", dry, diff)
				}
			}
		})
	}
}

func created(t *testing.T, c *admin.Client, name string) (lb.NetworkID, error) {
	t.Helper()
	r, _, err := c.Change(t.Context(), network(name))
	return lb.NetworkID(r.ID), err
}

// A dry run says what would change, and asks Config.Check as a proposal does.
func TestTry(t *testing.T) {
	refused := &lb.Error{Kind: lb.ErrInvalid, Resource: lb.KindListener, Field: "default_tls_container_ref", Msg: "leads nowhere"}
	var asked []lb.Op
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b, Check: func(_ context.Context, op lb.Op) error {
		asked = append(asked, op)
		if _, ok := op.(lb.DeleteNetwork); ok {
			return refused
		}
		return nil
	}})
	id := must[lb.NetworkID](t)(created(t, c, "a"))
	changes, err := c.Try(t.Context(), lb.UpdateNetwork{ID: id, Spec: lb.NetworkSpec{MetaSpec: named("b")}}, network("c"))
	if err != nil || len(changes) != 2 {
		t.Fatalf("got %+v, %v, want two changes", changes, err)
	}
	got := map[string]admin.Verb{}
	for _, x := range changes {
		got[x.Name] = x.Verb
	}
	if diff := cmp.Diff(map[string]admin.Verb{"b": admin.WasUpdated, "c": admin.WasCreated}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	_, err = c.Try(t.Context(), lb.DeleteNetwork{ID: id})
	wantFault(t, err, lb.ErrInvalid, refused.Field)
	if _, err := c.Try(t.Context(), lb.DeleteNetwork{ID: lb.NetworkID(admintest.ID(99))}); !errors.Is(err, lb.ErrNotFound) {
		t.Errorf("what lb refuses: got %v", err)
	}
	if len(asked) != 2 || b.Proposals() != 1 {
		t.Errorf("Check was asked %d times, want 2; %d proposals, want 1", len(asked), b.Proposals())
	}
}
