package wire

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// star is a switch with nodes a and b and a client, each at eth0.
func star(t *testing.T) (hub *netns.Namespace, hosts map[string]*netns.Namespace, ports map[int]string) {
	t.Helper()
	testenv.RequireRoot(t)
	make1 := func() *netns.Namespace {
		ns, err := netns.New()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ns.Close() })
		return ns
	}
	hub, hosts, ports = make1(), map[string]*netns.Namespace{}, map[int]string{}
	if err := hub.Bridge("switch"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "client"} {
		ns := make1()
		hosts[name] = ns
		err := errors.Join(netns.Veth(hub, name, ns, "eth0"), hub.Attach(name, "switch"), hub.Up(name), ns.Up("eth0"))
		if err != nil {
			t.Fatal(err)
		}
		port, err := hub.Interface(name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "client" {
			ports[port.Index] = name
		}
	}
	return hub, hosts, ports
}

// TestTwoThatAnswer: a sniffer and a prober see one node answer for an address,
// and then two; the judge condemns only the latter.
func TestTwoThatAnswer(t *testing.T) {
	hub, hosts, ports := star(t)
	vip := netip.MustParseAddr("192.0.2.100")
	s, err := Open(Config{Do: hub.Do, Ports: ports, First: vip, Last: vip})
	if err != nil {
		t.Fatal(err)
	}
	link, err := hosts["client"].Interface("eth0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProber(hosts["client"].Do, link, vip)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- s.Run(ctx) }()
	go func() { done <- p.Run(ctx, 2*time.Millisecond) }()
	defer func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	}()

	seen := func(node string) int {
		frames, lost := s.Frames()
		if lost > 0 {
			t.Errorf("%d frames lost", lost)
		}
		n := 0
		for _, f := range frames {
			if f.Node == node && f.Kind == check.Answer && f.Round > 0 {
				n++
			}
		}
		return n
	}
	answers := func(node string, more int) {
		t.Helper()
		want := seen(node) + more
		testenv.Eventually(t, 5*time.Second, func() error {
			if seen(node) < want {
				return errors.New(node + " does not answer")
			}
			return nil
		})
	}
	began := Now()
	if err := hosts["a"].AddAddr("eth0", netip.PrefixFrom(vip, 24)); err != nil {
		t.Fatal(err)
	}
	answers("a", 5)
	frames, _ := s.Frames()
	if dual, bad := check.OneAnswer(frames); dual != 0 || bad != nil {
		t.Errorf("one node answers: %v, %v", dual, bad)
	}
	if at := frames[len(frames)-1].At; at < began || at > Now() {
		t.Errorf("the last frame is of %v, which is not between %v and %v", at, began, Now())
	}
	if err := hosts["b"].AddAddr("eth0", netip.PrefixFrom(vip, 24)); err != nil {
		t.Fatal(err)
	}
	answers("b", 20)
	frames, _ = s.Frames()
	if _, bad := check.OneAnswer(frames); len(bad) != 1 {
		t.Errorf("two nodes answer: %v", bad)
	}
	if got := Answering(frames, vip, Now()); got != "a" && got != "b" {
		t.Errorf("the last to answer is %q", got)
	}
}
