package lb

func (o CreatePool) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	p := &Pool{ID: PoolID(id), Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindPool}
	c.newID(&e.Config, id)
	l := o.Spec.fill(c, &e.Config, p)
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
	return result, nil
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
	if requiredFixed(c, "protocol", &p.Protocol, spec.Protocol) &&
		oneOf(c, "protocol", p.Protocol, ProtocolHTTP, ProtocolTCP) && l != nil {
		c.protocols("protocol", l, p)
	}
	if required(c, "lb_algorithm", &p.Algorithm, spec.Algorithm) {
		oneOf(c, "lb_algorithm", p.Algorithm, RoundRobin, LeastConnections, SourceIP)
	}
	return l
}

func (spec PoolSpec) fillParent(c *checker, cfg *Config, p *Pool) (*Tree, *Listener) {
	if !c.creating() {
		fixed(c, "loadbalancer_id", &p.LoadBalancerID, spec.LoadBalancerID)
		if given(spec.ListenerID) {
			c.invalid("listener_id", "can be given at creation only, set default_pool_id of the listener")
		}
		return nil, nil
	}
	if !given(spec.LoadBalancerID) && !given(spec.ListenerID) {
		c.invalid("loadbalancer_id", "is required, or listener_id")
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
			c.conflict("listener_id", "listener %s already has the default pool %s", id, l.DefaultPoolID)
		}
		listener, p.LoadBalancerID = l, l.LoadBalancerID
	}
	t, ok := cfg.Tree(p.LoadBalancerID)
	if !ok {
		c.missing("loadbalancer_id", KindLoadBalancer, string(p.LoadBalancerID))
	}
	return t, listener
}
