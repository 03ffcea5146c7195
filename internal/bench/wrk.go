package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// connections is how many clients ask at the same time, each for one thing after
// the other.
const connections = 64

// load is what wrk did and found.
type load struct {
	Requests int           `json:"requests"`
	PerSec   float64       `json:"requests_per_second"`
	P50      string        `json:"p50"` // of a closed loop: stalls are under-represented
	P99      string        `json:"p99"`
	CPU      time.Duration `json:"-"` // of wrk itself
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkPerSec   = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP50      = regexp.MustCompile(`(?m)^\s+50%\s+(\S+)`)
	wrkP99      = regexp.MustCompile(`(?m)^\s+99%\s+(\S+)`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*(Socket errors:|Non-2xx).*$`)
)

// wrk puts load on addr for that long. Any failed request is an error: a proxy
// that fails is not measured. The requests are those of a browser, 200 bytes.
func (b *bed) wrk(ctx context.Context, addr string, d time.Duration) (load, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return load{}, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", int(d.Seconds())), "--latency",
		"-H", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench", "-H", "Accept: text/html,*/*;q=0.8",
		"-H", "Accept-Language: en", "-H", "Cookie: session=0123456789abcdef", "http://"+addr+"/")
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := startPinned(b.client, b.restCPU, cmd); err != nil {
		return load{}, err
	}
	if err := cmd.Wait(); err != nil {
		return load{}, errors.Join(fmt.Errorf("run wrk: %w", err), ctx.Err())
	}
	if bad := wrkErrors.Find(out.Bytes()); bad != nil {
		return load{}, fmt.Errorf("requests to %s failed: %s", addr, bytes.TrimSpace(bad))
	}
	group := func(re *regexp.Regexp) string {
		if m := re.FindSubmatch(out.Bytes()); m != nil {
			return string(m[1])
		}
		return ""
	}
	l := load{P50: group(wrkP50), P99: group(wrkP99), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	l.Requests, err = strconv.Atoi(group(wrkRequests))
	if err != nil || l.Requests == 0 {
		return load{}, fmt.Errorf("read the report of wrk: no requests in %q", out.String())
	}
	l.PerSec, err = strconv.ParseFloat(group(wrkPerSec), 64)
	if err != nil {
		return load{}, fmt.Errorf("read the report of wrk: %w", err)
	}
	return l, nil
}
