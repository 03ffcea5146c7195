package health

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amphora-lb/amphora/lb"
)

func TestTargetOf(t *testing.T) {
	up := lb.Meta{AdminStateUp: true}
	build := func(change func(p *lb.Pool, m *lb.Member)) (Target, bool) {
		m := &lb.Member{ID: "m", Meta: up, Address: netip.MustParseAddr("192.0.2.1"), ProtocolPort: 80}
		p := &lb.Pool{ID: "p", Meta: up, Monitor: &lb.HealthMonitor{
			ID: "h", Meta: up, Type: lb.MonitorTCP,
			Delay: 5 * time.Second, Timeout: 2 * time.Second, MaxRetries: 3, MaxRetriesDown: 4,
		}}
		change(p, m)
		return TargetOf(p, m)
	}
	base := Target{
		Pool: "p", Member: "m", Monitor: "h", Addr: netip.MustParseAddrPort("192.0.2.1:80"), Type: lb.MonitorTCP,
		Delay: 5 * time.Second, Timeout: 2 * time.Second, Rise: 3, Fall: 4,
	}
	http := func(p *lb.Pool, version string) {
		h := p.Monitor
		h.Type, h.HTTPMethod, h.URLPath, h.ExpectedCodes = lb.MonitorHTTP, "HEAD", "/up", "200-204"
		h.HTTPVersion, h.DomainName = version, "www.example.com"
	}
	for _, tt := range []struct {
		name   string
		change func(p *lb.Pool, m *lb.Member)
		want   func(t *Target)
	}{
		{"plain", func(*lb.Pool, *lb.Member) {}, func(*Target) {}},
		{
			"monitor address", func(_ *lb.Pool, m *lb.Member) { m.MonitorAddress = netip.MustParseAddr("2001:db8::1") },
			func(t *Target) { t.Addr = netip.MustParseAddrPort("[2001:db8::1]:80") },
		},
		{
			"monitor port", func(_ *lb.Pool, m *lb.Member) { m.MonitorPort = 8080 },
			func(t *Target) { t.Addr = netip.MustParseAddrPort("192.0.2.1:8080") },
		},
		{"no delay", func(p *lb.Pool, _ *lb.Member) { p.Monitor.Delay = 0 }, func(t *Target) { t.Delay = time.Second }},
		{"no timeout", func(p *lb.Pool, _ *lb.Member) { p.Monitor.Timeout = 0 }, func(t *Target) { t.Timeout = time.Second }},
		{"http", func(p *lb.Pool, _ *lb.Member) { http(p, "") }, func(t *Target) {
			t.Type, t.Method, t.Path, t.ExpectedCodes, t.Version = lb.MonitorHTTP, "HEAD", "/up", "200-204", "1.0"
		}},
		{"https", func(p *lb.Pool, _ *lb.Member) { http(p, "1.1"); p.Monitor.Type = lb.MonitorHTTPS }, func(t *Target) {
			t.Type, t.Method, t.Path, t.ExpectedCodes, t.Version = lb.MonitorHTTPS, "HEAD", "/up", "200-204", "1.1"
			t.Host = "www.example.com"
		}},
		{"TLS pool", func(p *lb.Pool, _ *lb.Member) { p.TLS.Enabled = true }, func(t *Target) { t.TLS = true }},
		{"PROXY pool", func(p *lb.Pool, _ *lb.Member) { p.Protocol = lb.ProtocolPROXYV2 }, func(t *Target) { t.Announce = lb.ProtocolPROXYV2 }},
		{
			"PROXY pool, monitor address",
			func(p *lb.Pool, m *lb.Member) {
				p.Protocol, m.MonitorAddress = lb.ProtocolPROXY, netip.MustParseAddr("192.0.2.9")
			},
			func(t *Target) { t.Addr = netip.MustParseAddrPort("192.0.2.9:80") },
		},
		{
			"TLS pool, monitor port", func(p *lb.Pool, m *lb.Member) { p.TLS.Enabled, m.MonitorPort = true, 81 },
			func(t *Target) { t.Addr = netip.MustParseAddrPort("192.0.2.1:81") },
		},
		{"http 1.1", func(p *lb.Pool, _ *lb.Member) { http(p, "1.1") }, func(t *Target) {
			t.Type, t.Method, t.Path, t.ExpectedCodes, t.Version = lb.MonitorHTTP, "HEAD", "/up", "200-204", "1.1"
			t.Host = "www.example.com"
		}},
	} {
		want := base
		tt.want(&want)
		got, ok := build(tt.change)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" || !ok {
			t.Errorf("%s: %v %s", tt.name, ok, diff)
		}
	}
	for name, change := range map[string]func(p *lb.Pool, m *lb.Member){
		"no monitor":              func(p *lb.Pool, _ *lb.Member) { p.Monitor = nil },
		"type that is not probed": func(p *lb.Pool, _ *lb.Member) { p.Monitor.Type = lb.MonitorSCTP },
		"monitor down":            func(p *lb.Pool, _ *lb.Member) { p.Monitor.AdminStateUp = false },
		"pool down":               func(p *lb.Pool, _ *lb.Member) { p.AdminStateUp = false },
		"member down":             func(_ *lb.Pool, m *lb.Member) { m.AdminStateUp = false },
	} {
		if got, ok := build(change); ok {
			t.Errorf("%s: is checked: %v", name, got)
		}
	}
}
