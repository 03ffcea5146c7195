package gate

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Read reports on the gate of the interface, in the network namespace of the calling
// thread, whether its process lives or not. It changes nothing. An error wraps
// fs.ErrNotExist when there is no gate.
func Read(iface string) (Report, error) {
	r, err := readBPF(iface)
	if errors.Is(err, unix.ENOENT) {
		r, err = readNFT(iface)
	}
	if err != nil {
		return Report{}, fmt.Errorf("read gate of %s: %w", iface, err)
	}
	r.Interface = iface
	return r, nil
}

func readBPF(iface string) (r Report, err error) {
	dir, err := dirOf(bpfRoot, iface)
	if err != nil {
		return r, err
	}
	m, err := openMemory(filepath.Join(dir, layout), unix.PROT_READ)
	if err != nil {
		return r, err
	}
	r.State.of(m)
	r.Journal, r.Torn = m.entries()
	if err := m.close(); err != nil {
		return r, err
	}
	r.State.Attached = attached(dir)

	b := &bpf{}
	for name, to := range map[string]**ebpf.Map{
		gateMapVips: &b.objs.Vips, gateMapPeers: &b.objs.Peers, gateMapStats: &b.objs.Stats,
	} {
		if *to, err = ebpf.LoadPinnedMap(filepath.Join(dir, layout, name), &ebpf.LoadPinOptions{ReadOnly: true}); err != nil {
			return r, fmt.Errorf("open map %s: %w", name, err)
		}
		defer closing(*to)
	}
	if err := b.state(&r.State); err != nil {
		return r, err
	}
	r.Stats, err = b.stats()
	return r, err
}

// attached reports whether both programs are at an interface that exists.
func attached(dir string) bool {
	for _, name := range []string{"ingress", "egress"} {
		l, err := link.LoadPinnedLink(filepath.Join(dir, name), nil)
		if err != nil {
			return false
		}
		index, err := linkIndex(l)
		_ = l.Close()
		if err != nil || index == 0 {
			return false
		}
	}
	return true
}
