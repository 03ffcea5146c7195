package proxy

import (
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/flowlog"
)

// serveTCP connects the client to a member and passes bytes both ways until both
// have ended.
func serveTCP(x *session, snap *snapshot) {
	var c candidates
	defer c.reset()
	began := now()
	member, id, err := x.connect(&c, snap)
	if err != nil {
		snap.counters.errors.Add(1)
		x.recordTCP(snap, began, "", flowlog.EndNoMember)
		return
	}
	defer member.close()
	defer member.releaseBuffer()
	t := newTunnel(x, member, snap)
	if snap.protocol == lb.ProtocolHTTPS {
		t.look = x.lookForName()
	}
	if !t.run() {
		snap.counters.errors.Add(1)
	}
	x.recordTCP(snap, began, id, t.end)
}

// connect opens a connection to a member for this session.
func (x *session) connect(c *candidates, snap *snapshot) (*sock, lb.MemberID, error) {
	for {
		m, err := c.next(x.engine, snap.pool, x.from.Addr(), nil)
		if err != nil {
			return nil, "", err
		}
		if s, err := x.open(m, x.route(snap.pool), snap.memberConnect); err == nil {
			return s, m.id, nil
		}
	}
}

// use makes s the member connection of the session. If everything has to go, s
// goes as well.
func (x *session) use(s *sock) {
	x.member.Store(s)
	if x.engine.ctx.Err() != nil || x.gone.Load() {
		s.abort()
	}
}
