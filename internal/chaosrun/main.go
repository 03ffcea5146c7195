// Chaosrun plagues a real cluster with faults and prints a verdict: `make chaos`.
// With -control it shows that the suite would notice if the fence were missing.
// It needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/chaos/nemesis"
)

type options struct {
	bin, keep, profile string
	seed               uint64
	faults, minutes    int
	control            bool
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "directory that holds amphorad and amphoractl")
	flag.StringVar(&o.keep, "keep", "chaos.out", "directory for what was recorded, when something is wrong")
	flag.StringVar(&o.profile, "profile", "", "lan-fast or default; empty: by seed")
	flag.Uint64Var(&o.seed, "seed", 1, "of the schedule of faults")
	flag.IntVar(&o.faults, "faults", 10, "number of faults")
	flag.IntVar(&o.minutes, "minutes", 0, "go on with the next seeds for so long")
	flag.BoolVar(&o.control, "control", false, "show that the suite notices two holders")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case os.Geteuid() != 0:
		err = errors.New("network namespaces need root")
	case o.control:
		err = control(ctx, os.Stdout, o)
	default:
		err = plague(ctx, os.Stdout, o)
	}
	if err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Printf("chaos: FAIL %v\n", err)
		}
		stop()
		os.Exit(1)
	}
}

// errFailed ends the program after it has printed why.
var errFailed = errors.New("failed")

// plague runs one seed, or as many as fit into the time, and prints a line for
// each.
func plague(ctx context.Context, out io.Writer, o options) error {
	end := time.Now().Add(time.Duration(o.minutes) * time.Minute)
	failed := 0
	for seed := o.seed; ; seed++ {
		keep := filepath.Join(o.keep, strconv.FormatUint(seed, 10))
		v, err := nemesis.Run(ctx, nemesis.Config{Bin: o.bin, Seed: seed, Faults: o.faults, Profile: o.profile, Keep: keep, Out: out})
		switch {
		case err != nil:
			fmt.Fprintf(out, "chaos: FAIL %v; broke off: %v; see %s\n", rest(v), err, keep)
		case len(v.Bad) > 0:
			fmt.Fprintf(out, "chaos: %v; see %s\n", v, keep)
		default:
			fmt.Fprintf(out, "chaos: %v\n", v)
		}
		if err != nil || len(v.Bad) > 0 {
			failed++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if o.minutes == 0 || time.Now().After(end) {
			break
		}
	}
	if failed > 0 {
		return errFailed
	}
	return nil
}

// rest is the verdict without its first word, which cannot be known of a run that
// broke off.
func rest(v nemesis.Verdict) string {
	text := v.String()
	return text[len("PASS "):]
}

// control builds amphorad without the fence and requires that the suite notices.
func control(ctx context.Context, out io.Writer, o options) error {
	unsafe, err := os.MkdirTemp("", "amphora-unsafe-")
	if err != nil {
		return fmt.Errorf("make directory for the programs: %w", err)
	}
	defer func() { _ = os.RemoveAll(unsafe) }()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "unsafe_no_fence", "-o", unsafe+"/", "./cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build without the fence: %w\n%s", err, text)
	}
	cfg := nemesis.Config{Bin: o.bin, Seed: o.seed, Out: out, Keep: filepath.Join(o.keep, "control")}
	fenced, err := nemesis.Control(ctx, cfg)
	if err != nil {
		return err
	}
	cfg.Bin, cfg.Keep = unsafe, ""
	broken, brokenErr := nemesis.Control(ctx, cfg)
	gates, answers := broken.Caught()
	fmt.Fprintf(out, "with the fence:    %v\nwithout the fence: %v\n", fenced, broken)
	if len(fenced.Bad) > 0 || !gates || !answers {
		err := fmt.Errorf("control: with the fence %d violations, want none; without, two open gates noticed: %v, two answers noticed: %v", len(fenced.Bad), gates, answers)
		return errors.Join(err, brokenErr)
	}
	fmt.Fprintf(out, "chaos: PASS control: without the fence two gates were open for %v, and the suite noticed\n", broken.Dual)
	return nil
}
