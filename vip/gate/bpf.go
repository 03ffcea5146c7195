package gate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// layout is the version of the maps. A change of gate.c that changes a map's size
// or what its words mean takes the next number; the keys of vips stay for ever.
const layout = "v2"

// The counters of gate.c.
const (
	countPassed = iota
	countShut
	countFloor
	countKilled
	countClaim
	countStranger
	countDrained
	countForwarded
	countParked
	counts
)

// bpf is the gate as a pair of programs.
type bpf struct {
	dir   string // of the pins
	objs  gateObjects
	mem   *memory
	hooks [2]hook // at ingress and egress
	index int     // of the interface
	out   int     // a packet socket that receives nothing
	vips  keyset[gateAddr]
	macs  keyset[gateMac]
}

func (g *Gate) openBPF() (err error) {
	if g.dir, err = dirOf(bpfRoot, g.cfg.Interface); err != nil {
		return err
	}
	if err := mountBPF(); err != nil {
		return err
	}
	if g.lock, err = lockDir(g.dir); err != nil {
		return err
	}
	b := &bpf{dir: g.dir, out: -1}
	if err := b.load(g.cfg.Cluster); err != nil {
		return errors.Join(err, b.close(), g.lock.Close())
	}
	g.enf = b
	return nil
}

// load makes the maps or adopts the pinned ones, and loads the programs for them.
// What is attached goes on guarding, with its own maps.
func (b *bpf) load(cluster string) error {
	cookie, err := netnsCookie()
	if err != nil {
		return err
	}
	if err := b.forgetOtherNamespace(cookie); err != nil {
		return err
	}
	spec, err := loadGate()
	if err != nil {
		return fmt.Errorf("read programs: %w", err)
	}
	maps := filepath.Join(b.dir, layout)
	if err := os.MkdirAll(maps, 0o700); err != nil {
		return fmt.Errorf("create directory of the maps: %w", err)
	}
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinByName
	}
	opts := ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: maps}}
	if err := spec.LoadAndAssign(&b.objs, &opts); err != nil {
		return fmt.Errorf("load programs and maps: %w", err)
	}
	if b.out, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open packet socket: %w", err)
	}
	if b.mem, err = mapMemory(&b.objs.gateMaps, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return err
	}
	b.mem.introduce(cluster, cookie)
	return b.inherit()
}

// forgetOtherNamespace removes pins of a namespace that had the same inode number
// and has gone: its interfaces went with it.
func (b *bpf) forgetOtherNamespace(cookie uint64) error {
	var meta gateMeta
	m, err := ebpf.LoadPinnedMap(filepath.Join(b.dir, layout, gateMapMeta), nil)
	if err != nil {
		return nil // none, or of another layout
	}
	defer closing(m)
	if err := m.Lookup(uint32(0), &meta); err != nil {
		return fmt.Errorf("read whose the pins are: %w", err)
	}
	if meta.Netns == 0 || meta.Netns == cookie {
		return nil
	}
	entries, err := os.ReadDir(b.dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(b.dir, e.Name())))
	}
	return err
}

// inherit takes over what maps of another layout say: which addresses are guarded
// and how high the floor is. What attach replaces thus denies no more than what
// follows it.
func (b *bpf) inherit() error {
	dirs, err := filepath.Glob(filepath.Join(b.dir, "v*"))
	for _, dir := range dirs {
		if filepath.Base(dir) == layout {
			continue
		}
		old, e := ebpf.LoadPinnedMap(filepath.Join(dir, gateMapVips), nil)
		if e != nil {
			return fmt.Errorf("read the addresses that another version guards: %w; remove the gate with amphorad release-vip", e)
		}
		guarded, e := keys[gateAddr](old)
		err = errors.Join(err, e)
		for _, key := range guarded {
			err = errors.Join(err, b.objs.Vips.Put(key, uint32(0)))
		}
		err = errors.Join(err, old.Close())
		if floor, e := ebpf.LoadPinnedMap(filepath.Join(dir, gateMapFloor), nil); e == nil {
			var f gateFloor
			if floor.Lookup(uint32(0), &f) == nil {
				b.mem.raise(f.MinTerm)
			}
			err = errors.Join(err, floor.Close())
		}
	}
	return err
}

// disinherit removes maps of another layout, once nothing uses them.
func (b *bpf) disinherit() error {
	dirs, err := filepath.Glob(filepath.Join(b.dir, "v*"))
	for _, dir := range dirs {
		if filepath.Base(dir) != layout {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// mapMemory maps what is shared.
func mapMemory(maps *gateMaps, prot int) (m *memory, err error) {
	m = &memory{}
	lease, e1 := region[gateLease](m, maps.Lease.FD(), 1, prot)
	floor, e2 := region[gateFloor](m, maps.Floor.FD(), 1, prot)
	killed, e3 := region[gateKilled](m, maps.Killed.FD(), 1, prot)
	meta, e4 := region[gateMeta](m, maps.Meta.FD(), 1, prot)
	journal, e5 := region[gateRecord](m, maps.Journal.FD(), 1+records, prot)
	drain, e6 := region[gateDrain](m, maps.Drain.FD(), 1, prot)
	if err := errors.Join(e1, e2, e3, e4, e5, e6); err != nil {
		return nil, errors.Join(err, m.close())
	}
	m.lease, m.floor, m.killed, m.drain, m.meta = &lease[0], &floor[0], &killed[0], &drain[0], &meta[0]
	m.journal = journal
	return m, nil
}

func (b *bpf) name() Backend   { return BPF }
func (b *bpf) memory() *memory { return b.mem }

func (b *bpf) attach(index int) error {
	for i, p := range []struct {
		name    string
		program *ebpf.Program
		at      ebpf.AttachType
	}{
		{"ingress", b.objs.GateIngress, ebpf.AttachTCXIngress},
		{"egress", b.objs.GateEgress, ebpf.AttachTCXEgress},
	} {
		if err := b.hooks[i].attach(filepath.Join(b.dir, p.name), index, p.program, p.at); err != nil {
			return fmt.Errorf("attach at %s: %w", p.name, err)
		}
	}
	b.index = index
	return b.disinherit()
}

func (b *bpf) protect(addrs []netip.Addr) error {
	want := make(map[gateAddr]bool, len(addrs))
	for _, a := range addrs {
		want[keyOf(a)] = true
	}
	return b.vips.replace(b.objs.Vips, want)
}

func (b *bpf) peers(macs []net.HardwareAddr) error {
	want := make(map[gateMac]bool, len(macs))
	for _, mac := range macs {
		want[macOf(mac)] = true
	}
	return b.macs.replace(b.objs.Peers, want)
}

func (b *bpf) leased(int64) error { return nil } // the programs read the memory

func (b *bpf) watch(ctx context.Context, event func(gateEvent)) error {
	return read(ctx, b.objs.Events, event)
}

// read calls each for every record of a ring buffer, until ctx ends.
func read[T any](ctx context.Context, ring *ebpf.Map, each func(T)) error {
	r, err := ringbuf.NewReader(ring)
	if err != nil {
		return fmt.Errorf("read %v: %w", ring, err)
	}
	defer context.AfterFunc(ctx, func() { _ = r.Close() })()
	defer closing(r)
	var rec ringbuf.Record
	for {
		err := r.ReadInto(&rec)
		if errors.Is(err, ringbuf.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %v: %w", ring, err)
		}
		var v T
		if err := binary.Read(bytes.NewReader(rec.RawSample), binary.NativeEndian, &v); err != nil {
			return fmt.Errorf("read record of %d bytes from %v: %w", len(rec.RawSample), ring, err)
		}
		each(v)
	}
}

func (b *bpf) state(s *State) error {
	s.Backend = BPF
	addrs, err := keys[gateAddr](b.objs.Vips)
	for _, k := range addrs {
		s.VIPs = append(s.VIPs, k.addr())
	}
	macs, e := keys[gateMac](b.objs.Peers)
	for _, k := range macs {
		s.Peers = append(s.Peers, net.HardwareAddr(k.Byte[:]).String())
	}
	return errors.Join(err, e)
}

func (b *bpf) stats() (Stats, error) { return readStats(b.objs.Stats) }

// closing closes what was only read.
func closing(c io.Closer) { _ = c.Close() }

// close leaves the pins. The programs stay where they are attached.
func (b *bpf) close() error {
	var errs []error
	if b.mem != nil {
		errs = append(errs, b.mem.close())
	}
	for i := range b.hooks {
		errs = append(errs, b.hooks[i].close())
	}
	if b.out >= 0 {
		errs = append(errs, unix.Close(b.out))
	}
	if b.objs.Vips != nil {
		errs = append(errs, b.objs.Close())
	}
	return errors.Join(errs...)
}
