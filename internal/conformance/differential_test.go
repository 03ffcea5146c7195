package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// settled returns nil when no load balancer is pending.
func (t *target) settled() error {
	r, err := t.send(get(lbs + "?fields=provisioning_status"))
	if err != nil {
		return err
	}
	if strings.Contains(r.text, "PENDING_") {
		return fmt.Errorf("not settled: %s", r.text)
	}
	return nil
}

// TestDifferential sends the same requests to Octavia and to us, one script after the
// other, and compares the answers.
func TestDifferential(t *testing.T) {
	octavia, ours := startOracle(t, t.TempDir()), startDev(t)
	waited := map[string]int{}
	play := func(t *testing.T, script []call) {
		seen := map[string]bool{}
		for _, c := range script {
			theirs, err := octavia.send(c)
			if err != nil {
				t.Fatal(err)
			}
			mine, err := ours.send(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range compare(c, theirs, mine, octavia, ours) {
				if why := accept(d); why != "" {
					waited[why]++
				} else if key := d.path + short(d.theirs) + short(d.ours); !seen[key] {
					seen[key] = true
					t.Errorf("%v", d)
				}
			}
			if c.method != http.MethodGet && theirs.status < 300 {
				testenv.Eventually(t, time.Minute, octavia.settled)
				testenv.Eventually(t, time.Minute, ours.settled)
			}
		}
		t.Logf("%d calls", len(script))
	}
	t.Run("set up", func(t *testing.T) { play(t, setUp()) })
	for _, r := range []resource{loadBalancer, listener, pool, member, monitor, policy, rule} {
		t.Run(r.root, func(t *testing.T) { play(t, r.tryFields()) })
	}
	t.Run("combined", func(t *testing.T) { play(t, combined()) })
	for why, n := range waited {
		t.Logf("%d differences accepted: %s", n, why)
	}
}
