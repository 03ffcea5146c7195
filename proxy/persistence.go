package proxy

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/sticky"
)

// serverCookie is the cookie by which HTTP_COOKIE recognises clients. Its name and its value, the member's id, are Octavia's: both nodes
// know them, so it survives a failover, and it tells nothing of the member but which one of several it is.
const serverCookie = "SRV"

// persistence is how a pool keeps clients with their members. It is immutable but for what the table remembers.
type persistence struct {
	kind   lb.PersistenceType
	cookie string        // of APP_COOKIE
	mask   netip.Addr    // of SOURCE_IP
	table  *sticky.Table // nil for HTTP_COOKIE
	spec   lb.Persistence
}

// newPersistence returns that of a pool, nil if it has none. What clients belong to is remembered for as long as it means the same.
func newPersistence(p *lb.Pool, old *persistence, size int) *persistence {
	switch {
	case p.Persistence == nil || persistenceGap(p) != "":
		return nil
	case old != nil && old.spec == *p.Persistence:
		return old
	}
	s := *p.Persistence
	next := &persistence{kind: s.Type, cookie: s.CookieName, mask: s.Granularity, spec: s}
	if s.Type != lb.PersistHTTPCookie {
		next.table = sticky.New(sticky.Config{Size: size, Timeout: s.Timeout})
	}
	return next
}

// persistenceGap says why clients of a pool are not kept with their members though they should be, "" if they are or should not be.
func persistenceGap(p *lb.Pool) string {
	if s := p.Persistence; s != nil && s.Type != lb.PersistSourceIP && (p.Protocol == lb.ProtocolTCP || p.Protocol == lb.ProtocolHTTPS) {
		return fmt.Sprintf("session persistence %s needs a pool of protocol HTTP, PROXY or PROXYV2: clients are not kept with a member", s.Type)
	}
	return ""
}

// belongs returns the member that the client of a request belongs to, nil if there is none or it cannot be used; r is nil for a byte stream.
// known is set if the pool's table has the client, whatever became of its member. Members of weight 0 and backups keep their clients.
func (u *usable) belongs(client netip.Addr, r *http1.Request) (m *member, known bool) {
	p := u.persistence
	if p == nil || r == nil && p.kind != lb.PersistSourceIP {
		return nil, false
	}
	if p.kind == lb.PersistHTTPCookie {
		id, _ := r.Fields.Cookie(serverCookie)
		return u.byID[string(id)], false
	}
	key, ok := p.key(client, r)
	if !ok {
		return nil, false
	}
	id, known := p.table.Lookup(key, time.Now().UnixMilli())
	if !known {
		return nil, false
	}
	return u.byID[string(id)], true
}

// key is what the table knows a client by, if it can tell.
func (p *persistence) key(client netip.Addr, r *http1.Request) (sticky.Key, bool) {
	if p.kind == lb.PersistSourceIP {
		return sticky.SourceKey(client, p.mask), true
	}
	value, _ := r.Fields.Cookie(p.cookie)
	return sticky.CookieKey(value), len(value) > 0
}

// picked remembers a client by its address as soon as a member is chosen: those that open several connections at once stay together.
func (u *usable) picked(client netip.Addr, m *member) {
	if p := u.persistence; p != nil && p.kind == lb.PersistSourceIP {
		p.table.Assign(sticky.SourceKey(client, p.mask), m.id, time.Now().UnixMilli())
	}
}

// settle makes the client belong to the member that has answered, before the response is written: by a cookie of our own that it does not
// show yet, or by the cookie that the application sets.
func (e *exchange) settle() {
	p := e.pool.usable.Load().persistence
	if p == nil {
		return
	}
	switch p.kind {
	case lb.PersistHTTPCookie:
		e.resp.WithoutCookie = serverCookie
		if e.candidates.kept != e.member {
			e.resp.Insert = e.member.cookie
		}
	case lb.PersistAppCookie:
		p.learn(&e.resp.Fields, e.member.id)
		if e.candidates.known && e.candidates.kept != e.member { // its member is gone
			if key, ok := p.key(netip.Addr{}, &e.req); ok {
				p.table.Assign(key, e.member.id, time.Now().UnixMilli())
			}
		}
	}
}

// learn remembers the sessions that a response begins. Requests alone teach nothing: anybody can make up cookies.
func (p *persistence) learn(f *http1.Fields, id lb.MemberID) {
	for i := range f.Len() {
		if name, value, ok := f.SetCookie(i); ok && string(name) == p.cookie && len(value) > 0 {
			p.table.Assign(sticky.CookieKey(value), id, time.Now().UnixMilli())
		}
	}
}
