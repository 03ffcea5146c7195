package node

import (
	"context"
	"errors"
	"fmt"
)

// stage is a part of the node that runs until its context ends.
type stage struct {
	name string
	run  func(context.Context) error
}

// runStages starts all stages, and when ctx ends or one of them does, stops
// them in reverse order, each only when the one after it has returned: what is
// listed first is there for all that follows for as long as it runs. It returns
// the errors of stages that failed; a stage that ends by itself has failed.
func runStages(ctx context.Context, stages []stage) error {
	type running struct {
		cancel context.CancelFunc
		done   chan struct{}
		err    error
	}
	ended := make(chan struct{}, len(stages))
	all := make([]*running, len(stages))
	for i, s := range stages {
		// A stage outlives ctx until its turn comes.
		stageCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &running{cancel: cancel, done: make(chan struct{})}
		all[i] = r
		go func() {
			err := s.run(stageCtx)
			stopped := stageCtx.Err() != nil
			switch {
			case err == nil && !stopped:
				r.err = fmt.Errorf("run %s: it ended by itself", s.name)
			case err != nil && (!stopped || !errors.Is(err, context.Canceled)):
				r.err = fmt.Errorf("run %s: %w", s.name, err)
			}
			close(r.done)
			ended <- struct{}{}
		}()
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
	var errs []error
	for i := len(all) - 1; i >= 0; i-- {
		all[i].cancel()
		<-all[i].done
		errs = append(errs, all[i].err)
	}
	return errors.Join(errs...)
}
