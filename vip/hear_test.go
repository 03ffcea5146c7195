package vip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	must(t, err)
	return b
}

func TestParseClaim(t *testing.T) {
	const mac, other = "0242ac110005", "0242ac110006"
	want := [6]byte{0x02, 0x42, 0xac, 0x11, 0, 5}
	nd := func(kind, src, dst, message string) string {
		return "333300000001" + other + "86dd 60000000 0020 3a ff" + src + dst + kind + " 00 0000 " + message
	}
	const vip, node, none = "20010db8000000000000000000000100", "20010db8000000000000000000000002", "00000000000000000000000000000000"
	const all = "ff020000000000000000000000000001"
	for _, tc := range []struct {
		name, frame string
		want        claim
		ok          bool
	}{
		{
			"ARP request", "ffffffffffff" + other + "0806 0001 0800 06 04 0001" + mac + "c0000264 000000000000 c0000201",
			claim{addr: vip4, mac: want, to: netip.MustParseAddr("192.0.2.1")},
			true,
		},
		{
			"ARP reply, padded", other + other + "0806 0001 0800 06 04 0002" + mac + "c0000264" + other + "c0000201" + strings.Repeat("00", 18),
			claim{addr: vip4, mac: want, to: netip.MustParseAddr("192.0.2.1"), reply: true},
			true,
		},
		{"ARP probe", "ffffffffffff" + other + "0806 0001 0800 06 04 0001" + mac + "00000000 000000000000 c0000264", claim{}, false},
		{"ARP of IPv6", "ffffffffffff" + other + "0806 0001 86dd 06 10 0001" + mac + vip + mac + vip, claim{}, false},
		{"ARP cut short", "ffffffffffff" + other + "0806 0001 0800 06 04 0001" + mac, claim{}, false},
		{
			"solicited advertisement", nd("88", vip, node, "60000000"+vip+"0201"+mac),
			claim{addr: vip6, mac: want, to: netip.MustParseAddr("2001:db8::2"), reply: true},
			true,
		},
		{
			"unsolicited advertisement", nd("88", node, all, "20000000"+vip+"0201"+mac),
			claim{addr: vip6, mac: want, to: allNodes},
			true,
		},
		{
			"solicitation", nd("87", vip, all, "00000000"+node+"0101"+mac),
			claim{addr: vip6, mac: want, to: allNodes},
			true,
		},
		{"duplicate address detection", nd("87", none, all, "00000000"+vip+"0101"+mac), claim{}, false},
		{"forwarded", strings.Replace(nd("88", node, all, "20000000"+vip+"0201"+mac), "3a ff", "3a fe", 1), claim{}, false},
		{"echo request", nd("80", node, all, "20000000"+vip+"0201"+mac), claim{}, false},
		{"nothing", "", claim{}, false},
	} {
		got, ok := parseClaim(unhex(t, tc.frame))
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v, %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
}

func TestAdvertisementWithoutOption(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	frame, err := ndpFrame(multicastMAC(allNodes), mac, vip6, allNodes, &ndp.NeighborAdvertisement{TargetAddress: vip6})
	must(t, err)
	if c, ok := parseClaim(frame); !ok || c.mac != [6]byte(mac) {
		t.Errorf("got %+v, %v, want the address of the frame", c, ok)
	}
}

// FuzzParseClaim feeds frames of strangers.
func FuzzParseClaim(f *testing.F) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	for _, addr := range []netip.Addr{vip4, vip6} {
		frames, err := announcementFrames(addr, mac)
		if err != nil {
			f.Fatal(err)
		}
		for _, frame := range frames {
			f.Add(frame)
		}
	}
	reply, err := arpFrame(arp.OperationReply, mac, mac, vip4, mac, vip4)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply[:42])
	f.Fuzz(func(t *testing.T, frame []byte) {
		if c, ok := parseClaim(frame); ok && (!c.addr.IsValid() || c.addr.IsUnspecified() || !c.to.IsValid()) {
			t.Errorf("frame %x gives %+v", frame, c)
		}
	})
}
