package gate

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Floor is the handle by which a second process, the supervisor, ends terms. It may
// be used at the same time as the Gate, and after the death of its process. Its
// methods must not be called at the same time as each other.
type Floor struct {
	mem *memory
	nft *nftTable // nil with BPF
}

// OpenFloor opens the floor of the gate that is kept in dir: see Gate.Dir. It is to
// be opened anew for every worker, since a worker of another version may keep its
// gate in another way.
func OpenFloor(dir string) (*Floor, error) {
	f := &Floor{}
	var err error
	if strings.HasPrefix(dir, nftRoot) {
		err = f.openNFT(dir)
	} else {
		err = f.openBPF(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open floor of the gate in %s: %w", dir, err)
	}
	return f, nil
}

func (f *Floor) openBPF(dir string) (err error) {
	f.mem, err = openMemory(filepath.Join(dir, layout), unix.PROT_READ|unix.PROT_WRITE)
	return err
}

// openMemory maps what is pinned in dir.
func openMemory(dir string, prot int) (*memory, error) {
	maps := &gateMaps{}
	// Also for reading: the kernel maps nothing of a read-only descriptor.
	var err error
	for name, m := range map[string]**ebpf.Map{
		gateMapLease: &maps.Lease, gateMapFloor: &maps.Floor, gateMapKilled: &maps.Killed,
		gateMapDrain: &maps.Drain, gateMapMeta: &maps.Meta, gateMapJournal: &maps.Journal,
	} {
		var e error
		if *m, e = ebpf.LoadPinnedMap(filepath.Join(dir, name), nil); e != nil {
			err = errors.Join(err, fmt.Errorf("open map %s: %w", name, e))
		}
	}
	if err != nil {
		return nil, errors.Join(err, maps.Close())
	}
	mem, err := mapMemory(maps, prot)
	return mem, errors.Join(err, maps.Close())
}

// Raise shuts the gate for every term below min, for good: no Extend of such a term
// opens it again. The floor never falls. It takes effect with the next packet and
// needs nothing of the worker, which may be dead or frozen.
func (f *Floor) Raise(min uint64) error {
	f.mem.record(KindRaise, leaseRecord{term: min})
	f.mem.raise(min)
	if f.nft == nil {
		return nil
	}
	if err := f.nft.shutBelow(f.mem, min); err != nil {
		return fmt.Errorf("raise floor to term %d: %w", min, err)
	}
	return nil
}

// Close gives up the handle; the floor stays as high as it is.
func (f *Floor) Close() error {
	err := f.mem.close()
	if f.nft != nil {
		err = errors.Join(err, f.nft.Close())
	}
	if err != nil {
		return fmt.Errorf("close floor: %w", err)
	}
	return nil
}
