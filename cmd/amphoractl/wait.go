package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// waiting is whether a command waits for its change to be served.
type waiting struct {
	c    *cli
	wait bool
}

func (w *waiting) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&w.wait, "wait", true, "wait until the change is served")
	bare(fs, "no-wait", "print what was stored and do not wait until it is served", func() { w.wait = false })
}

// finish waits, if asked to, until the resource is served, and prints it.
func finish[T, S any](ctx context.Context, w waiting, k kind[T, S], client *admin.Client, r admin.Resource[T]) error {
	id := cell(k.record(r)[0].value)
	var waited error
	if w.wait {
		latest, err := k.of(client).Await(ctx, id, func(r admin.Resource[T]) {
			w.c.progress("%s %s is %s%s", k.name, id, r.Status.Provisioning, because(r.Status.Reason))
		})
		w.c.progress("")
		if latest.Value != nil {
			r = latest
		}
		switch {
		case err != nil:
			waited = fmt.Errorf("%s %s is stored but still %s%s: %w", k.name, id, r.Status.Provisioning, because(r.Status.Reason), err)
		case r.Status.Provisioning == lb.Errored:
			waited = fmt.Errorf("%s %s is stored but not served%s", k.name, id, because(r.Status.Reason))
		}
	}
	if err := w.c.output.printOne(w.c.stdout, k.record(r)); err != nil {
		return err
	}
	return waited
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// progress replaces the last line of a terminal.
func (c *cli) progress(format string, args ...any) {
	if c.terminal {
		fmt.Fprintf(c.stderr, "\r\x1b[K"+format, args...)
	}
}
