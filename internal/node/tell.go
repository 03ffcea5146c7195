package node

import (
	"net"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// tellVIPs tells the holder of the VIPs which ones there are: on every amphora, so
// that the standby guards them too and is ready to claim.
func (n *Node) tellVIPs(cfg *lb.Config) {
	if n.vips == nil {
		return
	}
	addrs := vips(cfg)
	if err := n.vips.Update(addrs); err != nil {
		n.cfg.Logger.Error("VIPs stay as they were", logkey.Err, err)
	}
	n.prober.Watch(addrs, n.peersOf(n.cluster.Nodes()))
}

// tellPeers tells the gate by which hardware addresses it knows the other amphorae,
// and the prober where they are.
func (n *Node) tellPeers(nodes []cluster.Info) {
	if n.vips == nil {
		return
	}
	n.prober.Watch(vips(n.state.Config()), n.peersOf(nodes))
	if n.gate == nil {
		return
	}
	var macs []net.HardwareAddr
	known := map[string]net.HardwareAddr{}
	for _, info := range nodes {
		if mac, err := net.ParseMAC(info.VIPLink); err == nil && !info.Self {
			macs = append(macs, mac)
			known[info.ID] = mac
		}
	}
	n.partners.Store(&known)
	slices.SortFunc(macs, func(a, b net.HardwareAddr) int { return slices.Compare(a, b) })
	if err := n.gate.Peers(macs); err != nil {
		n.cfg.Logger.Warn("the gate does not know its peers; their claims do not shut it", logkey.Err, err)
	}
}

// peersOf lists where the other amphorae are.
func (n *Node) peersOf(nodes []cluster.Info) []netip.Addr {
	var peers []netip.Addr
	for _, info := range nodes {
		at, err := netip.ParseAddrPort(info.Addr)
		if err == nil && !info.Self && info.Role == cluster.Amphora {
			peers = append(peers, at.Addr())
		}
	}
	return peers
}
