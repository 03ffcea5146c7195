package lb

import "fmt"

func (o CreatePool) apply(e *edit) (Result, error) {
	return e.createPool(e.newID(string(o.ID)), o.Spec)
}

// createPool makes a pool with its monitor and members.
func (e *edit) createPool(id string, spec PoolSpec) (Result, error) {
	p := &Pool{ID: PoolID(id), Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindPool}
	c.newID(&e.Config, id)
	l := spec.fill(c, &e.Config, p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&p.Meta)
	if err := e.own(KindPool, id, p.LoadBalancerID); err != nil {
		return Result{}, err
	}
	e.setPool(p)
	result := e.wrote(KindPool, id, p.stored())
	if l != nil {
		e.setDefaultPool(l, p.ID)
	}
	if spec.Monitor != nil {
		monitor := *spec.Monitor
		monitor.PoolID = Some(p.ID)
		if _, err := e.createHealthMonitor(e.newID(""), monitor); err != nil {
			return Result{}, err
		}
	}
	return result, e.createMembers(p.ID, spec.Members)
}

func (o UpdatePool) apply(e *edit) (Result, error) {
	old, ok := e.Pool(o.ID)
	if !ok {
		return Result{}, notFound(KindPool, string(o.ID))
	}
	if err := precondition(KindPool, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	p, c := *old, &checker{kind: KindPool, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&p.Meta)
	e.setPool(&p)
	return e.wrote(KindPool, string(p.ID), p.stored()), nil
}

func (o DeletePool) apply(e *edit) (Result, error) {
	p, ok := e.Pool(o.ID)
	if !ok {
		return Result{}, notFound(KindPool, string(o.ID))
	}
	if err := precondition(KindPool, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	t, _ := e.Tree(p.LoadBalancerID)
	for q := range t.l7Policies() {
		if q.RedirectPoolID == p.ID {
			return Result{}, &Error{
				Kind: ErrInUse, Resource: KindPool, ID: string(p.ID),
				Msg: fmt.Sprintf("Pool %s is in use by L7 policy %s", p.ID, q.ID),
			}
		}
	}
	for _, l := range t.Listeners {
		if l.DefaultPoolID == p.ID {
			e.setDefaultPool(l, "")
		}
	}
	t, _ = e.Tree(p.LoadBalancerID)
	e.setTree(t.withoutPool(p))
	return e.deletePool(p), nil
}

// setDefaultPool changes the default pool of a listener on behalf of a command
// about the pool.
func (e *edit) setDefaultPool(l *Listener, id PoolID) {
	next := *l
	next.DefaultPoolID = id
	e.updated(&next.Meta)
	e.setListener(&next)
}

// deletePool records that p and everything below it is gone. Taking it out of
// its tree is left to the caller.
func (e *edit) deletePool(p *Pool) Result {
	for _, m := range p.Members {
		e.forgetMember(m)
	}
	if p.Monitor != nil {
		e.disown(KindHealthMonitor, string(p.Monitor.ID))
		e.deleted(KindHealthMonitor, string(p.Monitor.ID))
	}
	e.disown(KindPool, string(p.ID))
	return e.deleted(KindPool, string(p.ID))
}

// fill returns the listener whose default the new pool becomes, nil for none.
func (spec PoolSpec) fill(c *checker, cfg *Config, p *Pool) *Listener {
	tree, l := spec.fillParent(c, cfg, p)
	spec.fillChild(c, &p.Meta, tree)
	known := requiredFixed(c, "protocol", &p.Protocol, spec.Protocol) && enum(c, "protocol", p.Protocol, poolProtocols...)
	if known && l != nil {
		c.sends("protocol", l.Protocol, p.Protocol)
	}
	if required(c, "lb_algorithm", &p.Algorithm, spec.Algorithm) &&
		enum(c, "lb_algorithm", p.Algorithm, SourceIP, RoundRobin, LeastConnections, SourceIPPort) && p.Algorithm == SourceIPPort {
		c.unsupported(tree, "lb_algorithm", "Amphora provider does not support %s algorithm.", p.Algorithm)
	}
	if known {
		spec.fillPersistence(c, p)
	}
	spec.fillTLS(c, p)
	if !c.creating() && (spec.Members != nil || spec.Monitor != nil) {
		c.invalid("members", "members and monitor can be given at creation only, set them one by one")
	}
	return l
}

func (spec PoolSpec) fillTLS(c *checker, p *Pool) {
	t := &p.TLS
	had := t.CARef != "" && t.CRLRef != ""
	optional(&t.Enabled, spec.TLSEnabled, false)
	c.ref("tls_container_ref", &t.Ref, spec.TLSRef)
	c.ref("ca_tls_container_ref", &t.CARef, spec.CARef)
	c.ref("crl_container_ref", &t.CRLRef, spec.CRLRef)
	switch {
	case t.CRLRef == "" || t.CARef != "":
	case had:
		c.failure("ca_tls_container_ref", "A CA reference cannot be removed when a certificate revocation list is present.")
	default:
		c.failure("crl_container_ref", "A CA reference is required to specify a certificate revocation list.")
	}
	def := TLSParams{}
	if t.Enabled {
		def = defaultTLSParams
	}
	spec.TLSParamsSpec.fill(c, &t.TLSParams, def)
	if !t.Enabled {
		t.TLSParams = TLSParams{}
	}
}

func (spec PoolSpec) fillParent(c *checker, cfg *Config, p *Pool) (*Tree, *Listener) {
	if !c.creating() {
		fixed(c, "loadbalancer_id", &p.LoadBalancerID, spec.LoadBalancerID)
		if given(spec.ListenerID) {
			c.invalid("listener_id", "can be given at creation only, set default_pool_id of the listener")
		}
		t, _ := cfg.Tree(p.LoadBalancerID)
		return t, nil
	}
	if !given(spec.LoadBalancerID) && !given(spec.ListenerID) {
		c.failure("loadbalancer_id", "Must provide at least one of: loadbalancer_id, listener_id")
		return nil, nil
	}
	var listener *Listener
	p.LoadBalancerID, _ = spec.LoadBalancerID.Get()
	if id, ok := spec.ListenerID.Get(); ok {
		l, ok := cfg.Listener(id)
		switch {
		case !ok:
			c.missing("listener_id", KindListener, string(id))
			return nil, nil
		case given(spec.LoadBalancerID) && p.LoadBalancerID != l.LoadBalancerID:
			c.invalid("listener_id", "listener %s belongs to load balancer %s", id, l.LoadBalancerID)
			return nil, nil
		case l.DefaultPoolID != "":
			c.conflict("listener_id", "This listener already has a default pool")
		}
		listener, p.LoadBalancerID = l, l.LoadBalancerID
	}
	t, ok := cfg.Tree(p.LoadBalancerID)
	if !ok {
		c.missing("loadbalancer_id", KindLoadBalancer, string(p.LoadBalancerID))
	}
	return t, listener
}
