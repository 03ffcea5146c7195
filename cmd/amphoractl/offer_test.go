package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/rpc/admin"
)

// offered is what the shell is told without a node, for a line that ends in TAB.
func offered(t *testing.T, e env, line ...string) string {
	t.Helper()
	var stdout bytes.Buffer
	e.stdout = &stdout
	if code := run(t.Context(), e, append([]string{"__complete"}, line...)); code != exitOK {
		t.Errorf("%q: exit code %d", line, code)
	}
	return stdout.String()
}

// The names of files are no answer but where a file is asked for.
func TestNoFilesAreOffered(t *testing.T) {
	e := testEnv(nil, nil)
	e.dial = func(context.Context, string) (*admin.Client, error) { return nil, context.Canceled }
	checked := 0
	check := func(line ...string) {
		checked++
		if got := offered(t, e, line...); !strings.HasSuffix(got, ":4\n") {
			t.Errorf("%q: got %q", line, got)
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal == "" && f.Value.Type() != "file" { // it needs a value
				check(append(slices.Clone(path), "--"+f.Name, "")...)
			}
		})
		check(append(slices.Clone(path), "")...)
		for _, word := range strings.Fields(cmd.Use)[1:] {
			path = append(path, word)
			check(append(slices.Clone(path), "")...)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&cli{env: e}).root())
	if checked < 100 {
		t.Errorf("only %d lines checked", checked)
	}
}

// A node that does not answer must not hold up the shell.
func TestOffersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := testEnv(nil, nil)
		e.dial = func(ctx context.Context, _ string) (*admin.Client, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		start := time.Now()
		if got := offered(t, e, "lb", "show", ""); got != ":4\n" {
			t.Errorf("got %q", got)
		}
		if took := time.Since(start); took != offerLimit {
			t.Errorf("it took %v, want %v", took, offerLimit)
		}
	})
}
