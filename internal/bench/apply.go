package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// applyBig runs the benchmark of package lb, which knows how to make the big
// configuration, and reports its slowest operation.
func applyBig(ctx context.Context, _ settings) (string, any, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "./lb", "-run", "^$", "-bench", "^BenchmarkApplyBig$", "-benchtime", "2s").CombinedOutput()
	if err != nil {
		return "", nil, fmt.Errorf("run the benchmark of lb: %w\n%s", err, out)
	}
	us := make(map[string]float64)
	slowest := ""
	for _, m := range regexp.MustCompile(`BenchmarkApplyBig/(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`).FindAllSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return "", nil, fmt.Errorf("read the benchmark of lb: %w", err)
		}
		name := string(m[1])
		us[name] = ns / 1000
		if us[name] > us[slowest] {
			slowest = name
		}
		fmt.Printf("#   %s %.1f us\n", name, us[name])
	}
	if slowest == "" {
		return "", nil, errors.New("read the benchmark of lb: no result")
	}
	return fmt.Sprintf("us=%.1f slowest=%s limit=1000", us[slowest], slowest), us, nil
}
