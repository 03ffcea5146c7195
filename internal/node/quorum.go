package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
)

// answerLimit bounds how long a request waits for the cluster: longer than an
// election takes, shorter than an operator's patience.
const answerLimit = 5 * time.Second

// bounded gives a request answerLimit, and less if the client waits less: what
// keeps the cluster from acting must reach the client before it gives up.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := answerLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)*9/10)
	}
	return context.WithTimeout(ctx, limit)
}

// unavailable gives the errors of a cluster that cannot act now the kind that
// tells a client to try again later, and says why it cannot.
func (b backend) unavailable(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cluster.ErrNoLeader), errors.Is(err, cluster.ErrUnknownOutcome), errors.Is(err, context.DeadlineExceeded):
		known, stateErr := b.cluster.HasState(context.Background())
		return fmt.Errorf("%w: %s: %w", lb.ErrUnavailable, standstill(b.cluster.Nodes(), known || stateErr != nil), err)
	case errors.Is(err, cluster.ErrClosed):
		return fmt.Errorf("%w: %w", lb.ErrUnavailable, err)
	}
	return err
}

// standstill says in words why nothing can be committed now. belongs tells
// whether this node is part of a cluster.
func standstill(nodes []cluster.Info, belongs bool) string {
	if !belongs {
		return "this node belongs to no cluster yet; it waits for its configured voters, `amphoractl cluster join ADDRESS` or `amphoractl cluster bootstrap`"
	}
	voters := 0
	var missing []string
	for _, info := range nodes {
		if info.Suffrage != cluster.Voter {
			continue
		}
		voters++
		if info.State != cluster.StateAlive {
			missing = append(missing, fmt.Sprintf("%s is %s", info.Name, info.State))
		}
	}
	if alive := voters - len(missing); alive <= voters/2 {
		return fmt.Sprintf("no quorum, %d of %d voters alive: %s", alive, voters, strings.Join(missing, ", "))
	}
	return "the cluster is electing a leader or too slow"
}
