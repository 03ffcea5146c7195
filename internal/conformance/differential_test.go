package conformance

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// fieldScripts try one field after the other of each resource.
var fieldScripts = []resource{loadBalancer, listener, pool, member, monitor, policy, rule}

// settled returns nil when no load balancer is pending.
func (t *target) settled() error {
	c := get(lbs + "?fields=provisioning_status&fields=id")
	c.project = everybody
	r, err := t.send(c)
	if err != nil {
		return err
	}
	if strings.Contains(r.text, "PENDING_") {
		return fmt.Errorf("not settled: %s", r.text)
	}
	return nil
}

// settle waits until no load balancer is pending. Octavia's program says so by itself, as
// its API is slow to ask again and again.
func (t *target) settle(tb testing.TB) {
	tb.Helper()
	if t.settling != "" {
		resp, err := client.Get(t.settling)
		if err != nil {
			tb.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			tb.Fatalf("still pending: %s, %v", resp.Status, err)
		}
		return
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		err := t.settled()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("still after a minute: %v", err)
		}
	}
}

// play sends a script and returns the answers. A change is done before the next call.
func (t *target) play(tb testing.TB, script []call) (replies []reply) {
	tb.Helper()
	for _, c := range script {
		if c.apart {
			<-time.After(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		}
		r, err := t.send(c)
		if err != nil {
			tb.Fatal(err)
		}
		if os.Getenv("CONFORMANCE_LOG") != "" {
			tb.Logf("%s: %v -> %d %s", t.base, c, r.Status, r.text)
		}
		if c.method != http.MethodGet && r.Status < 300 {
			t.settle(tb)
		}
		replies = append(replies, r)
	}
	return replies
}

// agree reports where two lists of answers to a script differ, each difference once.
func agree(t *testing.T, script []call, theirs, ours []reply) {
	t.Helper()
	seen, meant, lone := map[string]bool{}, map[string]int{}, map[string]bool{}
	for i, c := range script {
		if c.about(lone) {
			meant["the object is there on one side only"]++
			continue
		}
		if (theirs[i].Status < 300) != (ours[i].Status < 300) && c.save != "" {
			lone[c.save] = true
		}
		for _, d := range compare(c, theirs[i], ours[i]) {
			if why := accept(d); why != "" {
				meant[why]++
			} else if key := d.path + short(d.theirs) + short(d.ours); !seen[key] {
				seen[key] = true
				t.Errorf("%v", d)
			}
		}
	}
	for why, n := range meant {
		t.Logf("%d differences are meant: %s", n, why)
	}
}

// fewer is of how many values that the scripts of fields have one is tried by default:
// Octavia takes some minutes for all.
const fewer = 7

// TestDifferential sends the same requests to Octavia, which runs beside us, and to us.
// Every value of every field is tried where AMPHORA_CONFORMANCE is "all", or names the
// resources to try, as in "pool,member".
func TestDifferential(t *testing.T) {
	octavia, ours := startOracle(t, t.TempDir()), startDev(t)
	calls := 0
	compared := func(name string, script []call) {
		calls += len(script)
		t.Run(name, func(t *testing.T) { agree(t, script, octavia.play(t, script), ours.play(t, script)) })
	}
	compared("set up", setUp())
	for _, r := range fieldScripts {
		switch wanted := os.Getenv("AMPHORA_CONFORMANCE"); {
		case wanted == "":
			compared(r.root, r.tryFields(fewer))
		case wanted == "all", slices.Contains(strings.Split(wanted, ","), r.root):
			compared(r.root, r.tryFields(1))
		}
	}
	compared("combined", combined())
	t.Logf("%d calls", calls)
}
