package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/fsm"
	"github.com/amphora-lb/amphora/lb"
)

// restAPI is what the REST APIs see of a node: each declares a Backend that this has the
// methods of. Unlike with the admin API, the caller of Propose says whether quotas bind
// the client. Sync, Config and View are those of [backend].
type restAPI struct{ backend }

// Propose has op committed and applied. When it returns without error, Config on this
// node includes the change, and the revision is that of the change. A request id that
// was used before answers what it did then; "" is none. It needs a quorum and ends with
// ctx. Errors are [*lb.Error] or several joined; without a quorum their kind is
// [lb.ErrUnavailable].
func (b restAPI) Propose(ctx context.Context, requestID string, exempt bool, op lb.Op) (lb.Result, uint64, error) {
	return b.propose(ctx, requestID, exempt, op)
}

// Changed blocks until the revision of Config on this node is higher than after, or ctx
// ends, whose error it returns. It needs no quorum.
func (b restAPI) Changed(ctx context.Context, after uint64) error {
	err := b.state.Changed(ctx, after)
	if errors.Is(err, fsm.ErrClosed) {
		return fmt.Errorf("%w: %w", lb.ErrUnavailable, err)
	}
	return err
}
