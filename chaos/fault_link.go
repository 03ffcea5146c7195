package chaos

import (
	"context"
	"time"
)

// CutCable takes the switch's end of the host's cable down. To the others the host
// is as dead as without power; the host itself sees its carrier go.
func CutCable(h *Host) Fault {
	return &simple{
		name: "cut the cable of " + h.Name,
		do:   func(context.Context) error { return h.lab.Unplug(h) },
		undo: func(ctx context.Context) error {
			if err := h.lab.Plug(h); err != nil {
				return err
			}
			return h.lab.forwards(ctx, h)
		},
	}
}

// LinkDown takes the host's own interface down, as an operator's mistake would:
// its routes go, its addresses stay.
func LinkDown(h *Host) Fault {
	return &simple{
		name: "link down on " + h.Name,
		do:   func(context.Context) error { return h.net.Down(link) },
		undo: func(ctx context.Context) error {
			if err := h.net.Up(link); err != nil {
				return err
			}
			return h.lab.forwards(ctx, h)
		},
	}
}

// forwards waits until the kernel has seen that the host's cable is whole again,
// which takes it up to a second: until then the switch does not forward.
func (l *Lab) forwards(ctx context.Context, h *Host) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return until(ctx, func() error { return l.operational(h.port) })
}
