package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// binDir is where binaries builds to; TestMain makes and removes it.
var binDir string

// binaries builds what ships, once for all tests.
var binaries = sync.OnceValues(func() (string, error) {
	build := exec.Command("go", "build", "-trimpath", "-o", binDir+"/", "../cmd/...") // as make build does
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binDir, nil
})

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "amphora-bin-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

func newCluster(t *testing.T) (*Cluster, context.Context) {
	t.Helper()
	testenv.RequireRoot(t)
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCluster(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.logs())
		}
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if left, err := c.lab.Leftovers(); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return c, ctx
}

func seed(t *testing.T) *rand.Rand {
	t.Helper()
	n := uint64(1)
	if text := os.Getenv("AMPHORA_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("AMPHORA_SEED: %v", err)
		}
	}
	t.Logf("seed %d", n)
	return rand.New(rand.NewPCG(n, n))
}

func TestDemo(t *testing.T) {
	testenv.RequireRoot(t)
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Demo(t.Context(), &out, bin); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	for _, want := range []string{"demo: PASS ", " planned_ms=", " worker_ms=", " outage_ms=", " download_complete=true"} {
		if !strings.Contains(last, want) {
			t.Errorf("the demo ended with %q, want %q in it", last, want)
		}
	}
}

func TestDemoFailsWithoutPrograms(t *testing.T) {
	testenv.RequireRoot(t)
	var out bytes.Buffer
	if err := Demo(t.Context(), &out, t.TempDir()); err == nil || !strings.Contains(out.String(), "demo: FAIL") {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

// writer creates load balancers through random nodes until ctx ends, and keeps
// the names of those that were acknowledged.
type writer struct {
	cluster *Cluster
	random  *rand.Rand
	acked   []string
	count   atomic.Int64 // of acked, for those who wait for more
}

func (w *writer) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		name := "lb-" + strconv.Itoa(i)
		node := nodeNames[w.random.IntN(len(nodeNames))]
		if _, err := w.cluster.Ctl(ctx, node, "loadbalancer", "create", "--name", name, "--vip-subnet-id", "public", "--no-wait", "--timeout", "2s"); err == nil {
			w.acked = append(w.acked, name)
			w.count.Add(1)
		}
	}
}

func (c *Cluster) loadBalancers(ctx context.Context, node string) ([]string, error) {
	text, err := c.Ctl(ctx, node, "loadbalancer", "list", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	var names []string
	for _, lb := range list {
		names = append(names, lb.Name)
	}
	slices.Sort(names)
	return names, nil
}

// TestChaosKeepsWhatWasAcknowledged kills and restarts random nodes, and at the
// end all of them at once, while objects are created. Every acknowledged object
// must be there on every node afterwards.
func TestChaosKeepsWhatWasAcknowledged(t *testing.T) {
	c, ctx := newCluster(t)
	random := seed(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ready := func() {
		t.Helper()
		if err := until(ctx, func() error { return c.ready(ctx) }); err != nil {
			t.Fatal(err)
		}
	}
	ready()
	if _, err := c.Ctl(ctx, "amphora-1", "subnet", "create", "--name", "public", "--cidr", labNet.String(), "--allocation-pool", "start=192.0.2.32,end=192.0.2.254"); err != nil {
		t.Fatal(err)
	}
	w := &writer{cluster: c, random: rand.New(rand.NewPCG(random.Uint64(), 0))}
	writing, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(writing)
	}()
	t.Cleanup(func() { stop(); <-done })
	goesOn := func() {
		t.Helper()
		ready()
		want := w.count.Load() + 3
		err := until(ctx, func() error {
			if got := w.count.Load(); got < want {
				return fmt.Errorf("%d objects acknowledged, want %d", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		victim := nodeNames[random.IntN(len(nodeNames))]
		t.Logf("kill %s", victim)
		if err := c.Kill(victim); err != nil {
			t.Fatal(err)
		}
		goesOn() // on the other two
		if err := c.Start(victim); err != nil {
			t.Fatal(err)
		}
		goesOn()
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	stop()
	<-done
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ready()
	var first []string
	for _, name := range nodeNames {
		got, err := c.loadBalancers(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if lost := missing(w.acked, got); len(lost) > 0 {
			t.Errorf("%s lost acknowledged objects: %v", name, lost)
		}
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Errorf("%s has %v, %s has %v", name, got, nodeNames[0], first)
		}
	}
	t.Logf("%d objects acknowledged, %d there", len(w.acked), len(first))
}

// missing lists what of want is not in got.
func missing(want, got []string) []string {
	var lost []string
	for _, name := range want {
		if !slices.Contains(got, name) {
			lost = append(lost, name)
		}
	}
	return lost
}

func TestMissing(t *testing.T) {
	if lost := missing([]string{"a", "b"}, []string{"b", "c"}); !slices.Equal(lost, []string{"a"}) {
		t.Errorf("got %v", lost)
	}
}

// TestSweep: what a lab of a crashed process left is removed by the next one.
func TestSweep(t *testing.T) {
	testenv.RequireRoot(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	lab, err := NewLab()
	if err != nil {
		t.Fatal(err)
	}
	// From here on the lab looks as if the process that has just ended had made it.
	orphan := filepath.Join(os.TempDir(), labPrefix+strconv.Itoa(dead.Process.Pid)+"-orphan")
	if err := os.Mkdir(orphan, 0o700); err != nil {
		t.Fatal(err)
	}
	ns, err := netns.NewNamed(filepath.Base(orphan) + "-host")
	if err != nil {
		t.Fatal(err)
	}
	sleeper := exec.Command("sleep", "600")
	if err := ns.Start(sleeper); err != nil {
		t.Fatal(err)
	}
	if err := sweep(); err != nil {
		t.Error(err)
	}
	if err := sleeper.Wait(); err == nil {
		t.Error("the process of the crashed lab ended by itself")
	}
	if _, err := os.Stat(orphan); err == nil {
		t.Errorf("%s is still there", orphan)
	}
	if _, err := os.Stat(lab.Dir); err != nil {
		t.Errorf("the sweep took a lab that is in use: %v", err)
	}
	if err := lab.Close(); err != nil {
		t.Error(err)
	}
}
