package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// TestMain is the bench's instruments too: see startInstrument.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-instrument" {
		if err := serveInstrument(os.Args[2], os.Args[3:]...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A planned switchover of a real pair is measured: the VIP moves, the client and
// the watcher have seen it, and nothing is left.
func TestMeasureOurs(t *testing.T) {
	testenv.RequireRoot(t)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", bin+"/", "../../../cmd/...") // as make build does
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o, err := newOurs(ctx, bin, profileDefault)
	if err != nil {
		t.Fatal(err)
	}
	lab := o.cluster.Lab()
	r, err := measure(ctx, o, planned)
	if closeErr := o.close(); closeErr != nil {
		t.Error(closeErr)
	}
	if left, leftErr := lab.Leftovers(); leftErr != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, leftErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Unrecovered != nil || r.Moves == 0 || r.Requests == 0 || r.Gap <= 0 {
		t.Errorf("measured %+v", r)
	}
	var text strings.Builder
	printRows(&text, planned, []row{summarize(planned, o.name(), []result{r})})
	t.Logf("from %s:%s", r.From, &text)
}
