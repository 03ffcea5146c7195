package chaos

import (
	"context"
	"errors"
	"fmt"
)

// Freeze stops everything that runs on a host, all at one instant and without a
// signal that anybody could see, as a hypervisor stops a machine. The host's
// kernel goes on: it still answers ARP and acknowledges what arrives.
func Freeze(h *Host) Fault {
	need := func(do func(*group) error) error {
		if h.group == nil {
			return fmt.Errorf("host %s has no control group: %w", h.Name, h.groupErr)
		}
		return do(h.group)
	}
	return &simple{
		name: "freeze " + h.Name,
		do: func(ctx context.Context) error {
			return need(func(g *group) error {
				if pids, err := g.pids(); err != nil || len(pids) == 0 {
					return errors.Join(err, errors.New("nothing runs there"))
				}
				return g.freeze(ctx)
			})
		},
		undo: func(ctx context.Context) error {
			return need(func(g *group) error { return g.thaw(ctx) })
		},
	}
}
