package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"
)

// soakEvery is how often a client asks during a soak: often enough to see an
// outage, seldom enough not to be a load of its own.
const soakEvery = 50 * time.Millisecond

// soak keeps every CPU busy with some processes for d while all systems do their work, and nothing
// else happens to them: each move of a VIP is one that nobody asked for. All are
// measured at once, so they suffer the same.
func soak(ctx context.Context, systems []system, d time.Duration, perCPU int, progress io.Writer) (results []result, err error) {
	for _, s := range systems {
		if _, err := settle(ctx, s); err != nil {
			return nil, err
		}
	}
	burners := make([]*instrument[string], 0, perCPU*runtime.NumCPU())
	defer func() {
		for _, b := range burners {
			_, stopErr := b.stop()
			err = errors.Join(err, stopErr)
		}
	}()
	observations := make([]*observation, 0, len(systems))
	defer func() {
		for i, o := range observations {
			attempts, holdings, stopErr := o.stop()
			err = errors.Join(err, stopErr)
			results = append(results, result{System: systems[i].name(), seen: judge(attempts), held: judgeHolders(holdings)})
		}
	}()
	for _, s := range systems {
		o, err := observe(s, soakEvery)
		if err != nil {
			return nil, err
		}
		observations = append(observations, o)
	}
	for range cap(burners) {
		b, err := startInstrument(systems[0].client(), func(line string) (string, error) { return line, nil }, burnInstrument)
		if err != nil {
			return nil, err
		}
		burners = append(burners, b)
	}
	for began := time.Now(); time.Since(began) < d; {
		if err := pause(ctx, min(30*time.Second, d-time.Since(began))); err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "saturated, after %v:", time.Since(began).Round(time.Second))
		for i, o := range observations {
			h := judgeHolders(o.watch.soFar())
			fmt.Fprintf(progress, " %s %d moves, two holders %v;", systems[i].name(), h.Moves, h.Two.Round(time.Millisecond))
		}
		fmt.Fprintln(progress)
	}
	return nil, ctx.Err()
}
