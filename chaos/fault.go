package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Fault is something that goes wrong in a lab and can be put right again. Faults
// are made by functions of this package and given to [Lab.Inject]. Each is
// injected once.
type Fault interface {
	// String says what goes wrong, and where, in a few words.
	String() string
	// apply makes it happen, and returns when it has. After an error heal is
	// called too.
	apply(ctx context.Context) error
	// heal undoes it, wholly, also when it was applied in part or undone before.
	heal(ctx context.Context) error
}

// faultLimit bounds how long a fault may take to happen, and to be undone.
const faultLimit = 20 * time.Second

// Inject makes a fault happen and returns when it has. It lasts until Mend,
// HealAll or Close. Faults of one lab must not be injected and healed from two
// goroutines at the same time.
func (l *Lab) Inject(ctx context.Context, f Fault) error {
	ctx, cancel := context.WithTimeoutCause(ctx, faultLimit, fmt.Errorf("it takes longer than %v", faultLimit))
	defer cancel()
	if err := f.apply(ctx); err != nil {
		return errors.Join(fmt.Errorf("inject %q: %w", f, err), l.mend(ctx, f))
	}
	l.faults = append(l.faults, f)
	return nil
}

// Mend undoes one fault. A fault that is not there is no error.
func (l *Lab) Mend(ctx context.Context, f Fault) error {
	i := slices.Index(l.faults, f)
	if i < 0 {
		return nil
	}
	l.faults = slices.Delete(l.faults, i, i+1)
	return l.mend(ctx, f)
}

// HealAll undoes every fault, the last one first. It goes on after an error.
func (l *Lab) HealAll(ctx context.Context) error {
	var errs []error
	for len(l.faults) > 0 {
		errs = append(errs, l.Mend(ctx, l.faults[len(l.faults)-1]))
	}
	return errors.Join(errs...)
}

func (l *Lab) mend(ctx context.Context, f Fault) error {
	// What was applied must be undone, also when the caller has given up.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), faultLimit, fmt.Errorf("it takes longer than %v", faultLimit))
	defer cancel()
	if err := f.heal(ctx); err != nil {
		return fmt.Errorf("heal %q: %w", f, err)
	}
	return nil
}

// simple is a fault of two functions.
type simple struct {
	name string
	do   func(context.Context) error
	undo func(context.Context) error
}

// String implements Fault.
func (s *simple) String() string { return s.name }

func (s *simple) apply(ctx context.Context) error { return s.do(ctx) }
func (s *simple) heal(ctx context.Context) error  { return s.undo(ctx) }
