package lb

import (
	"cmp"
	"slices"
)

// The methods of View derive statuses. They are pure, and cost at most one walk
// over the tree that they are given, which must be of one Config.

// Subnet derives the status of a subnet. No engine has to do anything for one.
func (v View) Subnet(*Subnet) Status { return Status{Provisioning: Active, Operating: Online} }

const reasonFull = "it has as many connections as its connection_limit allows"

// LoadBalancer derives the status of t's load balancer: PENDING_UPDATE while
// anything below it is pending, and as well as the worst pool that serves.
func (v View) LoadBalancer(t *Tree) Status {
	s := v.of(&t.LoadBalancer.Meta, string(t.LoadBalancer.ID))
	if s.Provisioning != PendingCreate && t.revision() > v.Revision {
		s.Provisioning, s.Reason = PendingUpdate, ""
	}
	if s.Operating != Online {
		return s
	}
	for _, l := range t.Listeners {
		if v.Full[l.ID] && v.Listener(t, l).Operating == Degraded {
			s.Operating, s.Reason = Degraded, "listener "+string(l.ID)+": "+reasonFull
		}
	}
	for _, p := range t.Pools {
		switch pool := v.Pool(t, p); pool.Operating {
		case Failed:
			s.Operating, s.Reason = Failed, "pool "+string(p.ID)+": "+pool.Reason
			return s
		case Degraded:
			s.Operating, s.Reason = Degraded, "pool "+string(p.ID)+": "+pool.Reason
		}
	}
	return s
}

// Listener derives the status of l, a listener of t. It is DEGRADED while it has as many
// connections as it may have.
func (v View) Listener(t *Tree, l *Listener) Status {
	s := v.of(&l.Meta, string(l.ID))
	switch {
	case !t.LoadBalancer.AdminStateUp:
		s.Operating = Offline
	case s.Operating == Online && v.Full[l.ID]:
		s.Operating, s.Reason = Degraded, reasonFull
	}
	return s
}

// L7Policy derives the status of q.
func (v View) L7Policy(q *L7Policy) Status { return v.of(&q.Meta, string(q.ID)) }

// L7Rule derives the status of r.
func (v View) L7Rule(r *L7Rule) Status { return v.of(&r.Meta, string(r.ID)) }

// Pool derives the status of p, a pool of t. A pool that no working listener
// uses is OFFLINE. It is in ERROR when every member that could serve has
// failed, and DEGRADED when some member has; a drained or disabled member could
// not serve anyway.
func (v View) Pool(t *Tree, p *Pool) Status {
	s := v.of(&p.Meta, string(p.ID))
	if !t.serves(p) {
		s.Operating = Offline
	}
	if s.Operating != Online {
		return s
	}
	usable, failed := 0, 0
	for _, m := range p.Members {
		if !m.AdminStateUp || m.Weight == 0 {
			continue
		}
		usable++
		if v.Member(p, m).Operating == Failed {
			failed++
		}
	}
	switch failed {
	case 0:
	case usable:
		s.Operating, s.Reason = Failed, "no member passes its health checks"
	default:
		s.Operating, s.Reason = Degraded, "some members fail their health checks"
	}
	return s
}

// Member derives the status of m, a member of p. With a monitor it is OFFLINE
// until it has been checked; a monitor that is disabled, or in error, does not count.
func (v View) Member(p *Pool, m *Member) Status {
	s := v.of(&m.Meta, string(m.ID))
	checked, ok := v.Members[m.ID]
	monitored := p.Monitor != nil && p.Monitor.AdminStateUp
	if monitored {
		_, broken := v.Errors[string(p.Monitor.ID)]
		monitored = !broken
	}
	switch {
	case !m.AdminStateUp:
		s.Operating = Offline
	case m.Weight == 0 && s.Provisioning != PendingCreate:
		s.Operating = Draining
	case !monitored:
		s.Operating = NoMonitor
	case !ok:
		s.Operating = Offline
	default:
		s.Operating = checked
		if checked == Failed && s.Reason == "" {
			s.Reason = cmp.Or(v.Reasons[m.ID], "it fails its health checks")
		}
	}
	return s
}

// HealthMonitor derives the status of h.
func (v View) HealthMonitor(h *HealthMonitor) Status { return v.of(&h.Meta, string(h.ID)) }

// Tree derives the status of everything in t, by resource id. It costs far
// less than asking for each resource by id.
func (v View) Tree(t *Tree) map[string]Status {
	all := map[string]Status{string(t.LoadBalancer.ID): v.LoadBalancer(t)}
	for _, l := range t.Listeners {
		all[string(l.ID)] = v.Listener(t, l)
		for _, q := range l.L7Policies {
			all[string(q.ID)] = v.L7Policy(q)
			for _, r := range q.Rules {
				all[string(r.ID)] = v.L7Rule(r)
			}
		}
	}
	for _, p := range t.Pools {
		all[string(p.ID)] = v.Pool(t, p)
		if p.Monitor != nil {
			all[string(p.Monitor.ID)] = v.HealthMonitor(p.Monitor)
		}
		for _, m := range p.Members {
			all[string(m.ID)] = v.Member(p, m)
		}
	}
	return all
}

// Status derives the status of one resource under view; false if there is no
// such resource.
func (c *Config) Status(kind Kind, id string, view View) (Status, bool) {
	t, below := c.TreeOf(id)
	switch {
	case kind == KindSubnet:
		s, ok := c.Subnet(SubnetID(id))
		if ok {
			return view.Subnet(s), true
		}
	case kind == KindNetwork:
		return settled(c.networks.Has(NetworkID(id)))
	case kind == KindPort:
		return settled(c.ports.Has(PortID(id)))
	case kind == KindSecurityGroup:
		return settled(c.groups.Has(SecurityGroupID(id)))
	case kind == KindQoSPolicy:
		return settled(c.qos.Has(QoSPolicyID(id)))
	case kind == KindLoadBalancer:
		if t, ok := c.Tree(LoadBalancerID(id)); ok {
			return view.LoadBalancer(t), true
		}
	case !below:
	case kind == KindListener:
		if l, ok := c.Listener(ListenerID(id)); ok {
			return view.Listener(t, l), true
		}
	case kind == KindPool:
		if p, ok := t.pool(PoolID(id)); ok {
			return view.Pool(t, p), true
		}
	case kind == KindMember:
		if m, ok := c.Member(MemberID(id)); ok {
			p, _ := t.pool(m.PoolID)
			return view.Member(p, m), true
		}
	case kind == KindHealthMonitor:
		if h, ok := c.HealthMonitor(HealthMonitorID(id)); ok {
			return view.HealthMonitor(h), true
		}
	case kind == KindL7Policy:
		if q, ok := c.L7Policy(L7PolicyID(id)); ok {
			return view.L7Policy(q), true
		}
	case kind == KindL7Rule:
		if r, ok := c.L7Rule(L7RuleID(id)); ok {
			return view.L7Rule(r), true
		}
	}
	return Status{}, false
}

// settled is the status of what no engine has to do anything for, if it is there.
func settled(there bool) (Status, bool) {
	if !there {
		return Status{}, false
	}
	return Status{Provisioning: Active, Operating: Online}, true
}

// of derives what depends on the resource alone: the provisioning status, and
// an operating status of ONLINE unless it is disabled, not applied yet or in
// error.
func (v View) of(m *Meta, id string) Status {
	reason, bad := v.Errors[id]
	s := Status{Provisioning: Active, Operating: Online}
	switch {
	case m.Revision > v.Revision && m.UpdatedAt.IsZero():
		s.Provisioning, s.Operating = PendingCreate, Offline
	case m.Revision > v.Revision:
		s.Provisioning = PendingUpdate
	case bad:
		s = Status{Provisioning: Errored, Operating: Failed, Reason: reason}
	default:
		s.Reason = v.Warnings[id]
	}
	if !m.AdminStateUp {
		s.Operating = Offline
	}
	return s
}

// revision returns the revision of what changed last in t.
func (t *Tree) revision() uint64 {
	r := t.LoadBalancer.Revision
	for _, l := range t.Listeners {
		r = max(r, l.Revision)
		for _, q := range l.L7Policies {
			r = max(r, q.Revision)
			for _, rule := range q.Rules {
				r = max(r, rule.Revision)
			}
		}
	}
	for _, p := range t.Pools {
		r = max(r, p.Revision)
		if p.Monitor != nil {
			r = max(r, p.Monitor.Revision)
		}
		for _, m := range p.Members {
			r = max(r, m.Revision)
		}
	}
	return r
}

// serves reports whether traffic can reach p.
func (t *Tree) serves(p *Pool) bool {
	if !t.LoadBalancer.AdminStateUp {
		return false
	}
	for _, l := range t.Listeners {
		if l.AdminStateUp && l.sendsTo(p.ID) {
			return true
		}
	}
	return false
}

// sendsTo reports whether a request to l can go to a pool: its default pool, or that of
// a policy which is not disabled and has rules to match.
func (l *Listener) sendsTo(id PoolID) bool {
	return l.DefaultPoolID == id || slices.ContainsFunc(l.L7Policies, func(q *L7Policy) bool {
		return q.RedirectPoolID == id && q.Active()
	})
}

// Active reports whether q can match a request: it is not disabled and has rules. It may
// be called from any number of goroutines.
func (q *L7Policy) Active() bool { return q.AdminStateUp && len(q.Rules) > 0 }
