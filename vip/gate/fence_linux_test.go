//go:build unsafe_no_fence

package gate

import (
	"net/netip"
	"testing"
	"time"
)

// TestNoFence shows that the build for the negative control guards nothing.
func TestNoFence(t *testing.T) {
	p := newPair(t)
	g := open(t, p.amphora, Config{Backend: BPF})
	must(t, g.Protect([]netip.Addr{vip4, vip6}))
	p.answers(t)
	extend(t, g, 1, time.Millisecond)
	if got := verdict(t, g); got != IsOpen {
		t.Errorf("the gate is %s", got)
	}
	must(t, g.Shut(1))
	p.answers(t)
}
