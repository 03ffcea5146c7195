package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nft is the gate as a table of nftables. What BPF has in its maps is in a file here,
// which the kernel does not look at: every change of the lease goes to the kernel too.
type nft struct {
	mem   *memory
	table *nftTable
	poll  *nftTable // for Run: a request and its answers must not mix with others
	index int       // of the interface that the rules are for; 0: none yet

	// What was set, to be set again should somebody flush the tables; nil: as found.
	vips []netip.Addr
	macs []net.HardwareAddr

	enabled bool   // since the table was made
	floor   uint64 // when it was enabled
}

func (g *Gate) openNFT() (err error) {
	if g.dir, err = dirOf(nftRoot, g.cfg.Interface); err != nil {
		return err
	}
	if g.lock, err = lockDir(g.dir); err != nil {
		return err
	}
	n := &nft{}
	if err := n.load(g.cfg, g.dir); err != nil {
		return errors.Join(err, n.close(), g.lock.Close())
	}
	g.enf = n
	return nil
}

func (n *nft) load(cfg Config, dir string) error {
	cookie, err := netnsCookie()
	if err != nil {
		return err
	}
	if n.table, err = dialTable(cfg.Interface); err != nil {
		return err
	}
	if n.poll, err = dialTable(cfg.Interface); err != nil {
		return err
	}
	if n.mem, err = openState(dir, unix.O_RDWR|unix.O_CREAT); err != nil {
		return err
	}
	if old := atomic.LoadUint64(&n.mem.meta.Netns); old != 0 && old != cookie {
		n.mem.shut()
		n.mem.store(leaseRecord{})
		atomic.StoreUint64(&n.mem.floor.MinTerm, 0)
	}
	n.mem.introduce(cfg.Cluster, cookie)
	return nil
}

const stateFile = "state"

// openState maps the file that stands for the maps of BPF: a page for the words, then
// the journal.
func openState(dir string, flags int) (*memory, error) {
	const size = 4096 + (1+records)*int(unsafe.Sizeof(gateRecord{}))
	path := filepath.Join(dir, stateFile)
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	prot := unix.PROT_READ
	if flags&unix.O_RDWR != 0 {
		prot |= unix.PROT_WRITE
		if err := unix.Ftruncate(fd, int64(size)); err != nil {
			return nil, &fs.PathError{Op: "grow", Path: path, Err: err}
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size != int64(size) {
		return nil, fmt.Errorf("%s has %d bytes, want %d: it is of another version", path, st.Size, size)
	}
	m := &memory{}
	words, err := region[[4096]byte](m, fd, 1+(size-4096+4095)/4096, prot)
	if err != nil {
		return nil, err
	}
	page := unsafe.Pointer(&words[0])
	m.lease = (*gateLease)(page)
	m.floor = (*gateFloor)(unsafe.Add(page, 64))
	m.killed = (*gateKilled)(unsafe.Add(page, 128))
	m.meta = (*gateMeta)(unsafe.Add(page, 192))
	m.journal = unsafe.Slice((*gateRecord)(unsafe.Add(page, 4096)), 1+records)
	return m, nil
}

func (n *nft) name() Backend   { return NFT }
func (n *nft) memory() *memory { return n.mem }

// attach makes the table for the interface, in one transaction, with the addresses that
// it guards already, and what was open stays so.
func (n *nft) attach(index int) error {
	if index == n.index && n.table.attached() {
		return nil
	}
	if err := n.rebuild(); err != nil {
		return err
	}
	n.index = index
	return n.leased(n.mem.current().until)
}

func (n *nft) rebuild() error {
	n.enabled = false
	return n.table.build(n.vips, n.macs)
}

func (n *nft) protect(addrs []netip.Addr) error {
	n.vips = append([]netip.Addr{}, addrs...)
	return n.table.setVIPs(addrs)
}

func (n *nft) peers(macs []net.HardwareAddr) error {
	n.macs = append([]net.HardwareAddr{}, macs...)
	return n.table.setPeers(macs)
}

// tick is how coarsely the kernel counts what is left of an element, at most.
const tick = 10 * time.Millisecond

// leased opens the table for what is left of the lease. The kernel takes only how long,
// and counts from when it carries out the request. So a part of the lease is left out,
// and the clock is read again afterwards: if the request took longer than that part it is
// made once more, and at last taken back. A process that is frozen between the request
// and the second reading is the hole that remains: see DESIGN.md.
func (n *nft) leased(until int64) error {
	for range 3 {
		start := now()
		rest := time.Duration(until - start)
		late := min(max(rest/10, 10*time.Millisecond), 100*time.Millisecond)
		if rest -= tick + late; rest < time.Millisecond {
			return n.shut()
		}
		floor := n.mem.minTerm()
		err := n.table.open(rest, !n.enabled || floor != n.floor)
		if errors.Is(err, unix.ENOENT) { // somebody has flushed the tables
			if err = n.rebuild(); err == nil {
				continue
			}
		}
		if err != nil {
			return errors.Join(err, n.shut())
		}
		if n.mem.minTerm() > n.mem.current().term {
			return errors.Join(ErrFloor, n.shut()) // raised meanwhile
		}
		n.enabled, n.floor = true, floor
		if time.Duration(now()-start) <= late {
			return nil
		}
	}
	return errors.Join(errors.New("nftables took too long"), n.shut())
}

// shut takes the lease away. A table that has been flushed is made again, unless there
// never was one: then attach makes it.
func (n *nft) shut() error {
	err := n.table.shut()
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	if n.index == 0 {
		return nil
	}
	return n.rebuild()
}

// pollClaims is how often Run looks for claims: nftables does not tell of them.
const pollClaims = 20 * time.Millisecond

// watch looks for the element that a peer's claim leaves.
// parked has nothing to tell: nftables drains nothing.
func (n *nft) parked(ctx context.Context, _ func(gateParked)) error {
	<-ctx.Done()
	return nil
}

func (n *nft) send([]byte) error { return errors.ErrUnsupported }

func (n *nft) watch(ctx context.Context, event func(gateEvent)) error {
	ticker := time.NewTicker(pollClaims)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		at, err := n.poll.claimedAt()
		// The table may be gone while the interface is. The kernel's ticks blur the time.
		if err != nil || at < n.mem.killedAt()+int64(2*tick) {
			continue
		}
		open := n.mem.verdict() == IsOpen
		if open {
			n.mem.record(KindKill, n.mem.current())
		}
		atomic.StoreUint64(&n.mem.killed.At, uint64(at))
		if open {
			event(gateEvent{At: uint64(at), What: countClaim})
		}
	}
}

func (n *nft) state(s *State) error {
	s.Backend = NFT
	return n.table.state(s)
}

func (n *nft) stats() (Stats, error) { return n.table.stats() }

func (n *nft) close() error {
	var errs []error
	if n.mem != nil {
		errs = append(errs, n.mem.close())
	}
	for _, t := range []*nftTable{n.table, n.poll} {
		if t != nil {
			errs = append(errs, t.Close())
		}
	}
	return errors.Join(errs...)
}

func (f *Floor) openNFT(dir string) (err error) {
	if f.mem, err = openState(dir, unix.O_RDWR); err != nil {
		return err
	}
	if f.nft, err = dialTable(ifaceOf(dir)); err != nil {
		return errors.Join(err, f.mem.close())
	}
	return nil
}

func readNFT(iface string) (r Report, err error) {
	dir, err := dirOf(nftRoot, iface)
	if err != nil {
		return r, err
	}
	m, err := openState(dir, unix.O_RDONLY)
	if err != nil {
		return r, err
	}
	r.State.of(m)
	r.Journal, r.Torn = m.entries()
	table, err := dialTable(iface)
	if err != nil {
		return r, errors.Join(err, m.close())
	}
	defer closing(table)
	r.State.Attached = table.attached()
	n := &nft{table: table}
	err = n.state(&r.State)
	if err == nil {
		r.Stats, err = n.stats()
	}
	return r, errors.Join(err, m.close())
}

func removeNFT(iface string) error {
	dir, err := dirOf(nftRoot, iface)
	if err != nil {
		return err
	}
	lock, err := lockExisting(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if !hasTable(iface) {
			return nil
		}
		lock, err = lockDir(dir) // somebody has cleared /run
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	table, err := dialTable(iface)
	if err != nil {
		return err
	}
	defer closing(table)
	if err := table.remove(); err != nil {
		return err
	}
	return removeDir(nftRoot, dir)
}

// hasTable reports whether there is a table. A kernel that cannot say has none.
func hasTable(iface string) bool {
	table, err := dialTable(iface)
	if err != nil {
		return false
	}
	defer closing(table)
	exists, err := table.exists()
	return err == nil && exists
}
