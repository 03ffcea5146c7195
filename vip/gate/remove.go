package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/link"
)

// Remove takes the gate of the interface away, in the network namespace of the
// calling thread: nothing guards its addresses from then on, so they must have been
// removed from the interface before. It is refused, with ErrBusy, while a process has
// the gate. It also removes what is left of gates whose interface, or whole
// namespace, exists no more. Without a gate it does nothing.
func Remove(iface string) error {
	err := errors.Join(removeBPF(iface), removeNFT(iface))
	if err != nil {
		return fmt.Errorf("remove gate of %s: %w", iface, err)
	}
	return errors.Join(sweep(bpfRoot), sweepNFT())
}

func removeBPF(iface string) error {
	dir, err := dirOf(bpfRoot, iface)
	if err != nil {
		return err
	}
	lock, err := lockExisting(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return clearBPF(dir)
}

// clearBPF detaches both programs and removes every pin.
func clearBPF(dir string) error {
	for _, name := range []string{"ingress", "egress"} {
		l, err := link.LoadPinnedLink(filepath.Join(dir, name), nil)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(l.Unpin(), l.Close())
		}
		if err != nil {
			return fmt.Errorf("detach from %s: %w", name, err)
		}
	}
	return removeDir(bpfRoot, dir)
}

// sweep removes gates that guard nothing: no process has them, and the interface is
// gone that they were attached to.
func sweep(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, "*", "*"))
	for _, dir := range dirs {
		if guards(dir) {
			continue // without locking it, which a process that starts there would take for ErrBusy
		}
		lock, e := lockExisting(dir)
		if errors.Is(e, ErrBusy) || errors.Is(e, fs.ErrNotExist) {
			continue
		}
		if e == nil && !guards(dir) {
			e = clearBPF(dir)
		}
		err = errors.Join(err, e)
		if lock != nil {
			lock.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("remove what is left of other gates: %w", err)
	}
	return nil
}

// guards reports whether a program in dir is at an interface still. What cannot be
// read counts as one that is.
func guards(dir string) bool {
	for _, name := range []string{"ingress", "egress"} {
		pin := filepath.Join(dir, name)
		if _, err := os.Lstat(pin); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		l, err := link.LoadPinnedLink(pin, nil)
		if err != nil {
			return true
		}
		index, err := linkIndex(l)
		_ = l.Close()
		if err != nil || index != 0 {
			return true
		}
	}
	return false
}
