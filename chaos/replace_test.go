package chaos

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestReplaceADeadNode types what the README says about a dead machine: remove
// it, start one with an empty directory, join.
func TestReplaceADeadNode(t *testing.T) {
	c, ctx, vip := serving(t)
	holder, err := c.holder(vip)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(holder); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(c.node(holder).dir, "data")); err != nil {
		t.Fatal(err)
	}
	if err := until(ctx, func() error { return c.ready(ctx) }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ctl(ctx, "witness", "cluster", "remove", holder); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(holder); err != nil {
		t.Fatal(err)
	}
	// The new machine's socket takes a moment.
	err = until(ctx, func() error {
		_, err := c.Ctl(ctx, holder, "cluster", "join", c.node("witness").host.Addr.String()+":7480")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.awaitMove(ctx, vip, holder); err != nil {
		t.Fatal(err)
	}
	names, err := c.loadBalancers(ctx, holder)
	if err != nil || !slices.Equal(names, []string{"lb1"}) {
		t.Errorf("the new node shows %v, %v; want lb1", names, err)
	}
	// It is a full member: the pair survives the loss of the other one.
	other := "amphora-1"
	if holder == other {
		other = "amphora-2"
	}
	if err := c.Kill(other); err != nil {
		t.Fatal(err)
	}
	err = until(ctx, func() error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		_, err := newClient(c.client).get(ctx, "http://"+vip.String()+"/")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
