package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// attachment is what is at eth0 of the namespace, in both directions.
func attachment(t *testing.T, n *netns.Namespace) (links []link.ID, programs []ebpf.ProgramID) {
	t.Helper()
	ifi, err := n.Interface("eth0")
	must(t, err)
	must(t, n.Do(func() error {
		for _, at := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
			r, err := link.QueryPrograms(link.QueryOptions{Target: ifi.Index, Attach: at})
			if err != nil {
				return err
			}
			for _, p := range r.Programs {
				id, ok := p.LinkID()
				if !ok {
					return errors.New("attached without a link")
				}
				links, programs = append(links, id), append(programs, p.ID)
			}
		}
		return nil
	}))
	return links, programs
}

// TestAdoptionKeepsTheLinks has another process take over: the programs are exchanged in
// the links that are there.
func TestAdoptionKeepsTheLinks(t *testing.T) {
	n := newHost(t)
	g := open(t, n, Config{Backend: BPF})
	links, programs := attachment(t, n)
	if len(links) != 2 {
		t.Fatalf("links %v", links)
	}
	must(t, g.Close())
	open(t, n, Config{Backend: BPF})
	after, exchanged := attachment(t, n)
	if !slices.Equal(links, after) {
		t.Errorf("links %v became %v", links, after)
	}
	for _, p := range programs {
		if slices.Contains(exchanged, p) {
			t.Errorf("programs %v became %v", programs, exchanged)
		}
	}
}

// What a former process drained died with it: its successor lets none of it pass.
func TestAdoptionEndsADrain(t *testing.T) {
	n := newHost(t)
	g := open(t, n, Config{Backend: BPF})
	must(t, g.DrainTo(peerMAC, now()+int64(time.Minute)))
	must(t, g.Close())
	state, err := open(t, n, Config{Backend: BPF}).State()
	must(t, err)
	if state.Draining != "" {
		t.Errorf("it drains %s", state.Draining)
	}
}

// otherLayout makes the pins of the gate in dir look like those of another version.
func otherLayout(t *testing.T, dir string) {
	t.Helper()
	other := filepath.Join(dir, "v0")
	must(t, os.Mkdir(other, 0o700))
	pins, err := os.ReadDir(filepath.Join(dir, layout))
	must(t, err)
	for _, pin := range pins {
		must(t, os.Rename(filepath.Join(dir, layout, pin.Name()), filepath.Join(other, pin.Name())))
	}
	must(t, os.Remove(filepath.Join(dir, layout)))
}

// TestAdoptsAnotherLayout takes over from a version whose maps are of no use.
func TestAdoptsAnotherLayout(t *testing.T) {
	p := newPair(t)
	g := p.open(t, BPF)
	extend(t, g, 5, time.Minute)
	raise(t, g.Dir(), 4)
	dir := g.Dir()
	must(t, g.Close())
	links, _ := attachment(t, p.amphora)
	otherLayout(t, dir)

	g = open(t, p.amphora, Config{Backend: BPF})
	p.silent(t, 20)
	s, err := g.State()
	must(t, err)
	slices.SortFunc(s.VIPs, netip.Addr.Compare)
	if !slices.Equal(s.VIPs, []netip.Addr{vip4, vip6}) || s.MinTerm != 4 {
		t.Errorf("inherited %v and floor %d", s.VIPs, s.MinTerm)
	}
	if after, _ := attachment(t, p.amphora); !slices.Equal(links, after) {
		t.Errorf("links %v became %v", links, after)
	}
	if _, err := os.Stat(filepath.Join(dir, "v0")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the maps of the other version are left: %v", err)
	}
	extend(t, g, 5, time.Minute)
	p.answers(t)
}

// TestAdoptsNothingItCannotRead leaves what guards in its place.
func TestAdoptsNothingItCannotRead(t *testing.T) {
	p := newPair(t)
	g := p.open(t, BPF)
	dir := g.Dir()
	must(t, g.Close())
	otherLayout(t, dir)
	must(t, os.Remove(filepath.Join(dir, "v0", gateMapVips)))
	if _, err := tryOpen(t, p.amphora, Config{Backend: BPF}); err == nil || !strings.Contains(err.Error(), "release-vip") {
		t.Fatalf("opened: %v", err)
	}
	p.silent(t, 20)
}

// TestOtherNamespace finds pins of a namespace that had the same inode number.
func TestOtherNamespace(t *testing.T) {
	n := newHost(t)
	g := open(t, n, Config{Backend: BPF})
	must(t, g.Protect([]netip.Addr{vip4}))
	raise(t, g.Dir(), 9)
	g.enf.memory().meta.Netns++
	must(t, g.Close())
	g = open(t, n, Config{Backend: BPF})
	s, err := g.State()
	must(t, err)
	if len(s.VIPs) != 0 || s.MinTerm != 0 {
		t.Errorf("adopted %+v", s)
	}
}

// TestOpensAtOnce has many processes open gates while bpffs may not be mounted: the
// mounts must not hide each other.
func TestOpensAtOnce(t *testing.T) {
	testenv.RequireRoot(t)
	const n = 4
	hosts := make([]*netns.Namespace, n)
	for i := range hosts {
		hosts[i] = newHost(t)
	}
	errs := make(chan error, n)
	for _, h := range hosts {
		go func() {
			g, err := tryOpen(t, h, Config{Backend: BPF})
			if err == nil {
				_, err = os.Stat(filepath.Join(g.Dir(), "ingress"))
			}
			errs <- err
		}()
	}
	for range hosts {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestRefused opens gates in processes that lack capabilities.
func TestRefused(t *testing.T) {
	p := newPair(t)
	run := func(spec string, caps ...int) string {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
		cmd.Env = append(os.Environ(), "GATE_TEST_WORKER="+spec, "GATE_TEST_WITHOUT="+fmt.Sprint(caps))
		var out strings.Builder
		cmd.Stdout = &out
		must(t, p.amphora.Start(cmd))
		_ = cmd.Wait()
		must(t, p.amphora.Do(func() error { return Remove("eth0") }))
		return out.String()
	}
	if got := run("auto 1s", unix.CAP_BPF, unix.CAP_SYS_ADMIN); !strings.HasPrefix(got, nftRoot) {
		t.Errorf("without BPF: %s", got)
	}
	if got := run("bpf 1s", unix.CAP_BPF, unix.CAP_SYS_ADMIN); !strings.Contains(got, "load programs and maps") {
		t.Errorf("without BPF, but told to use it: %s", got)
	}
	got := run("auto 1s", unix.CAP_BPF, unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN)
	if !strings.Contains(got, "bpf: ") || !strings.Contains(got, "nft: ") {
		t.Errorf("without either, the error names not both: %s", got)
	}
	must(t, netns.Veth(p.amphora, "up", p.amphora, "down"))
	if _, err := tryOpen(t, p.amphora, Config{Interface: "lo"}); err == nil || !strings.Contains(err.Error(), "only Ethernet") {
		t.Errorf("opened the gate of lo: %v", err)
	}
	if _, err := tryOpen(t, p.amphora, Config{Interface: "none"}); err == nil {
		t.Error("opened the gate of an interface that does not exist")
	}
}

// without gives up capabilities, written as fmt.Sprint does.
func without(caps string) error {
	if caps == "" {
		return nil
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return err
	}
	for _, field := range strings.Fields(strings.Trim(caps, "[]")) {
		var c uint
		if _, err := fmt.Sscan(field, &c); err != nil {
			return err
		}
		data[c/32].Effective &^= 1 << (c % 32)
		data[c/32].Permitted &^= 1 << (c % 32)
	}
	return unix.Capset(&hdr, &data[0])
}

// TestBackendChanges has the next process use the other backend: what was guarded is
// guarded, and nothing is left of the first.
func TestBackendChanges(t *testing.T) {
	p := newPair(t)
	for _, b := range []Backend{BPF, NFT, BPF} {
		g := open(t, p.amphora, Config{Backend: b})
		if b == BPF {
			must(t, g.Protect([]netip.Addr{vip4, vip6}))
		}
		p.silent(t, 20)
		extend(t, g, 1, time.Minute)
		p.answers(t)
		must(t, g.Close())
	}
	must(t, p.amphora.Do(func() error { return Remove("eth0") }))
	leftovers(t, p.amphora)
}

// TestRemoveWithoutState removes a table whose state somebody has cleared.
func TestRemoveWithoutState(t *testing.T) {
	n := newHost(t)
	g := open(t, n, Config{Backend: NFT})
	dir := g.Dir()
	must(t, g.Close())
	must(t, removeDir(nftRoot, dir))
	must(t, n.Do(func() error { return Remove("eth0") }))
	leftovers(t, n)
}

// TestFlushedTables makes the table again that somebody has flushed.
func TestFlushedTables(t *testing.T) {
	p := newPair(t)
	g := p.open(t, NFT)
	for _, change := range []func(){
		func() { extend(t, g, 1, time.Minute) },
		func() { must(t, g.Shut(1)) },
		func() { must(t, p.amphora.Do(g.Attach)) },
	} {
		must(t, p.amphora.Do(func() error {
			conn := &nftables.Conn{}
			conn.FlushRuleset()
			return conn.Flush()
		}))
		change()
		must(t, g.Shut(1))
		p.silent(t, 20)
		extend(t, g, 1, time.Minute)
		p.answers(t)
	}
}
