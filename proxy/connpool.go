package proxy

import "sync"

// idlePool keeps the idle connections to one member. Last in, first out: the
// connection used most recently is the least likely to have been closed by the
// member, and those that are not needed grow old and go.
type idlePool struct {
	mu     sync.Mutex
	conns  []idleConn // guarded by mu; oldest first
	closed bool       // guarded by mu
	max    int
}

type idleConn struct {
	sock  *sock
	since instant
}

// maxSearch is how many connections get looks at. Only members that are reached over TLS
// under many names have any that do not fit.
const maxSearch = 64

// get takes the newest connection of route r that has been idle since notBefore at the
// earliest. nil: there is none. If the newest of all is older, all are closed.
func (p *idlePool) get(notBefore instant, r route) *sock {
	p.mu.Lock()
	n := len(p.conns)
	if n > 0 && p.conns[n-1].since < notBefore {
		stale := p.conns
		p.conns = nil
		p.mu.Unlock()
		for _, c := range stale {
			c.sock.close()
		}
		return nil
	}
	defer p.mu.Unlock()
	for i := n - 1; i >= max(0, n-maxSearch) && p.conns[i].since >= notBefore; i-- {
		if found := p.conns[i].sock; found.route == r {
			copy(p.conns[i:], p.conns[i+1:])
			p.conns[n-1] = idleConn{}
			p.conns = p.conns[:n-1]
			return found
		}
	}
	return nil
}

// put keeps c for the next request, or closes it.
func (p *idlePool) put(c *sock, at instant) {
	p.mu.Lock()
	ok := !p.closed && len(p.conns) < p.max
	if ok {
		p.conns = append(p.conns, idleConn{c, at})
	}
	p.mu.Unlock()
	if !ok {
		c.close()
	}
}

// expire closes the connections that have been idle since before notBefore.
func (p *idlePool) expire(notBefore instant) {
	p.mu.Lock()
	n := 0
	for n < len(p.conns) && p.conns[n].since < notBefore {
		n++
	}
	stale := append([]idleConn(nil), p.conns[:n]...)
	rest := copy(p.conns, p.conns[n:])
	clear(p.conns[rest:])
	p.conns = p.conns[:rest]
	p.mu.Unlock()
	for _, c := range stale {
		c.sock.close()
	}
}

// close closes what is idle, and what is put back later.
func (p *idlePool) close() {
	p.mu.Lock()
	conns := p.conns
	p.conns, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range conns {
		c.sock.close()
	}
}
