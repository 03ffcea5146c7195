package proxy

import (
	"net/netip"
	"sync/atomic"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/balance"
)

// member is what the engine keeps about one member for as long as it is
// configured: snapshots come and go and point here. Its address never changes,
// lb does not allow that.
type member struct {
	id   lb.MemberID
	addr netip.AddrPort
	host []byte // addr as an authority, for a client that named no host
	// cookie is the response header lines that keep a client with the member ("insert nocache"): a response with a cookie must not be given
	// to others.
	cookie []byte
	load   balance.Load
	idle   idlePool

	shared sharedPool // connections that carry several requests

	// removed is set once no snapshot will name the member again.
	removed atomic.Bool
}

func newMember(m *lb.Member, maxIdle int) *member {
	addr := netip.AddrPortFrom(m.Address, m.ProtocolPort)
	cookie := "Set-Cookie: " + serverCookie + "=" + string(m.ID) + "; path=/\r\nCache-Control: private\r\n"
	return &member{id: m.ID, addr: addr, host: []byte(addr.String()), cookie: []byte(cookie), idle: idlePool{max: maxIdle}}
}

// remove lets nothing be kept for the member any more. What runs on it ends by
// itself.
func (m *member) remove() {
	m.removed.Store(true)
	m.idle.close()
	m.shared.close()
}
