package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// hook is one direction's attachment. The link is pinned, so that it outlives the
// process, and kept open, so that it outlives the pin.
type hook struct {
	link link.Link
}

// attach makes program guard the interface. A link that is in its place is given
// the program, between two packets. One whose interface has gone is replaced.
func (h *hook) attach(pin string, index int, program *ebpf.Program, at ebpf.AttachType) error {
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if there, err := linkIndex(l); err != nil || there == index {
			return errors.Join(err, l.Update(program), h.keep(l))
		}
	}
	fresh, e := link.AttachTCX(link.TCXOptions{Interface: index, Program: program, Attach: at, Anchor: link.Head()})
	if e != nil {
		return errors.Join(e, closeLink(l))
	}
	if l != nil {
		e = errors.Join(os.Remove(pin), closeLink(l))
	}
	if e = errors.Join(e, fresh.Pin(pin)); e != nil {
		return errors.Join(fmt.Errorf("pin: %w", e), closeLink(fresh))
	}
	return h.keep(fresh)
}

func (h *hook) keep(l link.Link) error {
	err := closeLink(h.link)
	h.link = l
	return err
}

func (h *hook) close() error { return h.keep(nil) }

func closeLink(l link.Link) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// linkIndex is the interface that a link is attached to, 0 if that has gone.
func linkIndex(l link.Link) (int, error) {
	info, err := l.Info()
	if err != nil {
		return 0, fmt.Errorf("read link: %w", err)
	}
	tcx := info.TCX()
	if tcx == nil {
		return 0, fmt.Errorf("pinned link is of type %v, not one of ours", info.Type)
	}
	return int(tcx.Ifindex), nil
}
