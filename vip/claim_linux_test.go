package vip

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// The client of the lab, which is also the gateway in some tests.
var (
	client4 = netip.MustParseAddr("192.0.2.2")
	client6 = netip.MustParseAddr("2001:db8::2")
)

// quiet announces only when the test is long over, so that what moves a cache is
// something else.
var quiet = Config{Burst: []time.Duration{time.Hour}, Repeat: time.Hour}

// TestQuestionsTeachTheGateway leaves only the questions to move a cache that has
// just changed, and one that has no entry, in a kernel that takes no gratuitous
// ARP at all.
func TestQuestionsTeachTheGateway(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("entry=%v", known), func(t *testing.T) {
			l := newLab(t)
			must(t, l.client.Sysctl("ipv4/conf/eth0/drop_gratuitous_arp", "1"))
			must(t, l.client.Sysctl("ipv6/conf/eth0/drop_unsolicited_na", "1"))
			l.reachable(t, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"))
			cfg := quiet
			cfg.Gateways = []netip.Addr{client4, client6}
			h, _ := l.start(t, cfg)
			if known {
				for _, addr := range []netip.Addr{vip4, vip6} {
					l.setNeighbour(t, addr, net.HardwareAddr{2, 0, 0, 0, 0, 0x99})
				}
			}
			hold(t, h, 1, vip4, vip6)
			for _, addr := range []netip.Addr{vip4, vip6} {
				l.learns(t, addr, l.amphoraMAC(t))
			}
			testenv.Eventually(t, deadline, func() error {
				if v, s := h.View(), h.Stats(); v.Claim.Answered.IsZero() || s.Answered != 2 || len(v.Silent) != 0 {
					return fmt.Errorf("view is %+v, counts are %+v, want the gateways to have answered", v, s)
				}
				return nil
			})
		})
	}
}

// learns waits until the client has addr at mac.
func (l *lab) learns(t *testing.T, addr netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		if got := l.neighbour(t, addr); !bytes.Equal(got, mac) {
			return fmt.Errorf("client has %s at %v, want %v", addr, got, mac)
		}
		return nil
	})
}

// TestSilentGatewayIsNamed claims while the gateway does not exist.
func TestSilentGatewayIsNamed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	wire := l.sniff(t)
	gone := netip.MustParseAddr("192.0.2.250")
	h, _ := l.start(t, Config{Gateways: []netip.Addr{gone}})
	hold(t, h, 1, vip4)
	frame, err := questionFrame(vip4, l.amphoraMAC(t), gone, nil)
	wire.atLeast(t, 5, mustFrame(t, frame, err))
	testenv.Eventually(t, deadline, func() error {
		if v := h.View(); !slices.Equal(v.Silent, []netip.Addr{gone}) || !v.Claim.Answered.IsZero() {
			return fmt.Errorf("view is %+v, want %s silent", v, gone)
		}
		return nil
	})
}

// TestGatewaysAndNeighboursAreFound reads them from the kernel's tables.
func TestGatewaysAndNeighboursAreFound(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.route(t, netip.MustParsePrefix("0.0.0.0/0"), client4)
	l.route(t, netip.MustParsePrefix("::/0"), client6)
	l.reachable(t, netip.MustParseAddr("192.0.2.1")) // so that the client is a neighbour
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	peers := l.around(t)
	want := []peer{{addr: client4, mac: ifi.HardwareAddr, gateway: true}, {addr: client6, gateway: true}}
	if len(peers) < 2 || fmt.Sprint(peers[0]) != fmt.Sprint(want[0]) || peers[1].addr != client6 || !peers[1].gateway {
		t.Errorf("around are %v, want %v first", peers, want)
	}
	for _, p := range peers[2:] {
		if p.gateway || p.mac == nil || p.addr == client4 || p.addr == client6 {
			t.Errorf("neighbour %+v, want neither a gateway nor one twice, and a hardware address", p)
		}
	}
}

func (l *lab) around(t *testing.T) (peers []peer) {
	t.Helper()
	must(t, l.amphora.Do(func() error {
		k, err := openRTNL("eth0")
		if err != nil {
			return err
		}
		s, err := k.look()
		if err == nil {
			peers, err = k.around(s.link.index)
		}
		return errors.Join(err, k.close())
	}))
	return peers
}

func TestNeighboursByLastUse(t *testing.T) {
	l := newLab(t)
	if peers := l.around(t); len(peers) != 0 {
		t.Fatalf("around are %v before anything was said", peers)
	}
	l.reachable(t, netip.MustParseAddr("192.0.2.1"))
	peers := l.around(t)
	if len(peers) != 1 || peers[0].addr != client4 || peers[0].gateway {
		t.Errorf("around are %v, want %s", peers, client4)
	}
}

// TestForeignOwnerIsNamed claims addresses that the client has too.
func TestForeignOwnerIsNamed(t *testing.T) {
	l := newLab(t)
	for _, p := range []netip.Prefix{netip.PrefixFrom(vip4, 24), netip.PrefixFrom(vip6, 64)} {
		must(t, l.client.AddAddr("eth0", p))
	}
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4, vip6)
	l.disputed(t, h, ifi.HardwareAddr)
	l.eventually(t, true, vip4, vip6)
}

// disputed waits until both VIPs are present and claimed by mac.
func (l *lab) disputed(t *testing.T, h *Holder, mac net.HardwareAddr) {
	t.Helper()
	l.disputedAfter(t, h, mac, func() {})
}

// disputedAfter does again what is to cause it, as long as it has not.
func (l *lab) disputedAfter(t *testing.T, h *Holder, mac net.HardwareAddr, cause func()) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		cause()
		for _, a := range present(t, h, 2).Addrs {
			if a.Err == nil || !strings.Contains(a.Err.Error(), mac.String()) {
				return fmt.Errorf("view of %s is %+v, want an error that names %v", a.Addr, a, mac)
			}
		}
		return nil
	})
}

// TestAnnouncementOfAStrangerIsNoted has somebody else announce a VIP that is held.
func TestAnnouncementOfAStrangerIsNoted(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4, vip6)
	for _, a := range present(t, h, 2).Addrs {
		if a.Err != nil {
			t.Errorf("view of %s is %+v before anybody claims it", a.Addr, a)
		}
	}
	stranger := net.HardwareAddr{2, 0, 0, 0, 0, 0x66}
	frames := mustFrames(t, stranger, vip4, vip6)
	l.disputedAfter(t, h, stranger, func() { l.send(t, frames...) }) // a frame may get lost
}

// send sends frames from the client.
func (l *lab) send(t *testing.T, frames ...[]byte) {
	t.Helper()
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	must(t, l.client.Do(func() error {
		p, err := dialPacket(link{index: ifi.Index}, func(claim) {})
		if err != nil {
			return err
		}
		_, _, err = p.send(frames)
		return errors.Join(err, p.Close())
	}))
}

// TestProbesAreNoClaims lets the standby probe for what is held.
func TestProbesAreNoClaims(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4, vip6)
	present(t, h, 2)
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	wire := l.sniff(t)
	for _, addr := range []netip.Addr{vip4, vip6} {
		frame, err := probeFrame(addr, ifi.HardwareAddr)
		l.send(t, mustFrame(t, frame, err))
	}
	// Answered: by ARP and by an advertisement to all nodes.
	testenv.Eventually(t, deadline, func() error {
		wire.mu.Lock()
		defer wire.mu.Unlock()
		found := map[netip.Addr]bool{}
		for _, f := range wire.frames {
			if c, ok := parseClaim(f); ok && c.mac == [6]byte(l.amphoraMAC(t)) {
				found[c.addr] = true
			}
		}
		if !found[vip4] || !found[vip6] {
			return fmt.Errorf("answers came for %v, want one for each VIP", found)
		}
		return nil
	})
	for _, a := range h.View().Addrs {
		if a.Err != nil {
			t.Errorf("view of %s is %+v after a probe", a.Addr, a)
		}
	}
}

// TestStandbyListensForIPv6VIPs looks at the kernel's list of groups.
func TestStandbyListensForIPv6VIPs(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	other := netip.MustParseAddr("2001:db8::a1:b2c3")
	groups := func() (list string) {
		t.Helper()
		must(t, l.amphora.Do(func() error {
			b, err := os.ReadFile("/proc/thread-self/net/igmp6")
			list = string(b)
			return err
		}))
		return list
	}
	in := func(want bool, group string) {
		t.Helper()
		testenv.Eventually(t, deadline, func() error {
			if got := strings.Contains(groups(), group); got != want {
				return fmt.Errorf("listens to %s: %v, want %v:\n%s", group, got, want, groups())
			}
			return nil
		})
	}
	must(t, h.Update([]netip.Addr{vip4, vip6, other}))
	in(true, "ff0200000000000000000001ff000100")
	in(true, "ff0200000000000000000001ffa1b2c3")
	must(t, h.Update([]netip.Addr{vip6}))
	in(false, "ff0200000000000000000001ffa1b2c3")
	in(true, "ff0200000000000000000001ff000100")
}

// TestCarrierLossIsTold waits on Changes alone.
func TestCarrierLossIsTold(t *testing.T) {
	l := newLab(t)
	h, _ := l.start(t, Config{})
	hold(t, h, 1, vip4)
	present(t, h, 1)
	wait := func(up bool) {
		t.Helper()
		late := time.NewTimer(deadline)
		defer late.Stop()
		for h.View().Link.Up != up {
			select {
			case <-h.Changes():
			case <-late.C:
				t.Fatalf("link is %+v, want up %v", h.View().Link, up)
			}
		}
	}
	wait(true)
	must(t, l.sw.Down("port1"))
	wait(false)
	must(t, l.sw.Up("port1"))
	wait(true)
	if got := h.View().Link.MAC; !bytes.Equal(got, l.amphoraMAC(t)) {
		t.Errorf("hardware address is %v, want %v", got, l.amphoraMAC(t))
	}
}

// TestClaimOfManyVIPs has more than one batch.
func TestClaimOfManyVIPs(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	h, _ := l.start(t, once)
	vips := manyVIPs(3*batch + 1)
	hold(t, h, 1, vips...)
	present(t, h, len(vips))
	wire.atLeast(t, 1, mustFrames(t, l.amphoraMAC(t), vips...)...)
	if c := h.View().Claim; c.Term != 1 || c.Added.Before(c.Told) || c.Announced.Before(c.Added) {
		t.Errorf("claim is %+v", c)
	}
	must(t, h.Release(t.Context()))
	l.nothingLeft(t)
}

// TestOneAddressOfABatchFails has an address that came to the interface after the
// last look: it is not taken over, and the others are there.
func TestOneAddressOfABatchFails(t *testing.T) {
	l := newLab(t)
	var wrong map[netip.Addr]error
	must(t, l.amphora.AddAddr("eth0", netip.PrefixFrom(vip4, 32)))
	must(t, l.amphora.Do(func() error {
		k, err := openRTNL("eth0")
		if err != nil {
			return err
		}
		s, err := k.look()
		wrong = k.put(s.link.index, []netip.Addr{vip6, vip4, netip.MustParseAddr("192.0.2.101")}, 30*time.Second, false)
		return errors.Join(err, k.close())
	}))
	if len(wrong) != 1 || !errors.Is(wrong[vip4], os.ErrExist) {
		t.Errorf("wrong are %v, want %s alone: it exists", wrong, vip4)
	}
	l.eventually(t, true, vip6, netip.MustParseAddr("192.0.2.101"))
	if l.has(t, vip4) {
		t.Errorf("%s of somebody else was taken over", vip4)
	}
}

// route adds a route to the amphora.
func (l *lab) route(t *testing.T, dst netip.Prefix, via netip.Addr) {
	t.Helper()
	ifi, err := l.amphora.Interface("eth0")
	must(t, err)
	must(t, l.amphora.Netlink().RouteAdd(&netlink.Route{
		LinkIndex: ifi.Index, Gw: via.AsSlice(),
		Dst: &net.IPNet{IP: dst.Addr().AsSlice(), Mask: net.CIDRMask(dst.Bits(), dst.Addr().BitLen())},
	}))
}
