package proxy

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/proxy/balance"
)

// errNoMember means that the pool has no member that can be used.
var errNoMember = errors.New("no usable member")

// candidates walks through the members that one request, or one TCP client, may
// be sent to: three retries, each on a member not tried yet while there is one
// ("retries 3" and "option redispatch"). It belongs to one goroutine.
type candidates struct {
	choice   balance.Choice
	attempts int
}

// reset ends the count on the member in use and forgets what was tried.
func (c *candidates) reset() {
	c.choice.Reset()
	c.attempts = 0
}

// next picks a member. Members that became usable or unusable since the last
// attempt count as they are now. When every one has been tried it waits for the
// retry pause and begins again.
func (c *candidates) next(e *Engine, p *pool, client netip.Addr) (*member, error) {
	if p == nil || c.attempts >= attempts {
		return nil, errNoMember
	}
	c.attempts++
	u := p.usable.Load()
	i, ok := u.balancer.Pick(&c.choice, client)
	if !ok {
		if c.attempts == 1 || !e.pause(e.cfg.RetryPause) {
			return nil, errNoMember
		}
		c.choice.Forget()
		u = p.usable.Load()
		if i, ok = u.balancer.Pick(&c.choice, client); !ok {
			return nil, errNoMember
		}
	}
	return u.members[i], nil
}

// dial opens a connection to m.
func (e *Engine) dial(m *member, timeout time.Duration) (*sock, error) {
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	network := "tcp4"
	if m.addr.Addr().Is6() {
		network = "tcp6"
	}
	c, err := d.DialTCP(e.ctx, network, netip.AddrPort{}, m.addr)
	if err != nil {
		e.log.Debug("member cannot be connected to", logkey.Member, m.id, logkey.Addr, m.addr, logkey.Err, err)
		return nil, err
	}
	return newSock(c)
}
