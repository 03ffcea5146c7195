package vip

import (
	"net/netip"
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
				if err := k.put(s.link.index, addr, 30*time.Second, false); err != nil {
					b.Fatal(err)
				}
				if err := k.remove(a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
