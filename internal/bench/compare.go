package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// A pair during which more than this share of the machine was taken by the
// hypervisor or by processes that are not part of the measurement is made again.
const foreignLimit = 0.05

// measurement is what one contender cost once.
type measurement struct {
	load
	Contender  string  `json:"contender"`
	CPU        float64 `json:"cpu_us_per_request"`         // of the proxy process
	MachineCPU float64 `json:"machine_cpu_us_per_request"` // of everything: client, proxy, members and kernel
	Steal      float64 `json:"steal"`                      // share of the machine
	Foreign    float64 `json:"foreign"`                    // share of the machine, steal not included
}

// pair is a measurement of each of two contenders, one right after the other.
type pair struct {
	A         measurement `json:"a"`
	B         measurement `json:"b"`
	Ratio     float64     `json:"ratio"` // CPU of A / CPU of B
	Disturbed bool        `json:"disturbed"`
}

// comparison is the outcome: medians over the pairs, and a 95% interval of the
// median ratio.
type comparison struct {
	Bed         string  `json:"bed"`
	A           float64 `json:"a_cpu_us_per_request"`
	B           float64 `json:"b_cpu_us_per_request"`
	Ratio       float64 `json:"ratio"`
	RatioLow    float64 `json:"ratio_low"`
	RatioHigh   float64 `json:"ratio_high"`
	Disturbed   int     `json:"disturbed_pairs"` // counted because there were too few others
	Pairs       []pair  `json:"pairs"`
	Version     string  `json:"haproxy_version"`
	Connections int     `json:"connections"`
}

// compare measures two proxies in turns, ABBA, so that whatever drifts affects
// both alike, and compares pairs of neighbours rather than averages. Disturbed
// pairs are made again, at most as many as were asked for; if that does not
// help, the least disturbed ones count.
func compare(ctx context.Context, s settings, b *bed, member *process, contenders [2]*contender) (comparison, error) {
	c := comparison{Bed: b.description, Connections: connections}
	for _, x := range contenders {
		if _, err := b.wrk(ctx, x.addr, time.Second); err != nil { // warm up
			return c, fmt.Errorf("%s: %w", x.name, err)
		}
	}
	clean := 0
	for n := 0; clean < s.pairs && n < 2*s.pairs; n++ {
		var runs [2]measurement
		for k := range 2 {
			i := (k + n) % 2
			r, err := b.measure(ctx, s.seconds, contenders[i], contenders, member)
			if err != nil {
				return c, fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			runs[i] = r
		}
		p := pair{A: runs[0], B: runs[1], Ratio: runs[0].CPU / runs[1].CPU}
		note := ""
		if share := p.elsewhere(); share > foreignLimit {
			p.Disturbed = true
			note = fmt.Sprintf("  (disturbed: %.0f%% of the machine went elsewhere)", 100*share)
		} else {
			clean++
		}
		c.Pairs = append(c.Pairs, p)
		fmt.Printf("#   pair %d: %s %.1f us %s %.0f/s, %s %.1f us %s %.0f/s, ratio %.3f%s\n", n+1,
			p.A.Contender, p.A.CPU, p.A.P99, p.A.PerSec, p.B.Contender, p.B.CPU, p.B.P99, p.B.PerSec, p.Ratio, note)
	}
	c.conclude(s.pairs)
	return c, nil
}

// conclude computes the medians over the n least disturbed pairs.
func (c *comparison) conclude(n int) {
	quiet := slices.Clone(c.Pairs)
	slices.SortStableFunc(quiet, func(p, q pair) int { return cmp.Compare(p.elsewhere(), q.elsewhere()) })
	var a, b, ratios []float64
	for _, p := range quiet[:min(n, len(quiet))] {
		if p.Disturbed {
			c.Disturbed++
		}
		a, b, ratios = append(a, p.A.CPU), append(b, p.B.CPU), append(ratios, p.Ratio)
	}
	c.A, c.B, c.Ratio = median(a), median(b), median(ratios)
	c.RatioLow, c.RatioHigh = bootstrap(ratios)
}

// elsewhere is the share of the machine that others had, in the worse half.
func (p pair) elsewhere() float64 { return max(p.A.Steal+p.A.Foreign, p.B.Steal+p.B.Foreign) }

// measure puts load on one contender and reads what it cost.
func (b *bed) measure(ctx context.Context, d time.Duration, x *contender, all [2]*contender, member *process) (measurement, error) {
	ours := []int{os.Getpid(), member.pid(), all[0].pid(), all[1].pid()}
	before := make([]cpuTime, len(ours))
	for i, pid := range ours {
		t, err := readCPU(pid)
		if err != nil {
			return measurement{}, err
		}
		before[i] = t
	}
	machineBefore, err := readMachine()
	if err != nil {
		return measurement{}, err
	}
	begin := time.Now()
	l, err := b.wrk(ctx, x.addr, d)
	if err != nil {
		return measurement{}, err
	}
	took := time.Since(begin)
	machineAfter, err := readMachine()
	if err != nil {
		return measurement{}, err
	}
	r := measurement{load: l, Contender: x.name}
	known := l.CPU
	for i, pid := range ours {
		t, err := readCPU(pid)
		if err != nil {
			return measurement{}, err
		}
		spent := t.sub(before[i])
		known += spent
		if pid == x.pid() {
			r.CPU = perRequest(spent, l.Requests)
		}
	}
	m := machineAfter.sub(machineBefore)
	capacity := took.Seconds() * float64(describeMachine().CPUs)
	r.MachineCPU = perRequest(m.busy, l.Requests)
	r.Steal = m.steal.Seconds() / capacity
	r.Foreign = max(0, (m.busy-known).Seconds()/capacity)
	return r, nil
}

func perRequest(d time.Duration, requests int) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(requests)
}

// needPrograms makes sure that Debian's haproxy and wrk are here.
func needPrograms(ctx context.Context) error {
	missing := false
	for _, name := range []string{"haproxy", "wrk"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: haproxy or wrk is missing; run: sudo apt-get install haproxy wrk", errCannot)
	}
	fmt.Println("# installing Debian's haproxy and wrk")
	cmd := exec.CommandContext(ctx, "apt-get", "install", "-y", "-q", "--no-install-recommends", "haproxy", "wrk")
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install haproxy and wrk: %w; apt-get update may help", err)
	}
	return nil
}
