package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// peerKind is a way to set up keepalived and HAProxy.
type peerKind struct {
	name    string
	advert  time.Duration // VRRP's advertisement interval
	check   time.Duration // between two looks at HAProxy
	v3      bool          // VRRP version 3: version 2 knows whole seconds only
	restart time.Duration // after which HAProxy is started again when it has died; 0: never
}

// The peers. Octavia's is what it writes for the topology ACTIVE_STANDBY
// (keepalived_base.template and the defaults of the section
// keepalived_vrrp of octavia.conf): unicast, nopreempt, priorities 100 and 90.
var (
	octaviaPeer = peerKind{name: "keepalived 1s", advert: time.Second, check: 5 * time.Second}
	// The unit that Octavia writes for HAProxy says Restart=always; systemd waits
	// 100 ms (RestartSec). So there a crash that a restart cures moves nothing.
	restartPeer = peerKind{name: "haproxy unit", advert: time.Second, check: 5 * time.Second, restart: 100 * time.Millisecond}
	tunedPeer   = peerKind{name: "keepalived 0.1s", advert: 100 * time.Millisecond, check: time.Second, v3: true}
	fastPeer    = peerKind{name: "keepalived 0.03s", advert: 30 * time.Millisecond, check: time.Second, v3: true}
)

// keepalivedConfig is the configuration of one of the two hosts.
func keepalivedConfig(k peerKind, self, other *peerHost, vip netip.Addr) string {
	version, auth := "", "\n  authentication {\n    auth_type PASS\n    auth_pass 2f6a91c\n  }"
	if k.v3 {
		version, auth = "\n  vrrp_version 3", "" // RFC 5798 has no authentication
	}
	return fmt.Sprintf(`global_defs {
  script_user root
  enable_script_security%s
}
vrrp_script check_script {
  script "%s"
  interval %v
  fall 2
  rise 2
}
vrrp_instance lb {
  interface %s
  virtual_router_id 1
  priority %d
  nopreempt
  accept
  garp_master_refresh 5
  garp_master_refresh_repeat 2
  advert_int %v%s
  unicast_src_ip %s
  unicast_peer {
    %s
  }
  virtual_ipaddress {
    %s/24
  }
  track_script {
    check_script
  }
}
`, version, self.path("check.sh"), k.check.Seconds(), link, self.priority, k.advert.Seconds(), auth, self.Addr, other.Addr, vip)
}

// haproxyConfig is what Octavia writes for an HTTP listener and a pool of
// members without a health monitor, less its logging; maxconn is 50000 there,
// which needs more open files than some machines allow.
func haproxyConfig(self *peerHost, vip netip.Addr, members []netip.Addr) string {
	var servers strings.Builder
	for i, m := range members {
		fmt.Fprintf(&servers, "\tserver member%d %s:80 weight 1\n", i+1, m)
	}
	return fmt.Sprintf(`global
	user nobody
	stats socket %s mode 0666 level user
	maxconn 4000

defaults
	no log
	retries 3
	option redispatch
	option splice-request
	option splice-response
	option http-keep-alive

frontend listener
	maxconn 4000
	bind %s:80
	mode http
	default_backend pool
	timeout client 50000

backend pool
	mode http
	balance roundrobin
	fullconn 50000
	option allbackups
	timeout connect 5000
	timeout server 50000
%s`, self.path("haproxy.sock"), vip, servers.String())
}

// checkScript asks HAProxy for its statistics, as Octavia's does.
func checkScript(bench, socket string) string {
	return fmt.Sprintf("#!/bin/sh\nexec %s -instrument %s %s\n", bench, checkInstrument, socket)
}

// path is that of a file of the host.
func (h *peerHost) path(name string) string { return filepath.Join(h.dir, name) }
