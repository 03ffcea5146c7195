package lb

import (
	"math"
	"net/netip"
	"time"
)

// DefaultConnectionLimit is how many client connections a listener serves at
// once when it has no limit of its own.
const DefaultConnectionLimit = 50000

// The timeouts of a listener that names none.
const (
	defaultTimeoutData    = 50 * time.Second
	defaultTimeoutConnect = 5 * time.Second
)

func (o CreateListener) apply(e *edit) (Result, error) {
	return e.createListener(e.newID(string(o.ID)), o.Spec)
}

// createListener makes a listener with its L7 policies.
func (e *edit) createListener(id string, spec ListenerSpec) (Result, error) {
	l := &Listener{
		ID:                   ListenerID(id),
		Meta:                 Meta{AdminStateUp: true},
		ConnectionLimit:      -1,
		TLS:                  ListenerTLS{ClientAuth: ClientAuthNone},
		TimeoutClientData:    defaultTimeoutData,
		TimeoutMemberConnect: defaultTimeoutConnect,
		TimeoutMemberData:    defaultTimeoutData,
	}
	c := &checker{kind: KindListener}
	c.newID(&e.Config, id)
	spec.fill(c, &e.Config, l)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&l.Meta)
	if err := e.own(KindListener, id, l.LoadBalancerID); err != nil {
		return Result{}, err
	}
	if err := e.newL7Policies(l, spec.L7Policies); err != nil {
		return Result{}, err
	}
	result := e.setListener(l)
	for _, q := range l.L7Policies {
		e.wroteL7Policy(q)
	}
	return result, nil
}

func (o UpdateListener) apply(e *edit) (Result, error) {
	old, ok := e.Listener(o.ID)
	if !ok {
		return Result{}, notFound(KindListener, string(o.ID))
	}
	if err := precondition(KindListener, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	l, c := *old, &checker{kind: KindListener, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &l)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&l.Meta)
	return e.setListener(&l), nil
}

func (o DeleteListener) apply(e *edit) (Result, error) {
	l, ok := e.Listener(o.ID)
	if !ok {
		return Result{}, notFound(KindListener, string(o.ID))
	}
	if err := precondition(KindListener, string(o.ID), o.If, l.Revision); err != nil {
		return Result{}, err
	}
	t, _ := e.Tree(l.LoadBalancerID)
	e.setTree(t.withoutListener(l))
	return e.deleteListener(l), nil
}

// deleteListener records that l and everything below it is gone. Taking it out of its
// tree is left to the caller.
func (e *edit) deleteListener(l *Listener) Result {
	for _, q := range l.L7Policies {
		e.deleteL7Policy(q)
	}
	e.disown(KindListener, string(l.ID))
	return e.deleted(KindListener, string(l.ID))
}

func (spec ListenerSpec) fill(c *checker, cfg *Config, l *Listener) {
	var tree *Tree
	if requiredFixed(c, "loadbalancer_id", &l.LoadBalancerID, spec.LoadBalancerID) {
		if t, ok := cfg.Tree(l.LoadBalancerID); ok {
			tree = t
		} else {
			c.missing("loadbalancer_id", KindLoadBalancer, string(l.LoadBalancerID))
		}
	}
	spec.fillChild(c, &l.Meta, tree)
	known := requiredFixed(c, "protocol", &l.Protocol, spec.Protocol) && enum(c, "protocol", l.Protocol, listenerProtocols...)
	if c.port("protocol_port", &l.ProtocolPort, spec.ProtocolPort) && tree != nil && known && c.creating() {
		c.freePort(tree, l)
	}
	optional(&l.ConnectionLimit, spec.ConnectionLimit, -1)
	between(c, "connection_limit", l.ConnectionLimit, -1, math.MaxInt32)
	spec.fillTimeouts(c, l)
	if known {
		spec.fillInsertHeaders(c, l)
		spec.fillTLS(c, l)
	}
	if !c.creating() && spec.L7Policies != nil {
		c.invalid("l7policies", "can be given at creation only, create and delete L7 policies one by one")
	}
	if known && l.Protocol == ProtocolPrometheus && len(spec.L7Policies) > 0 {
		c.childless("l7policies")
	}
	if tree != nil {
		spec.fillAllowedCIDRs(c, l, tree.LoadBalancer)
		optional(&l.DefaultPoolID, spec.DefaultPoolID, "")
		if p, ok := tree.pool(l.DefaultPoolID); ok && known {
			c.sends("default_pool_id", l.Protocol, p.Protocol)
		} else if !ok && (l.DefaultPoolID != "" || given(spec.DefaultPoolID)) {
			c.missing("default_pool_id", KindPool, string(l.DefaultPoolID))
		}
	}
}

// freePort refuses a port that another listener of the load balancer has in the same
// transport protocol.
func (c *checker) freePort(t *Tree, l *Listener) {
	for _, other := range t.Listeners {
		if other.ProtocolPort == l.ProtocolPort && other.Protocol.transport() == l.Protocol.transport() {
			c.conflict("protocol_port", "Another Listener on this Load Balancer is already using protocol %s and protocol_port %d",
				other.Protocol, l.ProtocolPort)
			return
		}
	}
}

func (spec ListenerSpec) fillTimeouts(c *checker, l *Listener) {
	for _, t := range []struct {
		field string
		dst   *time.Duration
		o     Opt[time.Duration]
		def   time.Duration
	}{
		{"timeout_client_data", &l.TimeoutClientData, spec.TimeoutClientData, defaultTimeoutData},
		{"timeout_member_connect", &l.TimeoutMemberConnect, spec.TimeoutMemberConnect, defaultTimeoutConnect},
		{"timeout_member_data", &l.TimeoutMemberData, spec.TimeoutMemberData, defaultTimeoutData},
		{"timeout_tcp_inspect", &l.TimeoutTCPInspect, spec.TimeoutTCPInspect, 0},
	} {
		optional(t.dst, t.o, t.def)
		c.duration(t.field, *t.dst, 0, maxTimeout, time.Millisecond, "milliseconds")
	}
}

func (spec ListenerSpec) fillAllowedCIDRs(c *checker, l *Listener, b *LoadBalancer) {
	const field = "allowed_cidrs"
	cidrs, ok := spec.AllowedCIDRs.Get()
	if !ok {
		optional(&l.AllowedCIDRs, spec.AllowedCIDRs, nil)
		return
	}
	l.AllowedCIDRs = nil
	if len(cidrs) > 0 && len(b.VIPSecurityGroupIDs) > 0 {
		c.failure(field, "Allowed CIDRs are not allowed when using custom VIP Security Groups.")
		return
	}
	for _, p := range cidrs {
		switch {
		case !p.IsValid():
			c.invalid(field, "has an entry that is not an address prefix")
		case !b.hasFamily(p.Addr()):
			c.failure(field, "CIDR %s IP version incompatible with all VIPs %s IP version.", p, b.vipList())
		default:
			l.AllowedCIDRs = append(l.AllowedCIDRs, p.Masked())
		}
	}
}

// hasFamily reports whether one of the VIPs has the IP version of a.
func (b *LoadBalancer) hasFamily(a netip.Addr) bool {
	for _, vip := range b.VIPs() {
		if vip.BitLen() == a.BitLen() {
			return true
		}
	}
	return false
}

// VIPs returns every VIP of b, the first one first. It may be called from any number of
// goroutines.
func (b *LoadBalancer) VIPs() []netip.Addr {
	all := []netip.Addr{b.VIPAddress}
	for _, v := range b.AdditionalVIPs {
		all = append(all, v.Address)
	}
	return all
}

// vipList writes the VIPs as Octavia's messages do.
func (b *LoadBalancer) vipList() string {
	var all []string
	for _, vip := range b.VIPs() {
		all = append(all, vip.String())
	}
	return quotedList(all)
}
