package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/chaos/relay"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// hosts makes a lab with hosts at 192.0.2.1, 192.0.2.2, and so on.
func hosts(t *testing.T, n int) (*Lab, []*Host) {
	t.Helper()
	testenv.RequireRoot(t)
	lab, err := NewLab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
		if left, err := lab.Leftovers(); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	all := make([]*Host, n)
	for i := range all {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		if all[i], err = lab.AddHost(fmt.Sprint("host", i), netip.PrefixFrom(addr, 24)); err != nil {
			t.Fatal(err)
		}
	}
	return lab, all
}

func inject(t *testing.T, lab *Lab, f Fault) {
	t.Helper()
	if err := lab.Inject(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func mend(t *testing.T, lab *Lab, f Fault) {
	t.Helper()
	if err := lab.Mend(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// ears is a socket on each host that hears what others say to port 9.
type ears map[*Host]*net.UDPConn

func listen(t *testing.T, all []*Host) ears {
	t.Helper()
	e := ears{}
	for _, h := range all {
		err := h.Do(func() (err error) {
			e[h], err = net.ListenUDP("udp4", &net.UDPAddr{Port: 9})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e[h].Close() })
	}
	return e
}

// say sends n datagrams from one host to another and counts those that arrive
// before nothing has come for a while.
func (e ears) say(t *testing.T, from, to *Host, n int) (heard int) {
	t.Helper()
	buf := make([]byte, 64)
	hear := func(wait time.Duration) bool {
		_ = e[to].SetReadDeadline(time.Now().Add(wait))
		k, _, err := e[to].ReadFrom(buf)
		return err == nil && string(buf[:k]) == from.Name
	}
	for hear(time.Millisecond) { // what is left of the last question
	}
	for range n {
		_, _ = e[from].WriteTo([]byte(from.Name), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.Addr, 9)))
		if hear(2 * time.Millisecond) {
			heard++
		}
	}
	for hear(50 * time.Millisecond) {
		heard++
	}
	return heard
}

// connected waits until both hear each other.
func (e ears) connected(t *testing.T, a, b *Host) {
	t.Helper()
	testenv.Eventually(t, 10*time.Second, func() error {
		if e.say(t, a, b, 1) == 0 || e.say(t, b, a, 1) == 0 {
			return errors.New("they do not hear each other")
		}
		return nil
	})
}

// TestFaultsOfTheNetwork: what each fault cuts and what it leaves, by trying, and
// that all is well after it is healed.
func TestFaultsOfTheNetwork(t *testing.T) {
	lab, all := hosts(t, 3)
	a, b, c := all[0], all[1], all[2]
	e := listen(t, all)
	const n = 10
	for _, tt := range []struct {
		fault      Fault
		ab, ba, bc bool // whether datagrams pass
	}{
		{CutCable(a), false, false, true},
		{LinkDown(a), false, false, true},
		{Drop(a, b), false, true, true},
		{Part(a, b), false, false, true},
		{Deafen(a), true, false, true},
		{Mute(a), false, true, true},
		{Isolate(a), false, false, true},
		{DropRaft(a, b), true, true, true},
		{dropPort("the test", unix.IPPROTO_UDP, 9, a, b), false, false, true},
		{BadCable(a, relay.Cable{Delay: 3 * time.Millisecond}), true, true, true},
	} {
		t.Run(strings.ReplaceAll(tt.fault.String(), " ", "_"), func(t *testing.T) {
			e.connected(t, a, b)
			e.connected(t, b, c)
			inject(t, lab, tt.fault)
			for _, way := range []struct {
				from, to *Host
				passes   bool
			}{{a, b, tt.ab}, {b, a, tt.ba}, {b, c, tt.bc}, {c, b, tt.bc}} {
				if heard := e.say(t, way.from, way.to, n); (heard > 0) != way.passes {
					t.Errorf("%s heard %d of %d from %s, want any: %v", way.to.Name, heard, n, way.from.Name, way.passes)
				}
			}
			mend(t, lab, tt.fault)
			e.connected(t, a, b)
		})
	}
}

// TestFaultsOfTheNetworkAddUp: faults overlap, and go one by one.
func TestFaultsOfTheNetworkAddUp(t *testing.T) {
	lab, all := hosts(t, 2)
	a, b := all[0], all[1]
	e := listen(t, all)
	e.connected(t, a, b)
	lossy, cable, muted := Lose(a, 50), BadCable(a, relay.Cable{Delay: time.Millisecond}), Mute(a)
	inject(t, lab, lossy)
	const n = 400
	if heard := e.say(t, a, b, n); heard < n/4 || heard > n*3/4 {
		t.Errorf("%d of %d heard, want half", heard, n)
	}
	inject(t, lab, cable) // rules hold for the relay's port too
	if heard := e.say(t, a, b, n); heard < n/4 || heard > n*3/4 {
		t.Errorf("%d of %d heard over the relay, want half", heard, n)
	}
	inject(t, lab, muted)
	mend(t, lab, lossy)
	if heard := e.say(t, a, b, n/10); heard != 0 {
		t.Errorf("%d heard of a mute host", heard)
	}
	if err := lab.HealAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.connected(t, a, b)
	if heard := e.say(t, a, b, n/4); heard != n/4 {
		t.Errorf("%d of %d heard after healing", heard, n/4)
	}
	// All that stood for a fault is gone.
	links, err := lab.net.Netlink().LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, "relay") || strings.HasPrefix(name, "inner") {
			t.Errorf("link %s is left", name)
		}
	}
}

// TestFreeze: a frozen host does nothing, not even end by a signal, and goes on
// afterwards. A fault that hits nothing is an error.
func TestFreeze(t *testing.T) {
	lab, all := hosts(t, 2)
	if err := lab.Inject(t.Context(), Freeze(all[1])); err == nil {
		t.Error("a host without processes was frozen")
	}
	p, err := lab.start(all[0], "parent", "sh", "-c", "sleep 600 & wait")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all[0].group.kill(); <-p.done })
	var child int
	testenv.Eventually(t, 5*time.Second, func() error {
		pids, err := children(p.cmd.Process.Pid)
		if err == nil && len(pids) != 1 {
			err = fmt.Errorf("children: %v", pids)
		}
		if err == nil {
			child = pids[0]
		}
		return err
	})
	frozen := Freeze(all[0])
	inject(t, lab, frozen)
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Errorf("the child ended while it was frozen: %v", err)
	}
	if !p.running() {
		t.Error("the parent ended while it was frozen")
	}
	mend(t, lab, frozen)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Error("thawed, the child ignores SIGTERM")
	}
}

// TestGroupLivesOn: what is started into a group after all in it were killed lives.
func TestGroupLivesOn(t *testing.T) {
	lab, all := hosts(t, 1)
	for range 2 {
		p, err := lab.start(all[0], "sleeper", "sleep", "600")
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(p.cmd.Process.Pid, 0); err != nil || !p.running() {
			t.Errorf("it does not run: %v", err)
		}
		err = errors.Join(all[0].group.kill(), p.killed(t.Context()), all[0].group.empty(t.Context()))
		if err != nil {
			t.Error(err)
		}
	}
	p, err := lab.start(all[0], "last", "true")
	if err != nil {
		t.Fatal(err)
	}
	if <-p.done; p.waitErr != nil {
		t.Errorf("what runs after the kill ends with %v", p.waitErr)
	}
}

func TestBusyCPU(t *testing.T) {
	lab, _ := hosts(t, 0)
	f := BusyCPU(lab, 2)
	inject(t, lab, f)
	if pids, err := lab.busy.pids(); err != nil || len(pids) < 2 {
		t.Errorf("busy processes: %v, %v", pids, err)
	}
	mend(t, lab, f)
	if pids, err := lab.busy.pids(); err != nil || len(pids) != 0 {
		t.Errorf("still busy: %v, %v", pids, err)
	}
}

// TestInjectUndoesWhatFailed: a fault that can be applied only in part is undone.
func TestInjectUndoesWhatFailed(t *testing.T) {
	lab, _ := hosts(t, 0)
	undone := 0
	f := &simple{
		name: "half a fault",
		do:   func(context.Context) error { return errors.New("no") },
		undo: func(context.Context) error { undone++; return nil },
	}
	if err := lab.Inject(t.Context(), f); err == nil || undone != 1 {
		t.Errorf("%v, undone %d times", err, undone)
	}
	if err := lab.HealAll(t.Context()); err != nil || undone != 1 {
		t.Errorf("%v, undone %d times", err, undone)
	}
}

// TestDisk: full, stalled and failing, and well again.
func TestDisk(t *testing.T) {
	testenv.RequireRoot(t)
	base := t.TempDir()
	d, err := newDisk(filepath.Join(base, "image"), filepath.Join(base, "data"))
	t.Cleanup(func() {
		if err := unmountBelow(base); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.dir, "file")
	write := func() error {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.Write(make([]byte, 64<<10))
		return errors.Join(err, file.Sync())
	}
	good := func() {
		t.Helper()
		if err := write(); err != nil {
			t.Error(err)
		}
	}
	good()
	if err := d.fill(); err != nil {
		t.Fatal(err)
	}
	if err := write(); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("writing to a full disk: %v", err)
	}
	if err := d.empty(); err != nil {
		t.Fatal(err)
	}
	good()

	if err := d.freeze(); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- write() }()
	select {
	case err := <-written:
		t.Errorf("writing to a stalled disk: %v", err)
		written <- err
	case <-time.After(100 * time.Millisecond):
	}
	if err := errors.Join(d.thaw(), d.thaw(), <-written); err != nil {
		t.Fatal(err)
	}

	if err := d.fail(); err != nil {
		t.Fatal(err)
	}
	if err := write(); err == nil {
		t.Error("writing to a failing disk works")
	}
	if err := d.replace(); err != nil {
		t.Fatal(err)
	}
	good()
	if mounts, err := mountsBelow(base); err != nil || len(mounts) != 1 {
		t.Errorf("mounted: %v, %v", mounts, err)
	}
}

// TestSweepOfFaults: a lab of a crashed process may have left frozen control
// groups and stalled disks.
func TestSweepOfFaults(t *testing.T) {
	testenv.RequireRoot(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	orphan := fmt.Sprintf("%s%d-orphan", labPrefix, dead.Process.Pid)
	g, err := newGroup(orphan + "-host")
	if err != nil {
		t.Fatal(err)
	}
	sleeper := exec.Command("sleep", "600")
	g.enter(sleeper)
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if err := g.freeze(t.Context()); err != nil {
		t.Error(err)
	}
	base := filepath.Join(os.TempDir(), orphan)
	if err := os.Mkdir(base, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := newDisk(filepath.Join(base, "image"), filepath.Join(base, "data"))
	if err != nil {
		t.Error(err)
	} else if err := d.freeze(); err != nil {
		t.Error(err)
	}
	if err := sweep(); err != nil {
		t.Error(err)
	}
	if err := sleeper.Wait(); err == nil {
		t.Error("the frozen process ended by itself")
	}
	_ = g.open.Close()
	for _, path := range []string{g.dir, base} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
}
