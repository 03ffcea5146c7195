package chaos

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// serving starts a cluster that balances over the two web servers, and returns
// the VIP.
func serving(t *testing.T) (*Cluster, context.Context, netip.Addr) {
	t.Helper()
	c, ctx := newCluster(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := &story{out: t.Output(), cluster: c}
	for _, step := range []func(context.Context) error{s.elect, s.configure, s.alternate} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return c, ctx, s.vip
}

// TestPlannedMoves: the VIP leaves a node that is told to give it up, and one
// that is stopped, and is never on two nodes when the dust has settled.
func TestPlannedMoves(t *testing.T) {
	c, ctx, vip := serving(t)
	for _, tt := range []struct {
		name string
		move func(holder string) error
	}{
		{"failover", func(string) error {
			_, err := c.Ctl(ctx, "witness", "failover")
			return err
		}},
		{"stop", func(holder string) error { return c.Stop(holder) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			holder, err := c.holder(vip)
			if err != nil {
				t.Fatal(err)
			}
			history, err := c.watchMove(ctx, vip, holder, func() error { return tt.move(holder) })
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("moved from %s: %d requests, %d failed, outage %v", holder, len(history), history.Failed(), history.Outage().Round(time.Millisecond))
			if carries, err := c.node(holder).host.Carries(vip); err != nil || carries {
				t.Errorf("%s still carries the VIP: %v, %v", holder, carries, err)
			}
		})
	}
}

// TestStopEndsStreams: a stream that takes longer than a node has to stop is reset by
// then. A client that only listens would wait for ever otherwise.
func TestStopEndsStreams(t *testing.T) {
	c, ctx, vip := serving(t)
	holder, err := c.holder(vip)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Client().Dial(ctx, "tcp", netip.AddrPortFrom(vip, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET /blob HTTP/1.1\r\nHost: %s\r\n\r\n", vip); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	got, buf := 0, make([]byte, 16<<10)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(4 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if got == 0 && n > 0 {
			go func() { stopped <- c.Stop(holder) }()
		}
		got += n
		if err != nil {
			if os.IsTimeout(err) || got >= blobSize {
				t.Errorf("after %d bytes: %v, want a reset before the end of the file", got, err)
			}
			break
		}
		pause(ctx, 8*time.Millisecond) // as over a slow line
	}
	if got > 0 {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
}

// TestEveryNodeAnswersAlike: what one node acknowledged, any other shows at once.
func TestEveryNodeAnswersAlike(t *testing.T) {
	c, ctx, _ := serving(t)
	for i, writer := range nodeNames {
		name := fmt.Sprintf("other-%d", i)
		if _, err := c.Ctl(ctx, writer, "loadbalancer", "create", "--name", name, "--vip-subnet-id", "public", "--no-wait"); err != nil {
			t.Fatal(err)
		}
		for _, reader := range nodeNames {
			names, err := c.loadBalancers(ctx, reader)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(names, name) {
				t.Errorf("%s was acknowledged by %s, %s shows %v", name, writer, reader, names)
			}
		}
	}
}
