// Command failover compares what clients see of failovers of an Amphora pair
// with what they see of a keepalived and HAProxy pair: the same switch, the same
// hosts, the same faults, in turns. It is for developers: `make bench-failover`,
// or `make bench-failover RUNS=5 PROFILE=default FAULT=link-down`.
//
// A client on a host of its own opens a connection every 5 ms and makes one
// request over it, whether or not earlier ones have been answered; the gap is the
// longest time between two good answers. A watcher on another host asks by ARP
// every 2 ms who has the VIP. Each run starts from a settled, redundant pair at a
// random point of its timers; then something happens to the holder, is undone
// when the client has been answered for a second, and the watch goes on until
// the pair has settled again. There is no preemption, so every run goes the other
// way than the one before.
//
// It judges nothing and belongs to no test: numbers depend on the machine. All
// hosts are network namespaces that it made, and it leaves nothing behind, also
// after Ctrl-C. It needs root, and Debian's keepalived and haproxy.
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
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	bin      string
	runs     int
	soak     time.Duration
	busy     int
	faults   []*fault
	profiles []string
	peers    []peerKind // without those of one fault only
	logs     string
	json     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-failover:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var s settings
	instrument := flag.String("instrument", "", "be an instrument (used by the bench itself)")
	fault := flag.String("fault", "all", "all, or some of "+strings.Join(faultKeys(), ",")+", with commas")
	profile := flag.String("profile", "all", "all, "+profileDefault+" or "+profileLANFast+"; none leaves us out")
	peer := flag.String("peer", "all", "all, "+octaviaPeer.name+" or "+tunedPeer.name+"; none leaves them out")
	flag.StringVar(&s.bin, "bin", "bin", "`directory` of amphorad and amphoractl")
	flag.IntVar(&s.runs, "runs", 20, "how often each fault happens to each system")
	flag.DurationVar(&s.soak, "soak", 10*time.Minute, "for how long all CPUs are busy")
	flag.IntVar(&s.busy, "busy", 2, "how many busy processes each CPU has then")
	flag.StringVar(&s.logs, "logs", "", "`directory` for the logs of runs that are not as they should be")
	flag.BoolVar(&s.json, "json", false, "print a line of JSON for each row after the tables")
	flag.Parse()
	if *instrument != "" {
		return serveInstrument(*instrument, flag.Args()...)
	}
	if err := s.choose(*fault, *profile, *peer); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	describeMachine(os.Stdout)
	rows, err := bench(ctx, s, os.Stdout, os.Stderr)
	describeLoad(os.Stdout)
	if s.json {
		err = errors.Join(err, printJSON(os.Stdout, rows))
	}
	return err
}

func faultKeys() []string {
	var keys []string
	for _, f := range faults {
		keys = append(keys, f.key)
	}
	return keys
}

// choose finds what the flags name.
func (s *settings) choose(faultNames, profile, peer string) error {
	for _, f := range faults {
		if faultNames == "all" || slices.Contains(strings.Split(faultNames, ","), f.key) {
			s.faults = append(s.faults, f)
		}
	}
	for _, name := range strings.Split(faultNames, ",") {
		if name != "all" && !slices.Contains(faultKeys(), name) {
			return fmt.Errorf("-fault: no %q; there is all, %s", name, strings.Join(faultKeys(), ", "))
		}
	}
	for _, p := range []string{profileDefault, profileLANFast} {
		if profile == "all" || profile == p {
			s.profiles = append(s.profiles, p)
		}
	}
	if len(s.profiles) == 0 && profile != "none" {
		return fmt.Errorf("-profile: no %q", profile)
	}
	for _, k := range []peerKind{octaviaPeer, tunedPeer} {
		if peer == "all" || peer == k.name {
			s.peers = append(s.peers, k)
		}
	}
	if len(s.peers) == 0 && peer != "none" {
		return fmt.Errorf("-peer: no %q", peer)
	}
	return nil
}

// check refuses what cannot work, before anything is made.
func (s *settings) check() error {
	if s.runs < 1 {
		return errors.New("-runs: at least 1")
	}
	if s.logs != "" {
		if err := os.MkdirAll(s.logs, 0o755); err != nil {
			return fmt.Errorf("make directory for logs: %w", err)
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	var err error
	if s.bin, err = filepath.Abs(s.bin); err != nil {
		return fmt.Errorf("find %s: %w", s.bin, err)
	}
	var need []string
	if len(s.profiles) > 0 {
		need = append(need, filepath.Join(s.bin, "amphorad"), filepath.Join(s.bin, "amphoractl"))
	}
	if len(s.peers) > 0 {
		need = append(need, "keepalived", "haproxy")
	}
	for _, name := range need {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("find %s: %w; run: make build; apt-get install keepalived haproxy", name, err)
		}
	}
	return nil
}

// describeMachine says what the numbers depend on.
func describeMachine(out io.Writer) {
	read := func(path string) string {
		text, _ := os.ReadFile(path) // not known: empty
		return strings.TrimSpace(string(text))
	}
	model := "unknown CPU"
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	fmt.Fprintf(out, "machine: %d CPUs (%s), Linux %s\n", runtime.NumCPU(), model, read("/proc/sys/kernel/osrelease"))
	describeLoad(out)
}
