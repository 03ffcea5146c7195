package supervise

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// took collects what the steps of a guard came to, for one line of the log that is
// written when all is done.
type took struct {
	logger    *slog.Logger
	last      time.Time
	attrs     []any
	again     bool // the peers had been told before
	sent      int  // datagrams
	addresses int
	errs      []error
}

// step ends a step.
func (t *took) step(key string) {
	now := time.Now()
	t.attrs = append(t.attrs, key, now.Sub(t.last).Microseconds())
	t.last = now
}

// fail keeps an error and reports whether there was none.
func (t *took) fail(step string, err error) bool {
	if err != nil && len(t.errs) < 2*MaxPackets {
		t.errs = append(t.errs, fmt.Errorf("%s: %w", step, err))
	}
	return err == nil
}

// log writes the line. said is the newest term that the peers were told of.
func (t *took) log(term, said uint64) {
	attrs := append(t.attrs, logkey.Packets, t.sent, logkey.Addresses, t.addresses)
	err := errors.Join(t.errs...)
	if err != nil {
		attrs = append(attrs, logkey.Err, err)
	}
	switch {
	case term != 0 && said < term:
		t.logger.Error("worker is not running; its term ends with its lease, for the peers were told nothing", attrs...)
	case err != nil:
		t.logger.Error("worker is not running; not all it left could be put away", attrs...)
	case t.sent == 0 && t.addresses == 0 && (term == 0 || t.again):
	case term == 0:
		t.logger.Warn("worker is not running; it held nothing but addresses", attrs...)
	default:
		t.logger.Warn("worker is not running; its term is released", attrs...)
	}
}
