package proxy

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/balance"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// snapshot is everything that serving a connection or a request of one listener
// needs to know. It is immutable; connections read the current one through the
// binding, once per connection (TCP) or request (HTTP).
type snapshot struct {
	listener lb.ListenerID
	lb       lb.LoadBalancerID
	project  string
	addr     netip.AddrPort // where it listens
	protocol lb.Protocol
	limit    int64
	allowed  []netip.Prefix // empty: everyone
	pool     *pool          // the default one; nil: there is none that may be used
	policies policies       // L7, before the default pool
	insert   lb.InsertHeaders
	port     []byte // of the VIP, for X-Forwarded-Port
	counters *counters

	// Of a listener that terminates TLS:
	tls        *tls.Config
	certFields certFields // request headers about the client's certificate
	hsts       []byte     // response header line, nil: none

	clientData    time.Duration
	memberConnect time.Duration
	memberData    time.Duration
	tcpInspect    time.Duration
}

// noTimeout stands for a timeout of 0. It is longer than any that Octavia allows.
const noTimeout = 365 * 24 * time.Hour

func newSnapshot(l *lb.Listener, addr netip.AddrPort, p *pool, c *counters) *snapshot {
	s := &snapshot{
		listener: l.ID,
		lb:       l.LoadBalancerID,
		addr:     addr,
		protocol: l.Protocol,
		limit:    int64(l.ConnectionLimit),
		allowed:  l.AllowedCIDRs,
		pool:     p,
		insert:   l.InsertHeaders,
		port:     strconv.AppendUint(nil, uint64(l.ProtocolPort), 10),
		counters: c,

		clientData:    orDefault(l.TimeoutClientData, noTimeout),
		memberConnect: orDefault(l.TimeoutMemberConnect, noTimeout),
		memberData:    orDefault(l.TimeoutMemberData, noTimeout),
		tcpInspect:    orDefault(l.TimeoutTCPInspect, noTimeout),
	}
	if s.limit <= 0 {
		s.limit = lb.DefaultConnectionLimit
	}
	return s
}

// admits reports whether a client may connect.
func (s *snapshot) admits(client netip.Addr) bool {
	for _, cidr := range s.allowed {
		if cidr.Contains(client) {
			return true
		}
	}
	return len(s.allowed) == 0
}

// pool is what the engine keeps about one pool. Listeners' snapshots point here,
// so that a member that fails changes one pointer and not every listener.
type pool struct {
	id       lb.PoolID
	protocol lb.Protocol
	tls      *material // nil: members are spoken to in the clear; belongs to control
	usable   atomic.Pointer[usable]

	persistence *persistence // belongs to control
}

// usable is the immutable set of members that a pool may use now. members[i] is
// the balancer's member i.
type usable struct {
	balancer *balance.Balancer
	members  []*member
	tls      *tlsx.Client // nil: in the clear

	persistence *persistence       // nil: clients belong to nobody
	byID        map[string]*member // those that clients may belong to
}

// publish makes the usable ones of members the pool's. Backup members are used
// only when no other is usable, and then all of them ("option allbackups").
func (p *pool) publish(spec *lb.Pool, members map[lb.MemberID]*member, up func(lb.MemberID) bool) {
	var primaries, backups []*lb.Member
	for _, m := range spec.Members {
		switch {
		case !m.AdminStateUp || m.Weight == 0 || !up(m.ID):
		case m.Backup:
			backups = append(backups, m)
		default:
			primaries = append(primaries, m)
		}
	}
	if len(primaries) == 0 {
		primaries = backups
	}
	var secure *tlsx.Client
	if p.tls != nil {
		if secure = p.tls.client; secure == nil {
			primaries = nil // rather nobody than in the clear
		}
	}
	next := &usable{tls: secure, persistence: p.persistence, members: make([]*member, 0, len(primaries))}
	choices := make([]balance.Member, 0, len(primaries))
	for _, m := range primaries {
		rec := members[m.ID]
		next.members = append(next.members, rec)
		choices = append(choices, balance.Member{ID: m.ID, Weight: m.Weight, Load: &rec.load})
	}
	if p.persistence != nil {
		next.byID = make(map[string]*member, len(spec.Members))
		for _, m := range spec.Members {
			if m.AdminStateUp && up(m.ID) && (p.tls == nil || secure != nil) {
				next.byID[string(m.ID)] = members[m.ID]
			}
		}
	}
	cfg := balance.Config{Algorithm: spec.Algorithm, Members: choices}
	if prev := p.usable.Load(); prev != nil {
		cfg.Previous = prev.balancer
	}
	next.balancer = balance.New(cfg)
	p.usable.Store(next)
}
