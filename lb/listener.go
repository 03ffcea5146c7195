package lb

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
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
	id := e.newID(string(o.ID))
	l := &Listener{
		ID:                   ListenerID(id),
		Meta:                 Meta{AdminStateUp: true},
		ConnectionLimit:      -1,
		TimeoutClientData:    defaultTimeoutData,
		TimeoutMemberConnect: defaultTimeoutConnect,
		TimeoutMemberData:    defaultTimeoutData,
	}
	c := &checker{kind: KindListener}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, l)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&l.Meta)
	if err := e.own(KindListener, id, l.LoadBalancerID); err != nil {
		return Result{}, err
	}
	return e.setListener(l), nil
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
	e.disown(KindListener, string(l.ID))
	return e.deleted(KindListener, string(l.ID)), nil
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
	served := requiredFixed(c, "protocol", &l.Protocol, spec.Protocol) &&
		oneOf(c, "protocol", l.Protocol, ProtocolHTTP, ProtocolTCP)
	if c.port("protocol_port", &l.ProtocolPort, spec.ProtocolPort) && tree != nil {
		c.freePort(tree, l)
	}
	optional(&l.ConnectionLimit, spec.ConnectionLimit, -1)
	between(c, "connection_limit", l.ConnectionLimit, -1, math.MaxInt32)
	spec.fillInsertHeaders(c, l)
	spec.fillTimeouts(c, l)
	if tree != nil {
		spec.fillAllowedCIDRs(c, l, tree.LoadBalancer.VIPAddress)
		optional(&l.DefaultPoolID, spec.DefaultPoolID, "")
		if p, ok := tree.pool(l.DefaultPoolID); ok && served {
			c.protocols("default_pool_id", l, p)
		} else if !ok && (l.DefaultPoolID != "" || given(spec.DefaultPoolID)) {
			c.missing("default_pool_id", KindPool, string(l.DefaultPoolID))
		}
	}
}

// freePort refuses a port that another listener of the load balancer has. HTTP
// and TCP listeners share the ports of one transport protocol.
func (c *checker) freePort(t *Tree, l *Listener) {
	for _, other := range t.Listeners {
		if other.ID != l.ID && other.ProtocolPort == l.ProtocolPort {
			c.conflict("protocol_port", "%d is taken by %s listener %s of the same load balancer",
				l.ProtocolPort, other.Protocol, other.ID)
		}
	}
}

// protocols checks that l may send to p.
func (c *checker) protocols(field string, l *Listener, p *Pool) {
	if l.Protocol == ProtocolHTTP && p.Protocol != ProtocolHTTP {
		c.invalid(field, "an HTTP listener cannot send to a %s pool, use an HTTP pool", p.Protocol)
	}
}

func (spec ListenerSpec) fillInsertHeaders(c *checker, l *Listener) {
	const field = "insert_headers"
	if spec.InsertHeaders.IsNull() {
		l.InsertHeaders = InsertHeaders{}
	}
	headers, ok := spec.InsertHeaders.Get()
	if !ok {
		return
	}
	if len(headers) > 0 && l.Protocol == ProtocolTCP {
		c.invalid(field, "is for HTTP listeners only")
		return
	}
	l.InsertHeaders = InsertHeaders{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		on := strings.EqualFold(headers[name], "true")
		if !on && !strings.EqualFold(headers[name], "false") {
			c.invalid(field, "%s: %q is not a value, use true or false", name, headers[name])
		}
		switch name {
		case "X-Forwarded-For":
			l.InsertHeaders.XForwardedFor = on
		case "X-Forwarded-Port":
			l.InsertHeaders.XForwardedPort = on
		case "X-Forwarded-Proto":
			l.InsertHeaders.XForwardedProto = on
		default:
			c.invalid(field, "%q is not served by this version, use X-Forwarded-For, X-Forwarded-Port or X-Forwarded-Proto", name)
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

func (spec ListenerSpec) fillAllowedCIDRs(c *checker, l *Listener, vip netip.Addr) {
	const field = "allowed_cidrs"
	cidrs, ok := spec.AllowedCIDRs.Get()
	if !ok {
		optional(&l.AllowedCIDRs, spec.AllowedCIDRs, nil)
		return
	}
	l.AllowedCIDRs = nil
	for _, p := range cidrs {
		switch {
		case !p.IsValid():
			c.invalid(field, "has an entry that is not an address prefix")
		case p.Addr().BitLen() != vip.BitLen():
			c.invalid(field, "%s is not of the IP version of the VIP %s", p, vip)
		default:
			l.AllowedCIDRs = append(l.AllowedCIDRs, p.Masked())
		}
	}
}
