package node

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// profiles are the sets of timers; the words are those of package cluster.
var profiles = []string{"lan-fast", "default", "wan"}

// maxSocketPath is what fits into sockaddr_un with its final NUL (unix(7)).
const maxSocketPath = 107

// problems collects what is wrong with a configuration.
type problems []error

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

// Validate reports everything that is wrong, each with its key.
func (c Config) Validate() error {
	var p problems
	c.validateNode(&p)
	c.validateCluster(&p)
	c.validateVIP(&p)
	c.validateAPI(&p)
	c.validateEngine(&p)
	c.Barbican.validate(&p)
	return errors.Join(p...)
}

func (c Config) validateVIP(p *problems) {
	if c.Role == RoleAmphora && c.VIP.Interface == "" && !c.Bind.IsValid() {
		p.add("vip.interface", "required for an amphora: the interface that the VIPs go to, such as \"eth0\"")
	}
	nodes := c.nodeAddrs()
	for key, addrs := range map[string][]netip.Addr{"vip.gateways": c.VIP.Gateways, "vip.tie_breakers": c.VIP.TieBreakers} {
		for i, addr := range addrs {
			key := fmt.Sprintf("%s[%d]", key, i)
			switch {
			case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback():
				p.add(key, "%q must be the address of another host", addr)
			case nodes[addr.Unmap()]:
				p.add(key, "%s is a node of this cluster: it says nothing about the network, name the gateway or another host", addr)
			}
		}
	}
}

// nodeAddrs are the addresses of this node and its peers, as far as they are written
// down.
func (c Config) nodeAddrs() map[netip.Addr]bool {
	known := map[netip.Addr]bool{}
	for _, text := range append([]string{c.Cluster.Listen, c.Cluster.Gossip}, c.Cluster.Peers...) {
		if at, err := netip.ParseAddrPort(text); err == nil {
			known[at.Addr().Unmap()] = true
		}
	}
	return known
}

func (c Config) validateNode(p *problems) {
	if c.Name == "" {
		p.add("name", "required: the host has no name to take instead")
	}
	if c.Role != RoleAmphora && c.Role != RoleWitness {
		p.add("role", "%q is unknown, use %q or %q", c.Role, RoleAmphora, RoleWitness)
	}
	if !filepath.IsAbs(c.DataDir) {
		p.add("data_dir", "%q must be an absolute path", c.DataDir)
	}
	switch socket := c.Admin.Socket; {
	case !filepath.IsAbs(socket):
		p.add("admin.socket", "%q must be an absolute path", socket)
	case len(socket) > maxSocketPath:
		p.add("admin.socket", "%q has %d bytes, a socket's path may have %d", socket, len(socket), maxSocketPath)
	}
	if _, err := c.Level(); err != nil {
		p.add("log_level", "%q is unknown, use debug, info, warn or error", c.LogLevel)
	}
}

func (c Config) validateCluster(p *problems) {
	exposed := c.validateAddr(p, "cluster.listen", c.Cluster.Listen)
	exposed = c.validateAddr(p, "cluster.gossip", c.Cluster.Gossip) || exposed
	if exposed && c.Cluster.KeyFile == "" {
		p.add("cluster.key_file", "required beyond loopback: without it whoever reaches cluster.listen or cluster.gossip could change everything")
	}
	for i, peer := range c.Cluster.Peers {
		if ap, err := netip.ParseAddrPort(peer); err != nil || ap.Port() == 0 {
			p.add(fmt.Sprintf("cluster.peers[%d]", i), "%q must be address:port", peer)
		}
	}
	if !slices.Contains(profiles, c.Cluster.Profile) {
		p.add("cluster.profile", "%q is unknown, use %s", c.Cluster.Profile, strings.Join(profiles, ", "))
	}
	seen := map[string]bool{}
	for i, voter := range c.Cluster.Voters {
		if voter == "" || seen[voter] {
			p.add(fmt.Sprintf("cluster.voters[%d]", i), "%q is empty or named twice", voter)
		}
		seen[voter] = true
	}
	if len(c.Cluster.Voters) > 0 && !seen[c.Name] {
		p.add("cluster.voters", "does not name this node, %q", c.Name)
	}
}

// validateAddr checks an address that the other nodes dial, and tells whether
// others than this host can reach it. Development mode alone may leave the port
// to the kernel: nobody dials it.
func (c Config) validateAddr(p *problems, key, addr string) (exposed bool) {
	ap, err := netip.ParseAddrPort(addr)
	switch {
	case err != nil, ap.Port() == 0 && !c.Bind.IsValid():
		p.add(key, "%q must be address:port, such as 192.0.2.11:7480", addr)
	case ap.Addr().IsUnspecified():
		p.add(key, "%q: the other nodes must be able to reach it, give the address of one interface", addr)
	}
	return err == nil && !ap.Addr().IsLoopback()
}
