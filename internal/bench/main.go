// Command bench measures what Amphora costs, beside HAProxy in the same run
// where there is something to compare. It is for developers: `make bench`, or
// `make bench BENCH=http-small`.
//
// What is compared is CPU time per request of the proxy process, by the
// scheduler's own count, not throughput: that depends on what else the machine
// does. Both proxies run side by side and are measured in turns, ABBA, seven
// pairs of four seconds; the result is the median of the pairs' ratios with a
// bootstrap interval. Pairs during which more than a twentieth of the machine
// went elsewhere are made again. Client (wrk), proxies and members live in
// network namespaces of their own when root runs it, else all on loopback,
// under the host's congestion control. The null scenario shows what the method
// says when nothing differs.
//
// It judges nothing and belongs to no test: numbers depend on the machine. It
// must never put traffic anywhere but on loopback or in network namespaces that
// it made, and it leaves nothing behind but bench.out/. HAProxy and wrk come
// from Debian; root gets them installed if they are missing.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	bin     string        // directory of amphorad
	out     string        // directory for results
	pairs   int           // measurements of each contender
	seconds time.Duration // length of a measurement
}

// scenario is one thing that can be measured. run returns what follows "bench
// <name> " on the result line, and whatever belongs into the JSON file.
type scenario struct {
	name string
	what string
	run  func(ctx context.Context, s settings) (line string, detail any, err error)
}

// errCannot means that this user or machine cannot run a scenario.
var errCannot = errors.New("cannot be measured here")

var scenarios = []scenario{
	{"http-small", "CPU time per small keep-alive HTTP request, beside HAProxy", httpSmall},
	{"http-small-pinned", "the same, proxies on CPU 1, everything else on CPU 0", httpSmallPinned},
	{"apply-big", "one change to 10,000 load balancers and 100,000 members, in memory", applyBig},
	{"commits", "changes a second through gRPC, committed by three local nodes with fsync (root)", commits},
	{"start", "from exec to the first answer, after a kill, on the node's own data", start},
	{"rss", "memory of an amphora that serves one idle load balancer", rss},
	{"null", "HAProxy beside itself: what the method reports when nothing differs", null},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var s settings
	var listen string
	var names []string
	for _, sc := range scenarios {
		names = append(names, sc.name)
	}
	name := flag.String("scenario", "all", "all, or one of "+strings.Join(names, ", "))
	flag.StringVar(&s.bin, "bin", "bin", "`directory` of amphorad; it is built there first")
	flag.StringVar(&s.out, "out", "bench.out", "`directory` for the results in JSON")
	flag.IntVar(&s.pairs, "pairs", 7, "how often each contender is measured")
	flag.DurationVar(&s.seconds, "time", 4*time.Second, "length of one measurement")
	flag.StringVar(&listen, "member", "", "be a web server on these `addresses` (used by the bench itself)")
	flag.Parse()
	if listen != "" {
		return serveMember(ctx, strings.Split(listen, ","))
	}
	if s.pairs < 5 {
		return errors.New("-pairs: fewer than 5 say nothing")
	}
	// Results and data directories are on the disk of the repository: /tmp may be
	// in memory, where syncing costs nothing.
	for _, dir := range []*string{&s.bin, &s.out} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("find %s: %w", *dir, err)
		}
		*dir = abs
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return fmt.Errorf("make result directory: %w", err)
	}
	if err := build(ctx, s.bin); err != nil {
		return err
	}
	known := false
	for _, sc := range scenarios {
		if *name != "all" && *name != sc.name {
			continue
		}
		known = true
		fmt.Printf("# %s: %s\n", sc.name, sc.what)
		line, detail, err := sc.run(ctx, s)
		if errors.Is(err, errCannot) && *name == "all" {
			fmt.Printf("bench %s SKIPPED: %v\n", sc.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
		fmt.Println("bench", sc.name, line)
		if err := write(s.out, sc.name, line, detail); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("-scenario: no %q; there is all, %s", *name, strings.Join(names, ", "))
	}
	return nil
}

// build makes amphorad as it is shipped.
func build(ctx context.Context, bin string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin+"/", "./cmd/amphorad")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build amphorad: %w; run it at the root of the repository", err)
	}
	return nil
}

// write keeps a result with the machine that it was measured on.
func write(dir, name, line string, detail any) error {
	data, err := json.MarshalIndent(struct {
		Scenario string    `json:"scenario"`
		At       time.Time `json:"at"`
		Machine  machine   `json:"machine"`
		Line     string    `json:"line"`
		Detail   any       `json:"detail"`
	}{name, time.Now().UTC(), describeMachine(), line, detail}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	path := filepath.Join(dir, name+".json")
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
