package wire

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amphora-lb/amphora/chaos/check"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	const (
		a4, target = "c0000264", "c0000202"         // 192.0.2.100, 192.0.2.2
		all, mac   = "ffffffffffff", "02000000000a" // of the node
		a6         = "20010db8000000000000000000000064"
	)
	v4, v6 := netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("2001:db8::64")
	for _, tt := range []struct {
		name, frame string
		want        check.Frame
	}{
		{"answer to a probe", "06a500000007" + mac + "0806 0001080006040002" + mac + a4 + "06a500000007" + "00000000", check.Frame{VIP: v4, Kind: check.Answer, Round: 7}},
		{"answer to a client", "020000000001" + mac + "0806 0001080006040002" + mac + a4 + "020000000001" + target, check.Frame{VIP: v4, Kind: check.Answer}},
		{"gratuitous reply", all + mac + "0806 0001080006040002" + mac + a4 + all + a4, check.Frame{VIP: v4, Kind: check.Announce}},
		{"gratuitous request", all + mac + "0806 0001080006040001" + mac + a4 + "000000000000" + a4, check.Frame{VIP: v4, Kind: check.Announce}},
		{"IPv4", "020000000001" + mac + "0800 45000014000000004006 0000" + a4 + target, check.Frame{VIP: v4, Kind: check.Packet}},
		{"IPv6", "020000000001" + mac + "86dd 60000000 0000 06 40" + a6 + a6, check.Frame{VIP: v6, Kind: check.Packet}},
		{"solicited advertisement", "020000000001" + mac + "86dd 60000000 0018 3a ff fe80000000000000000000000000000a" + a6 + "88000000 40000000" + a6, check.Frame{VIP: v6, Kind: check.Answer}},
		{"unsolicited advertisement", "333300000001" + mac + "86dd 60000000 0018 3a ff fe80000000000000000000000000000a" + a6 + "88000000 20000000" + a6, check.Frame{VIP: v6, Kind: check.Announce}},
	} {
		b := unhex(t, tt.frame)
		got, ok := parse(b)
		tt.want.MAC = [6]byte{2, 0, 0, 0, 0, 0xa}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); !ok || diff != "" {
			t.Errorf("%s: %v, -want +got\n%s", tt.name, ok, diff)
		}
		for n := range 34 { // too short for any of them
			if got, ok := parse(b[:n]); ok {
				t.Errorf("%s cut to %d bytes: %+v", tt.name, n, got)
			}
		}
	}
}

// A probe has no sender: it must not look like one of the virtual IP's.
func TestProbe(t *testing.T) {
	b := probe(net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("192.0.2.100"))
	if f, ok := parse(b); ok {
		t.Errorf("got %+v", f)
	}
	want := unhex(t, "ffffffffffff020000000001 0806 0001080006040001 06a500000000 00000000 000000000000 c0000264")
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
