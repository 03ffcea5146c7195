package gate

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// TestMain doubles as the worker process that the tests start and kill: it opens
// the gate for as long as it is told and says where that is kept.
func TestMain(m *testing.M) {
	spec := os.Getenv("GATE_TEST_WORKER")
	if spec == "" {
		os.Exit(m.Run())
	}
	if err := work(spec); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// work opens the gate in term 5: "bpf 300ms" once, "bpf 10s again" over and over.
func work(spec string) error {
	runtime.LockOSThread() // capabilities are those of a thread
	if err := without(os.Getenv("GATE_TEST_WITHOUT")); err != nil {
		return err
	}
	args := strings.Fields(spec)
	g, err := Open(Config{Interface: "eth0", Backend: Backend(args[0])})
	if err != nil {
		return err
	}
	if err := g.Protect([]netip.Addr{vip4, vip6}); err != nil {
		return err
	}
	lease, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	for first := true; first || len(args) > 2; first = false {
		sent := now()
		if err := g.Extend(5, sent, sent+int64(lease)); err != nil && !errors.Is(err, ErrFloor) {
			return err
		}
		if first {
			fmt.Println(g.Dir())
		}
		<-tick.C
	}
	_, err = os.Stdin.Read(make([]byte, 1))
	return err
}

// worker starts a worker process in the amphora and returns where its gate is kept.
func (p *pair) worker(t *testing.T, spec string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), "GATE_TEST_WORKER="+spec)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, p.amphora.Start(cmd))
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		must(t, p.amphora.Do(func() error { return Remove("eth0") }))
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "/") {
		t.Fatalf("the worker said %q, %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
}

// each runs the test with every backend.
func each(t *testing.T, test func(t *testing.T, b Backend)) {
	testenv.RequireRoot(t)
	for _, b := range []Backend{BPF, NFT} {
		t.Run(string(b), func(t *testing.T) { test(t, b) })
	}
}

func (p *pair) open(t *testing.T, b Backend) *Gate {
	t.Helper()
	g := open(t, p.amphora, Config{Backend: b})
	must(t, g.Protect([]netip.Addr{vip4, vip6}))
	must(t, g.Peers([]net.HardwareAddr{peerMAC}))
	return g
}

func TestLiveOpensAndExpires(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		p.answers(t) // nothing guards yet
		g := p.open(t, b)
		p.silent(t, 50)

		extend(t, g, 1, time.Minute)
		p.answers(t)
		must(t, errors.Join(p.dial(vip4, deadline), p.dial(vip6, deadline)))
		must(t, g.Shut(1))
		p.silent(t, 50)
		if err := p.dial(vip4, 50*time.Millisecond); err == nil {
			t.Error("a connection through a gate that is shut")
		}

		extend(t, g, 2, 200*time.Millisecond)
		p.answers(t)
		eventually(t, g, Expired)
		waitTick(b)
		p.silent(t, 100)
		s, err := g.Stats()
		must(t, err)
		if s.Ingress.Passed == 0 || s.Ingress.DroppedExpired == 0 || s.Egress.Passed == 0 {
			t.Errorf("counted %+v", s)
		}
	})
}

// waitTick gives nftables the tick of the kernel that it may be late by.
func waitTick(b Backend) {
	if b == NFT {
		<-time.After(20 * time.Millisecond)
	}
}

// TestLivePacketSocket sends an announcement past the kernel's ARP, as the announcer
// does.
func TestLivePacketSocket(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		g := p.open(t, b)
		socket := newWire(t, p.amphora, "eth0")
		own := arpFrame(p.mac, 1, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"))
		for i, announcement := range [][]byte{
			arpFrame(p.mac, 1, vip4, vip4),
			arpFrame(p.mac, 2, vip4, vip4),
			withChecksum(ndFrame(p.mac, 136, vip6, allNodes, vip6)),
			arpFrame(p.mac, 1, vip4, vip4),
		} {
			send := announcement
			if i == 3 {
				send = tagged(send, 0x8100) // the client's kernel takes the tag off
			}
			p.wire.clear()
			socket.send(t, send)
			socket.send(t, own)
			testenv.Eventually(t, deadline, func() error { return p.wire.has(own) })
			if p.wire.has(announcement) == nil {
				t.Errorf("left while the gate was shut: %x", announcement)
			}
			extend(t, g, 1, time.Minute)
			socket.send(t, send)
			testenv.Eventually(t, deadline, func() error { return p.wire.has(announcement) })
			must(t, g.Shut(1))
		}
	})
}

// TestLiveWorkerKilled kills the process that holds the gate open.
func TestLiveWorkerKilled(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		cmd, _ := p.worker(t, fmt.Sprintf("%s 1s", b))
		kill(t, cmd)
		p.answers(t) // the lease lasts
		var r Report
		read := func() error { return p.amphora.Do(func() (err error) { r, err = Read("eth0"); return err }) }
		testenv.Eventually(t, deadline, func() error {
			must(t, read())
			if r.State.Verdict != Expired {
				return fmt.Errorf("the gate is %s", r.State.Verdict)
			}
			return nil
		})
		waitTick(b)
		p.silent(t, 50)
		if last := r.Journal[len(r.Journal)-1]; last.Kind != KindExtend || last.Until != r.State.Until {
			t.Errorf("the journal ends with %+v, state is %+v", last, r.State)
		}

		g := open(t, p.amphora, Config{Backend: b}) // the next process adopts it
		p.silent(t, 20)
		extend(t, g, 6, time.Minute)
		p.answers(t)
	})
}

// TestLiveFloor has the supervisor end the term of a worker that goes on extending,
// and of one that is stopped.
func TestLiveFloor(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		for _, stopped := range []bool{false, true} {
			p := newPair(t)
			cmd, dir := p.worker(t, fmt.Sprintf("%s 10s again", b))
			p.answers(t)
			if stopped {
				must(t, cmd.Process.Signal(syscall.SIGSTOP))
				p.answers(t)
			}
			must(t, p.amphora.Do(func() error {
				f, err := OpenFloor(dir)
				if err != nil {
					return err
				}
				return errors.Join(f.Raise(6), f.Close())
			}))
			p.silent(t, 50)
			if stopped {
				must(t, cmd.Process.Signal(syscall.SIGCONT))
				p.silent(t, 50)
			}
			kill(t, cmd)
			g := open(t, p.amphora, Config{Backend: b})
			sent := now()
			if err := g.Extend(5, sent, sent+1e9); !errors.Is(err, ErrFloor) {
				t.Errorf("the next worker extends the term that was ended: %v", err)
			}
			select {
			case e := <-g.Forced():
				if e.Kind != KindRaise || e.Term != 6 {
					t.Errorf("told %+v", e)
				}
			default:
				t.Error("nothing was told of the floor")
			}
			extend(t, g, 6, time.Minute)
			p.answers(t)
		}
	})
}

func TestLiveKillSwitch(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		g := p.open(t, b)
		run(t, g)
		for _, claim := range []func(mac net.HardwareAddr) []byte{
			func(mac net.HardwareAddr) []byte { return arpFrame(mac, 1, vip4, vip4) },
			func(mac net.HardwareAddr) []byte { return withChecksum(ndFrame(mac, 136, vip6, allNodes, vip6)) },
		} {
			extend(t, g, 1, time.Minute)
			p.wire.send(t, claim(strangerMAC))
			p.answers(t)
			p.wire.send(t, claim(peerMAC))
			p.silent(t, 30)
			select {
			case e := <-g.Forced():
				if e.Kind != KindKill || e.Term != 1 {
					t.Errorf("told %+v", e)
				}
			case <-time.After(deadline):
				t.Error("nothing was told of the claim")
			}
		}
		extend(t, g, 1, time.Minute)
		p.answers(t)
	})
}

// run runs the gate until the test ends.
func run(t *testing.T, g *Gate) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- g.Run(t.Context()) }()
	t.Cleanup(func() { must(t, <-done) })
}

// TestLiveInterfaceReturns makes the interface anew, with the addresses on it at once,
// as no amphora would.
func TestLiveInterfaceReturns(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		g := p.open(t, b)
		extend(t, g, 1, time.Minute)
		p.answers(t)

		must(t, p.amphora.DelLink("eth0"))
		if err := p.amphora.Do(g.Attach); err == nil {
			t.Error("attached to an interface that has gone")
		}
		sent := now()
		if err := g.Extend(1, sent, sent+1e9); !errors.Is(err, ErrDetached) {
			t.Errorf("extended without an interface: %v", err)
		}
		must(t, netns.Veth(p.amphora, "eth0", p.client, "eth0"))
		must(t, p.amphora.Do(g.Attach))
		for i, n := range []*netns.Namespace{p.amphora, p.client} {
			must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1))))
			must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", i+1))))
			must(t, n.Up("eth0"))
		}
		p.addVIPs(t)
		p.wire = newWire(t, p.client, "eth0")
		p.silent(t, 50)
		extend(t, g, 1, time.Minute)
		p.answers(t)
	})
}

// TestLiveVLAN sends frames with a VLAN tag: at ingress the kernel has moved it to the
// metadata of the packet.
func TestLiveVLAN(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		g := p.open(t, b)
		for i, frame := range [][]byte{
			arpFrame(p.wire.mac, 1, other4, vip4),
			withChecksum(ndFrame(p.wire.mac, 135, other6, allNodes, vip6)),
			synFrame(p.wire.mac, p.mac, other4, vip4),
		} {
			p.wire.send(t, tagged(frame, 0x8100))
			testenv.Eventually(t, deadline, func() error {
				s, err := g.Stats()
				if err == nil && s.Ingress.DroppedExpired != uint64(i+1) {
					err = fmt.Errorf("%d frames dropped, want %d", s.Ingress.DroppedExpired, i+1)
				}
				return err
			})
		}
	})
}

// TestInterfaceNames guards interfaces with names that bpffs or nftables would not
// take as they are.
func TestInterfaceNames(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		testenv.RequireRoot(t)
		n := newNamespace(t)
		must(t, netns.Veth(n, "eth0.10", n, "br-a@b.1"))
		for _, name := range []string{"eth0.10", "br-a@b.1"} {
			g := open(t, n, Config{Interface: name, Backend: b})
			must(t, g.Protect([]netip.Addr{vip4}))
			extend(t, g, 1, time.Minute)
			if got := verdict(t, g); got != IsOpen {
				t.Errorf("the gate of %s is %s", name, got)
			}
		}
	})
}

func TestRemoveLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		p := newPair(t)
		g := p.open(t, b)
		dir := g.Dir()
		must(t, g.Close())
		p.silent(t, 20)
		for range 2 { // the second time there is nothing to remove
			must(t, p.amphora.Do(func() error { return Remove("eth0") }))
		}
		p.answers(t)
		if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", filepath.Dir(dir), err)
		}
		leftovers(t, p.amphora)
	})
}

// TestSweep removes what was left by a gate whose namespace has gone.
func TestSweep(t *testing.T) {
	each(t, testSweep)
}

func testSweep(t *testing.T, b Backend) {
	gone, err := netns.New()
	must(t, err)
	must(t, netns.Veth(gone, "eth0", gone, "eth1"))
	var g *Gate
	must(t, gone.Do(func() (err error) { g, err = Open(Config{Interface: "eth0", Backend: b}); return err }))
	dir := g.Dir()
	n := newHost(t)
	remove := func() error { return n.Do(func() error { return Remove("eth0") }) }
	must(t, remove())
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the gate of another namespace was removed: %v", err)
	}
	must(t, g.Close())
	must(t, remove())
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the gate of another namespace was removed: %v", err)
	}
	must(t, gone.Close())
	testenv.Eventually(t, deadline, func() error { // the kernel destroys it by and by
		must(t, remove())
		if _, err := os.Stat(dir); err == nil {
			return fmt.Errorf("%s is left", dir)
		}
		return nil
	})
}
