package main

import (
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/chaos"
)

func TestVRRPState(t *testing.T) {
	const up = `Mon Nov 23 18:54:39 2026: Startup complete
Mon Nov 23 18:54:39 2026: (lb) Entering BACKUP STATE (init)
Mon Nov 23 18:54:39 2026: VRRP_Script(check_script) succeeded
`
	for _, tt := range []struct {
		name, log, state string
		checked          bool
	}{
		{"nothing", "", "", false},
		{"backup", up, "BACKUP", true},
		{"master", up + "x: (lb) Receive advertisement timeout\nx: (lb) Entering MASTER STATE\n", "MASTER", true},
		{"proxy dead", up + "x: VRRP_Script(check_script) failed (exited with status 1)\nx: (lb) Entering FAULT STATE\n", "FAULT", false},
	} {
		if state, checked := vrrpState(tt.log); state != tt.state || checked != tt.checked {
			t.Errorf("%s: %q, %v", tt.name, state, checked)
		}
	}
}

// Octavia's configuration says what the template says; a faster one needs VRRP
// version 3, which has no passwords.
func TestKeepalivedConfig(t *testing.T) {
	self := &peerHost{Host: &chaos.Host{Name: "lb-1", Addr: labAddr(11)}, dir: "/lab/lb-1", priority: 100}
	other := &peerHost{Host: &chaos.Host{Name: "lb-2", Addr: labAddr(12)}, dir: "/lab/lb-2", priority: 90}
	for _, tt := range []struct {
		kind    peerKind
		with    []string
		without []string
	}{
		{octaviaPeer, []string{"advert_int 1\n", "interval 5\n", "fall 2", "priority 100", "nopreempt", "auth_type PASS", "unicast_src_ip 192.0.2.11", "192.0.2.12", "192.0.2.100/24", "garp_master_refresh 5"}, []string{"vrrp_version"}},
		{tunedPeer, []string{"advert_int 0.1\n", "interval 1\n", "vrrp_version 3"}, []string{"auth_"}},
		{fastPeer, []string{"advert_int 0.03\n"}, []string{"auth_"}},
	} {
		text := keepalivedConfig(tt.kind, self, other, labAddr(100))
		for _, want := range tt.with {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", tt.kind.name, want, text)
			}
		}
		for _, not := range tt.without {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q in\n%s", tt.kind.name, not, text)
			}
		}
	}
}
