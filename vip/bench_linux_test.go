package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// BenchmarkAddress adds and removes one address, as a claim and a release do.
func BenchmarkAddress(b *testing.B) {
	testenv.RequireRoot(b)
	for name, addr := range map[string]netip.Addr{"v4": vip4, "v6": vip6} {
		b.Run(name, func(b *testing.B) {
			n, err := netns.New()
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = n.Close() }()
			if err := n.Bridge("br0"); err != nil {
				b.Fatal(err)
			}
			var k *rtnl
			if err := n.Do(func() (err error) { k, err = openRTNL("br0"); return err }); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = k.close() }()
			s, err := k.look()
			if err != nil {
				b.Fatal(err)
			}
			a := address{index: s.link.index, prefix: netip.PrefixFrom(addr, addr.BitLen())}
			for b.Loop() {
				if err := k.put(s.link.index, []netip.Addr{addr}, 30*time.Second, false); err != nil {
					b.Fatal(err)
				}
				if err := k.remove([]address{a}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClaim measures from the call of Hold to the last address on the
// interface and to the last first announcement sent.
func BenchmarkClaim(b *testing.B) {
	testenv.RequireRoot(b)
	for _, vips := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(vips), func(b *testing.B) {
			h := benchHolder(b)
			if err := h.Update(manyVIPs(vips)); err != nil {
				b.Fatal(err)
			}
			var added, announced, whole time.Duration
			for term := uint64(1); b.Loop(); term++ {
				waitFor(h, func(v View) bool { return len(v.Addrs) == vips && !v.Addrs[0].Present && v.Link.Up })
				told := time.Now()
				if err := h.Hold(term); err != nil {
					b.Fatal(err)
				}
				v := waitFor(h, func(v View) bool { return v.Claim.Term == term && v.Addrs[vips-1].Present })
				whole += time.Since(told)
				added += v.Claim.Added.Sub(told)
				announced += v.Claim.Announced.Sub(told)
				if err := h.Release(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			report := func(d time.Duration, unit string) {
				b.ReportMetric(d.Seconds()*1000/float64(b.N), unit)
			}
			report(added, "ms-to-added")
			report(announced, "ms-to-announced")
			report(whole, "ms-to-seen")
		})
	}
}

// waitFor returns the first view that is as wanted.
func waitFor(h *Holder, wanted func(View) bool) View {
	for {
		if v := h.View(); wanted(v) {
			return v
		}
		<-h.Changes()
	}
}

// benchHolder runs a holder on one end of a cable in a namespace of its own.
func benchHolder(b *testing.B) *Holder {
	b.Helper()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	n, err := netns.New()
	check(err)
	b.Cleanup(func() { check(n.Close()) })
	check(netns.Veth(n, "eth0", n, "eth1"))
	check(n.Up("eth0", "eth1"))
	var h *Holder
	check(n.Do(func() (err error) { h, err = New(Config{Interface: "eth0"}); return err }))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Do(func() error { return h.Run(ctx) }) }()
	b.Cleanup(func() {
		cancel()
		check(<-ended)
	})
	return h
}

// BenchmarkSend sends one frame of a batch onto a cable.
func BenchmarkSend(b *testing.B) {
	testenv.RequireRoot(b)
	n, err := netns.New()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	if err := errors.Join(netns.Veth(n, "eth0", n, "eth1"), n.Up("eth0", "eth1")); err != nil {
		b.Fatal(err)
	}
	ifi, err := n.Interface("eth0")
	if err != nil {
		b.Fatal(err)
	}
	var out port
	if err := n.Do(func() (err error) { out, err = dialPacket(link{index: ifi.Index}, func(claim) {}); return err }); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	frames, err := announcementFrames(vip4, ifi.HardwareAddr)
	if err != nil {
		b.Fatal(err)
	}
	batch := slices.Repeat(frames[:1], 100)
	for i := 0; b.Loop(); i++ {
		if i%len(batch) == 0 {
			if _, _, err := out.send(batch); err != nil {
				b.Fatal(err)
			}
		}
	}
}
