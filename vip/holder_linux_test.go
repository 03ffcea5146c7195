package vip

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// once is a configuration with one announcement only, so that another one that
// is seen must have a cause.
var once = Config{Burst: []time.Duration{0}, Repeat: time.Hour}

// burst is for a link that comes up: the first frame may be lost before the
// switch forwards.
var burst = Config{Burst: []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}, Repeat: time.Hour}

func TestHoldTakesOverNeighbours(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	h, _ := l.start(t, Config{})
	mac := l.amphoraMAC(t)
	old := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
	for _, addr := range []netip.Addr{vip4, vip6} {
		l.setNeighbour(t, addr, old)
		if got := l.neighbour(t, addr); !bytes.Equal(got, old) {
			t.Fatalf("neighbour entry of %s is %v before the test, want %v", addr, got, old)
		}
	}

	hold(t, h, 1, vip4, vip6)

	for _, addr := range []netip.Addr{vip4, vip6} {
		testenv.Eventually(t, deadline, func() error {
			if got := l.neighbour(t, addr); !bytes.Equal(got, mac) {
				return fmt.Errorf("client has %s at %v, want %v", addr, got, mac)
			}
			return nil
		})
	}
	wire.atLeast(t, 3, mustFrames(t, mac, vip4, vip6)...)
	l.reachable(t, vip4, vip6)
}

// TestEachFormMovesANeighbour sends one frame to a client whose entry has just
// changed: Linux then takes nothing but a correct gratuitous ARP.
func TestEachFormMovesANeighbour(t *testing.T) {
	l := newLab(t)
	ifi, err := l.amphora.Interface("eth0")
	must(t, err)
	var out port
	must(t, l.amphora.Do(func() (err error) { out, err = dialPacket(link{index: ifi.Index}, func(claim) {}); return err }))
	defer func() { must(t, out.Close()) }()
	l.reachable(t, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"))
	for i, addr := range []netip.Addr{vip4, vip4, vip6} {
		l.setNeighbour(t, addr, net.HardwareAddr{2, 0, 0, 0, 0, byte(0x90 + i)})
		_, _, err := out.send(mustFrames(t, ifi.HardwareAddr, vip4, vip6)[i : i+1])
		must(t, err)
		testenv.Eventually(t, deadline, func() error {
			if got := l.neighbour(t, addr); !bytes.Equal(got, ifi.HardwareAddr) {
				return fmt.Errorf("after frame %d the client has %s at %v, want %v", i, addr, got, ifi.HardwareAddr)
			}
			return nil
		})
	}
}

// TestInterfaceWithoutAddress announces from an interface that has none.
func TestInterfaceWithoutAddress(t *testing.T) {
	l := newLab(t)
	for _, p := range []string{"192.0.2.1/24", "2001:db8::1/64"} {
		must(t, l.amphora.DelAddr("eth0", netip.MustParsePrefix(p)))
	}
	wire := l.sniff(t)
	h, _ := l.start(t, burst)
	hold(t, h, 1, vip4, vip6)
	wire.atLeast(t, 1, mustFrames(t, l.amphoraMAC(t), vip4, vip6)...)
}

func TestAddressOnTheInterface(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4, vip6)
	l.eventually(t, true, vip4, vip6)
	for _, a := range l.addrs(t) {
		if a.proto != Protocol {
			continue
		}
		if !a.prefix.IsSingleIP() {
			t.Errorf("%v: want /32 and /128", a.prefix)
		}
		if a.valid > 30*time.Second || a.valid < 25*time.Second {
			t.Errorf("%v: lifetime is %v, want 30 s", a.prefix, a.valid)
		}
		if want := "eth0:amphora"; a.prefix.Addr().Is4() && a.label != want {
			t.Errorf("%v: label is %q, want %q", a.prefix, a.label, want)
		}
	}
	// The VIP must work at once, and must not become a source address.
	must(t, l.amphora.Do(func() error {
		ln, err := net.Listen("tcp", netip.AddrPortFrom(vip6, 80).String())
		if err != nil {
			return err
		}
		return ln.Close()
	}))
	must(t, l.amphora.Do(func() error {
		c, err := net.Dial("udp", "[2001:db8::2]:9")
		if err != nil {
			return err
		}
		if got := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); got == vip6 {
			t.Errorf("connections of the host come from %v, the VIP", got)
		}
		return c.Close()
	}))
}

func TestReleaseLeavesNothing(t *testing.T) {
	l := newLab(t)
	h, stop := l.start(t, Config{})
	before := l.addrs(t)
	hold(t, h, 1, vip4, vip6)
	l.eventually(t, true, vip4, vip6)
	must(t, h.Release(t.Context()))
	l.nothingLeft(t)
	if diff := cmp.Diff(before, l.addrs(t), cmp.AllowUnexported(address{}, netip.Prefix{}, netip.Addr{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("addresses changed (-before +after):\n%s", diff)
	}

	hold(t, h, 2, vip4, vip6)
	l.eventually(t, true, vip4, vip6)
	stop()
	l.nothingLeft(t)
	must(t, h.Release(t.Context()))
}

func TestUpdateChangesOnlyWhatItMust(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4)
	l.eventually(t, true, vip4)
	must(t, h.Update([]netip.Addr{vip4, vip6}))
	l.eventually(t, true, vip4, vip6)
	since := present(t, h, 2).Addrs[0].Since
	must(t, h.Update([]netip.Addr{vip4}))
	l.eventually(t, false, vip6)
	testenv.Eventually(t, deadline, func() error {
		if v := h.View(); len(v.Addrs) != 1 || !v.Addrs[0].Present || !v.Addrs[0].Since.Equal(since) {
			return fmt.Errorf("view is %+v, want %s since %v", v, vip4, since)
		}
		return nil
	})
}

// present waits until the holder says that it has n addresses.
func present(t *testing.T, h *Holder, n int) View {
	t.Helper()
	var v View
	testenv.Eventually(t, deadline, func() error {
		v = h.View()
		if len(v.Addrs) != n || slices.ContainsFunc(v.Addrs, func(a AddrView) bool { return !a.Present }) {
			return fmt.Errorf("view is %+v, want %d addresses present", v, n)
		}
		return nil
	})
	return v
}

func TestAddressDeletedByHandReturns(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	h, _ := l.start(t, once)
	frames := mustFrames(t, l.amphoraMAC(t), vip4, vip6)
	hold(t, h, 1, vip4, vip6)
	wire.atLeast(t, 1, frames...)
	must(t, l.amphora.DelAddr("eth0", netip.PrefixFrom(vip4, 32)))
	must(t, l.amphora.DelAddr("eth0", netip.PrefixFrom(vip6, 128)))
	wire.atLeast(t, 2, frames...)
	l.eventually(t, true, vip4, vip6)
}

func TestLinkUpAnnouncesAgain(t *testing.T) {
	for _, tc := range []struct {
		name string
		flap func(*lab) error
	}{
		{"carrier", func(l *lab) error { return errors.Join(l.sw.Down("port1"), l.sw.Up("port1")) }},
		{"interface", func(l *lab) error { return errors.Join(l.amphora.Down("eth0"), l.amphora.Up("eth0")) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			wire := l.sniff(t)
			h, _ := l.start(t, burst)
			frames := mustFrames(t, l.amphoraMAC(t), vip4, vip6)
			hold(t, h, 1, vip4, vip6)
			wire.atLeast(t, len(burst.Burst), frames...)
			must(t, tc.flap(l))
			wire.atLeast(t, len(burst.Burst)+2, frames...)
			l.reachable(t, vip4, vip6)
		})
	}
}

func TestInterfaceMadeAnew(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, burst)
	hold(t, h, 1, vip4)
	l.eventually(t, true, vip4)
	must(t, l.amphora.DelLink("eth0"))
	testenv.Eventually(t, deadline, func() error {
		if v := h.View(); !errors.Is(v.Err, errNoInterface) || v.Addrs[0].Present {
			return fmt.Errorf("view is %+v, want the error %w", v, errNoInterface)
		}
		return nil
	})
	if err := h.Release(t.Context()); err != nil {
		t.Errorf("release without interface: %v", err)
	}
	hold(t, h, 2, vip4)

	wire := l.sniff(t)
	must(t, newCable(l))
	wire.atLeast(t, 1, mustFrames(t, l.amphoraMAC(t), vip4)...)
	l.eventually(t, true, vip4)
}

func TestForeignAddressIsLeftAlone(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	foreign := []netip.Prefix{netip.PrefixFrom(vip4, 24), netip.PrefixFrom(vip6, 128)}
	for _, p := range foreign {
		must(t, l.amphora.AddAddr("eth0", p))
	}
	before := l.addrs(t)
	h, stop := l.start(t, Config{})
	hold(t, h, 1, vip4, vip6)
	testenv.Eventually(t, deadline, func() error {
		v := h.View()
		if len(v.Addrs) != 2 {
			return fmt.Errorf("view is %+v, want two addresses", v)
		}
		for _, a := range v.Addrs {
			if a.Present || a.Err == nil || !strings.Contains(a.Err.Error(), "eth0") {
				return fmt.Errorf("view of %s is %+v, want an error that names eth0", a.Addr, a)
			}
		}
		return nil
	})
	must(t, h.Release(t.Context()))
	hold(t, h, 2, vip4)
	must(t, l.amphora.Do(func() error { _, err := ReleaseAll(""); return err }))
	stop()
	if diff := cmp.Diff(fmt.Sprint(before), fmt.Sprint(l.addrs(t))); diff != "" {
		t.Errorf("addresses of others changed (-before +after):\n%s", diff)
	}
	for i, f := range mustFrames(t, l.amphoraMAC(t), vip4, vip6) {
		if n := wire.count(f); n != 0 {
			t.Errorf("announcement %d of an address of somebody else was sent %d times", i, n)
		}
	}
}

func TestForeignAddressGivesWay(t *testing.T) {
	l := newLab(t)
	must(t, l.amphora.AddAddr("eth0", netip.PrefixFrom(vip4, 24)))
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4)
	testenv.Eventually(t, deadline, func() error {
		if v := h.View(); len(v.Addrs) != 1 || v.Addrs[0].Err == nil {
			return fmt.Errorf("view is %+v, want a dispute", v)
		}
		return nil
	})
	must(t, l.amphora.DelAddr("eth0", netip.PrefixFrom(vip4, 24)))
	l.eventually(t, true, vip4)
}

func TestReleaseAll(t *testing.T) {
	l := newLab(t)
	cmd := l.startProcess(t, "30s")
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	l.eventually(t, true, vip4, vip6)

	release := func(iface string) (removed []Removed) {
		t.Helper()
		must(t, l.amphora.Do(func() (err error) { removed, err = ReleaseAll(iface); return err }))
		return removed
	}
	if got := release("other0"); len(got) != 0 {
		t.Errorf("removed %v from an interface that is not there", got)
	}
	want := []Removed{{"eth0", vip4}, {"eth0", vip6}}
	if got := release("eth0"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("removed %v, want %v", got, want)
	}
	l.nothingLeft(t)
	if got := release(""); len(got) != 0 {
		t.Errorf("removed %v the second time", got)
	}
	if got, want := len(l.addrs(t)), 3; got != want { // and the link-local one
		t.Errorf("%d addresses are left, want %d", got, want)
	}
}

func TestLeftoverOfKilledProcessIsRemoved(t *testing.T) {
	l := newLab(t)
	cmd := l.startProcess(t, "30s")
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	l.eventually(t, true, vip4, vip6)

	h, _ := l.start(t, Config{})
	l.eventually(t, false, vip4, vip6)
	hold(t, h, 1, vip4)
	l.eventually(t, true, vip4)
}

func TestKernelRemovesTheAddressesOfAFrozenProcess(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	cmd := l.startProcess(t, "3s")
	must(t, cmd.Process.Signal(unix.SIGSTOP))
	l.eventually(t, false, vip4, vip6)
	must(t, cmd.Process.Signal(unix.SIGCONT))
	l.eventually(t, true, vip4, vip6)
}

func TestLifetimeIsRefreshed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h, _ := l.start(t, Config{Lifetime: 3 * time.Second, Reconcile: 500 * time.Millisecond})
	hold(t, h, 1, vip4, vip6)
	since := present(t, h, 2)
	// Two turns of the lifetime, seen by the kernel's own clock.
	turns := map[netip.Addr]int{}
	last := map[netip.Addr]time.Duration{}
	testenv.Eventually(t, 10*time.Second, func() error {
		for _, a := range l.addrs(t) {
			if a.proto != Protocol {
				continue
			}
			addr := a.prefix.Addr()
			if a.valid > last[addr] {
				turns[addr]++
			}
			last[addr] = a.valid
		}
		if turns[vip4] < 4 || turns[vip6] < 4 {
			return fmt.Errorf("lifetimes were refreshed %v times", turns)
		}
		return nil
	})
	if !sameView(since, h.View()) {
		t.Errorf("view is %+v, was %+v: an address went meanwhile", h.View(), since)
	}
}

// startProcess runs a holder in a process of its own, which claims the VIPs. It
// ends with the test.
func (l *lab) startProcess(t *testing.T, lifetime string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe")
	cmd.Env = []string{"VIP_TEST_HOLD=" + lifetime}
	cmd.Stderr = t.Output()
	must(t, l.amphora.Start(cmd))
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	l.eventually(t, true, vip4, vip6)
	return cmd
}

func TestMain(m *testing.M) {
	if lifetime := os.Getenv("VIP_TEST_HOLD"); lifetime != "" {
		fmt.Fprintln(os.Stderr, holdForEver(lifetime))
		os.Exit(1)
	}
	if err := startPoller(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goroutines, files := runtime.NumGoroutine(), openFiles()
	code := m.Run()
	// The fuzzer keeps a goroutine for signals.
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	if err := leaks(goroutines, files); err != nil && code == 0 && !fuzzing {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// leaks waits a moment for what is on its way out, and reports what stays.
func leaks(goroutines, files int) error {
	limit := time.Now().Add(2 * time.Second)
	for {
		g, f := runtime.NumGoroutine(), openFiles()
		if g <= goroutines && f <= files {
			return nil
		}
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<20)
			return fmt.Errorf("leak: %d goroutines and %d open files, %d and %d before\n%s",
				g, f, goroutines, files, stacks[:runtime.Stack(stacks, true)])
		}
		<-time.After(10 * time.Millisecond)
	}
}

// startPoller makes the runtime open the files of its network poller, which it
// keeps, before the open files are counted.
func startPoller() error {
	r, w, err := os.Pipe()
	return errors.Join(err, r.Close(), w.Close())
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err) // there is nothing to test on a system without it
	}
	return len(entries)
}

// holdForEver is the program that startProcess runs.
func holdForEver(lifetime string) error {
	d, err := time.ParseDuration(lifetime)
	if err != nil {
		return err
	}
	h, err := New(Config{Interface: "eth0", Lifetime: d, Reconcile: d / 10})
	if err != nil {
		return err
	}
	if err := errors.Join(h.Update([]netip.Addr{vip4, vip6}), h.Hold(1)); err != nil {
		return err
	}
	return h.Run(context.Background())
}
