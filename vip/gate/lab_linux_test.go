package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

const deadline = 5 * time.Second

var (
	vip4   = netip.MustParseAddr("192.0.2.100")
	vip6   = netip.MustParseAddr("2001:db8::100")
	other4 = netip.MustParseAddr("192.0.2.77")
	other6 = netip.MustParseAddr("2001:db8::77")

	peerMAC     = net.HardwareAddr{2, 0, 0, 0, 0, 0xbb}
	strangerMAC = net.HardwareAddr{2, 0, 0, 0, 0, 0xcc}
	ownMAC      = net.HardwareAddr{2, 0, 0, 0, 0, 0xaa}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newNamespace(t testing.TB) *netns.Namespace {
	t.Helper()
	n, err := netns.New()
	must(t, err)
	t.Cleanup(func() { must(t, n.Close()) })
	return n
}

// host is a namespace with eth0, whose other end is eth1 in the same or another.
func newHost(t testing.TB) *netns.Namespace {
	t.Helper()
	testenv.RequireRoot(t)
	n := newNamespace(t)
	must(t, netns.Veth(n, "eth0", n, "eth1"))
	must(t, n.Up("eth0", "eth1"))
	return n
}

// open opens the gate of eth0 in the namespace. When the test ends it is closed, and
// nothing is left of it.
func open(t testing.TB, n *netns.Namespace, cfg Config) *Gate {
	t.Helper()
	g, err := tryOpen(t, n, cfg)
	must(t, err)
	return g
}

func tryOpen(t testing.TB, n *netns.Namespace, cfg Config) (*Gate, error) {
	if cfg.Interface == "" {
		cfg.Interface = "eth0"
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	var g *Gate
	err := n.Do(func() (err error) { g, err = Open(cfg); return err })
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		err := g.Close()
		must(t, errors.Join(err, n.Do(func() error { return Remove(cfg.Interface) })))
	})
	return g, nil
}

// extend opens the gate for d, by a round sent now.
func extend(t testing.TB, g *Gate, term uint64, d time.Duration) {
	t.Helper()
	sent := now()
	must(t, g.Extend(term, sent, sent+int64(d)))
}

func verdict(t testing.TB, g *Gate) Verdict {
	t.Helper()
	s, err := g.State()
	must(t, err)
	return s.Verdict
}

func eventually(t testing.TB, g *Gate, want Verdict) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		if got := verdict(t, g); got != want {
			return fmt.Errorf("the gate is %s, want %s", got, want)
		}
		return nil
	})
}
