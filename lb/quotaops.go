package lb

const maxLimit = 2_000_000_000 // of a quota

// apply changes a project's limits, of a project that nobody need know.
func (o SetQuota) apply(e *edit) (Result, error) {
	q, c := Quota{ProjectID: o.ProjectID}, &checker{kind: KindQuota, id: o.ProjectID}
	if old, ok := e.quotas.Get(o.ProjectID); ok {
		q = *old
	}
	if c.text("project_id", o.ProjectID, maxProject); o.ProjectID == "" {
		c.invalid("project_id", "Missing project ID in request where one is required.")
	}
	for _, set := range []struct {
		kind Kind
		o    Opt[int]
	}{
		{KindLoadBalancer, o.Spec.LoadBalancer},
		{KindListener, o.Spec.Listener},
		{KindPool, o.Spec.Pool},
		{KindMember, o.Spec.Member},
		{KindHealthMonitor, o.Spec.HealthMonitor},
		{KindL7Policy, o.Spec.L7Policy},
		{KindL7Rule, o.Spec.L7Rule},
	} {
		limit := quotaKinds[set.kind].limit(&q.Limits)
		if v, ok := set.o.Get(); ok {
			between(c, quotaKinds[set.kind].field, v, -1, maxLimit)
			*limit = &v
		} else if set.o.IsNull() {
			*limit = nil
		}
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setQuota(&q), nil
}

// apply keeps the quota, with every limit at its default, as Octavia does.
func (o ResetQuota) apply(e *edit) (Result, error) {
	if !e.quotas.Has(o.ProjectID) {
		return Result{}, notFound(KindQuota, o.ProjectID)
	}
	return e.setQuota(&Quota{ProjectID: o.ProjectID}), nil
}

func (e *edit) setQuota(q *Quota) Result {
	q.Revision = e.revision
	e.quotas = e.quotas.With(q.ProjectID, q)
	return e.wrote(KindQuota, q.ProjectID, q)
}
