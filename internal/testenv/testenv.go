// Package testenv holds what tests of several packages need. It does not import
// testing, so that a program that links it by accident does not link testing.
package testenv

import (
	"os"
	"runtime"
	"time"
)

// TB is the part of testing.TB that the helpers use.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Skipf(format string, args ...any)
}

// RequireRoot skips the test for an ordinary user. Where AMPHORA_ROOT is set,
// as in CI, it fails instead: a silent skip there would hide a missing test.
func RequireRoot(t TB) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("AMPHORA_ROOT") != "":
		t.Fatalf("must run as root here: AMPHORA_ROOT is set")
	default:
		t.Skipf("SKIPPED: needs root; run the tests as root to include it")
	}
}

// RequireDebian skips the test unless a file of a Debian package is there. Where
// AMPHORA_ROOT is set, as in CI, it fails instead.
func RequireDebian(t TB, file, pkg string) {
	t.Helper()
	_, err := os.Stat(file)
	switch {
	case err == nil:
	case os.Getenv("AMPHORA_ROOT") != "":
		t.Fatalf("%s is not there: apt-get install --no-install-recommends %s", file, pkg)
	default:
		t.Skipf("SKIPPED: needs Debian's package %s, apt-get install --no-install-recommends %s", pkg, pkg)
	}
}

// Eventually calls check until it returns nil. It fails the test with the last
// error when that takes longer than limit. check must not block for long.
func Eventually(t TB, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still after %v: %v", limit, err)
			return
		}
		<-tick.C
	}
}

// NoLeaks fails the test if, when it has ended, more goroutines run than now.
// Call it first, so that its clean-up runs last. It does not suit parallel tests.
func NoLeaks(t TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(5 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				t.Errorf("%d goroutines leaked:\n%s", runtime.NumGoroutine()-before, stacks())
				return
			}
			runtime.Gosched()
			<-time.After(time.Millisecond)
		}
	})
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
