package node

import (
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/keystone"
)

// endpoints tells the admin API where clients find the REST APIs.
func (n *Node) endpoints() admin.Endpoints {
	cfg := n.cfg.API
	base := strings.TrimRight(cfg.PublicURL, "/")
	if n.restListener == nil {
		return admin.Endpoints{}
	}
	if base == "" {
		base = rootURL(n.restListener.Addr().String(), cfg.TLSCert != "")
	}
	e := admin.Endpoints{
		LoadBalancer: base, Network: base + keystone.NetworkPath, KeyManager: base + keystone.KeyManagerPath, Region: cfg.Region,
	}
	switch cfg.Auth {
	case AuthKeystone:
		e.Identity = base + keystone.IdentityPath + "/v3"
	case AuthExternal:
		e.Identity = cfg.Keystone.URL
	}
	return e
}

// rootURL is the root of what listens at an address. Who listens at all addresses of a
// host is found by its name.
func rootURL(listen string, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	at, err := netip.ParseAddrPort(listen)
	if err != nil || !at.Addr().IsUnspecified() {
		return scheme + listen
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return scheme + name
	}
	return scheme + net.JoinHostPort(name, port)
}
