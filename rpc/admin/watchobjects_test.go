package admin_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// What a watch tells is what was changed, in order, of the kinds that were asked for; and
// it ends with its client: node finds what a test leaves behind.
func TestWatchObjects(t *testing.T) {
	c := node(t, admin.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := []func() error{
		func() error { _, err := created(t, c, "a"); return err },
		func() error {
			_, err := c.Subnets.Create(ctx, lb.SubnetSpec{MetaSpec: named("s"), CIDR: prefix("192.0.2.0/24")})
			return err
		},
		func() error { _, err := c.Networks.Update(ctx, "a", lb.NetworkSpec{MetaSpec: named("b")}); return err },
		func() error { return c.Networks.Delete(ctx, "b") },
		func() error { cancel(); return nil },
	}
	var told []string
	for seen, err := range c.WatchObjects(ctx, 0, lb.KindNetwork) {
		if err != nil {
			if !errors.Is(err, context.Canceled) || len(steps) > 0 {
				t.Errorf("the watch ends with %v, %d steps to go", err, len(steps))
			}
			break
		}
		if seen.HasValue {
			told = append(told, string(seen.Verb)+" "+seen.Name)
		}
		step := steps[0]
		if steps = steps[1:]; len(steps) == 3 { // nobody is told of a subnet
			step = func(first, second func() error) func() error {
				return func() error { return errors.Join(first(), second()) }
			}(step, steps[0])
			steps = steps[1:]
		}
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"created a", "updated b", "deleted b"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// Who comes back learns what was written since, and that deletions may be missing.
func TestWatchObjectsAfter(t *testing.T) {
	c := node(t, admin.Config{})
	must[lb.NetworkID](t)(created(t, c, "a"))
	must[lb.NetworkID](t)(created(t, c, "b"))
	first := true
	for seen, err := range c.WatchObjects(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if first {
			if first = false; !seen.Gap || seen.HasValue || seen.Told != 1 {
				t.Errorf("begins with %+v, want a gap after revision 1", seen)
			}
			continue
		}
		if seen.Verb != admin.WasCreated || seen.Name != "b" || seen.Told != 2 {
			t.Errorf("got %+v, want b created at revision 2", seen)
		}
		break
	}
	for _, err := range c.WatchObjects(t.Context(), 0, "thing") {
		wantFault(t, err, lb.ErrInvalid, "kind")
	}
}
