package vip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnnouncementFrames(t *testing.T) {
	mac := net.HardwareAddr{0x02, 0x42, 0xac, 0x11, 0x00, 0x05}
	padding := strings.Repeat("00", 18) // to the 60 bytes of IEEE 802.3
	for _, tc := range []struct {
		name string
		addr netip.Addr
		want []string
	}{
		{"IPv4: request, reply", netip.MustParseAddr("192.0.2.100"), []string{
			"ffffffffffff 0242ac110005 0806" +
				"0001 0800 06 04 0001" +
				"0242ac110005 c0000264" +
				"000000000000 c0000264" + padding,
			"ffffffffffff 0242ac110005 0806" +
				"0001 0800 06 04 0002" +
				"0242ac110005 c0000264" +
				"0242ac110005 c0000264" + padding,
		}},
		{"IPv6: neighbour advertisement", netip.MustParseAddr("2001:db8::100"), []string{
			"333300000001 0242ac110005 86dd" +
				"60000000 0020 3a ff" +
				"20010db8000000000000000000000100" +
				"ff020000000000000000000000000001" +
				"88 00 4ad5 20000000" +
				"20010db8000000000000000000000100" +
				"02 01 0242ac110005",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			frames, err := announcementFrames(tc.addr, mac)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, f := range frames {
				got = append(got, hex.EncodeToString(f))
			}
			for _, f := range tc.want {
				want = append(want, strings.ReplaceAll(f, " ", ""))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
		})
	}
}

// TestQuestionAndProbeFrames is for those that are not announcements.
func TestQuestionAndProbeFrames(t *testing.T) {
	mac := net.HardwareAddr{0x02, 0x42, 0xac, 0x11, 0x00, 0x05}
	to := net.HardwareAddr{0x02, 0x42, 0xac, 0x11, 0x00, 0x77}
	padding := strings.Repeat("00", 18)
	question := func(from, target string, to net.HardwareAddr) func() ([]byte, error) {
		return func() ([]byte, error) {
			return questionFrame(netip.MustParseAddr(from), mac, netip.MustParseAddr(target), to)
		}
	}
	probe := func(addr string) func() ([]byte, error) {
		return func() ([]byte, error) { return probeFrame(netip.MustParseAddr(addr), mac) }
	}
	for _, tc := range []struct {
		name  string
		build func() ([]byte, error)
		want  string
	}{
		{
			"IPv4 question", question("192.0.2.100", "192.0.2.1", to),
			"0242ac110077 0242ac110005 0806 0001 0800 06 04 0001" +
				"0242ac110005 c0000264 000000000000 c0000201" + padding,
		},
		{
			"IPv4 question to all", question("192.0.2.100", "192.0.2.1", nil),
			"ffffffffffff 0242ac110005 0806 0001 0800 06 04 0001" +
				"0242ac110005 c0000264 000000000000 c0000201" + padding,
		},
		{
			"IPv6 question", question("2001:db8::100", "2001:db8::1", to),
			"0242ac110077 0242ac110005 86dd 60000000 0020 3a ff" +
				"20010db8000000000000000000000100 20010db8000000000000000000000001" +
				"87 00 0000 00000000 20010db8000000000000000000000001 01 01 0242ac110005",
		},
		{
			"IPv6 question to the group", question("2001:db8::100", "fe80::12:3456", nil),
			"3333ff123456 0242ac110005 86dd 60000000 0020 3a ff" +
				"20010db8000000000000000000000100 ff0200000000000000000001ff123456" +
				"87 00 0000 00000000 fe800000000000000000000000123456 01 01 0242ac110005",
		},
		{
			"IPv4 probe", probe("192.0.2.100"),
			"ffffffffffff 0242ac110005 0806 0001 0800 06 04 0001" +
				"0242ac110005 00000000 000000000000 c0000264" + padding,
		},
		{
			"IPv6 probe", probe("2001:db8::100"),
			"3333ff000100 0242ac110005 86dd 60000000 0018 3a ff" +
				"00000000000000000000000000000000 ff0200000000000000000001ff000100" +
				"87 00 0000 00000000 20010db8000000000000000000000100",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			frame, err := tc.build()
			must(t, err)
			want, got := strings.ReplaceAll(tc.want, " ", ""), hex.EncodeToString(frame)
			if frame[12] == 0x86 { // the checksum is summed up below
				sumIsRight(t, frame)
				const at = 2 * (14 + 40 + 2)
				want, got = want[:at]+want[at+4:], got[:at]+got[at+4:]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("frame (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNeighbourAdvertisementChecksum sums the packet with its pseudo header as
// RFC 4443, section 2.3 has it, apart from the library that made it.
func TestNeighbourAdvertisementChecksum(t *testing.T) {
	frame, err := unsolicitedNA(netip.MustParseAddr("2001:db8:1:2:3:4:5:6"), net.HardwareAddr{2, 0, 0, 0, 0, 7})
	if err != nil {
		t.Fatal(err)
	}
	sumIsRight(t, frame)
}

func sumIsRight(t *testing.T, frame []byte) {
	t.Helper()
	packet := frame[14:]
	sum := uint32(58) + uint32(len(packet)-40) // next header, length
	for i := 8; i < len(packet); i += 2 {      // addresses, message
		sum += uint32(packet[i])<<8 | uint32(packet[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum != 0xffff {
		t.Errorf("checksum is wrong: the sum is %#x, want 0xffff", sum)
	}
}
