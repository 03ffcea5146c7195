package lb

func (o CreateQoSPolicy) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	p, c := &QoSPolicy{ID: QoSPolicyID(id), Meta: Meta{AdminStateUp: true}}, &checker{kind: KindQoSPolicy}
	c.newID(&e.Config, id)
	o.Spec.fill(c, p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&p.Meta)
	e.qos = e.qos.With(p.ID, p)
	return e.wrote(KindQoSPolicy, id, p), nil
}

func (o UpdateQoSPolicy) apply(e *edit) (Result, error) {
	old, ok := e.qos.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindQoSPolicy, string(o.ID))
	}
	if err := precondition(KindQoSPolicy, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	p, c := *old, &checker{kind: KindQoSPolicy, id: string(o.ID)}
	o.Spec.fill(c, &p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&p.Meta)
	e.qos = e.qos.With(p.ID, &p)
	return e.wrote(KindQoSPolicy, string(p.ID), &p), nil
}

func (o DeleteQoSPolicy) apply(e *edit) (Result, error) {
	p, ok := e.qos.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindQoSPolicy, string(o.ID))
	}
	if err := precondition(KindQoSPolicy, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	if err := e.unused(KindQoSPolicy, string(o.ID), "ports or load balancers"); err != nil {
		return Result{}, err
	}
	e.qos = e.qos.Without(o.ID)
	return e.deleted(KindQoSPolicy, string(o.ID)), nil
}

func (spec QoSPolicySpec) fill(c *checker, p *QoSPolicy) {
	spec.MetaSpec.fill(c, &p.Meta)
	spec.fillProject(c, &p.Meta)
	optional(&p.Shared, spec.Shared, false)
}
