package lb

import "slices"

func (o CreateNetwork) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	n, c := &Network{ID: NetworkID(id), Meta: Meta{AdminStateUp: true}}, &checker{kind: KindNetwork}
	c.newID(&e.Config, id)
	o.Spec.fill(c, n)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&n.Meta)
	e.networks = e.networks.With(n.ID, segment{network: n})
	return e.wrote(KindNetwork, id, n), nil
}

// apply stores a network that came with a subnet from now on.
func (o UpdateNetwork) apply(e *edit) (Result, error) {
	s, ok := e.networks.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindNetwork, string(o.ID))
	}
	n := *e.network(o.ID, s)
	if err := precondition(KindNetwork, string(o.ID), o.If, n.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindNetwork, id: string(o.ID)}
	o.Spec.fill(c, &n)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&n.Meta)
	s.network, s.of = &n, ""
	e.networks = e.networks.With(n.ID, s)
	return e.wrote(KindNetwork, string(n.ID), &n), nil
}

// apply deletes the subnets of the network too, as Neutron does.
func (o DeleteNetwork) apply(e *edit) (Result, error) {
	s, ok := e.networks.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindNetwork, string(o.ID))
	}
	if err := precondition(KindNetwork, string(o.ID), o.If, e.network(o.ID, s).Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindNetwork, id: string(o.ID)}
	members := 0
	for _, id := range s.subnets {
		n, _ := e.subnets.Get(id)
		members += n.members
	}
	if used := e.referred(string(o.ID)); used > 0 || members > 0 {
		c.add(ErrInUse, "", "is used by %d ports or load balancers and %d members, delete them first", used, members)
		return Result{}, c.err()
	}
	for _, id := range s.subnets {
		n, _ := e.subnets.Get(id)
		e.forgetSubnet(n.subnet)
	}
	e.networks = e.networks.Without(o.ID)
	return e.deleted(KindNetwork, string(o.ID)), nil
}

func (spec NetworkSpec) fill(c *checker, n *Network) {
	spec.MetaSpec.fill(c, &n.Meta)
	spec.fillProject(c, &n.Meta)
	optional(&n.Shared, spec.Shared, false)
	optional(&n.External, spec.External, false)
}

// joinNetwork enters a subnet that is new into its network, which may come with it.
func (e *edit) joinNetwork(s *Subnet) {
	n, ok := e.networks.Get(s.NetworkID)
	if !ok {
		n.of = s.ID
	}
	i, _ := slices.BinarySearch(n.subnets, s.ID)
	n.subnets = slices.Insert(slices.Clone(n.subnets), i, s.ID)
	e.networks = e.networks.With(s.NetworkID, n)
}

// leaveNetwork takes a subnet out of its network. A network that came with the subnet
// goes with it.
func (e *edit) leaveNetwork(s *Subnet) {
	n, _ := e.networks.Get(s.NetworkID)
	if n.of == s.ID {
		e.networks = e.networks.Without(s.NetworkID)
		return
	}
	i, _ := slices.BinarySearch(n.subnets, s.ID)
	n.subnets = slices.Delete(slices.Clone(n.subnets), i, i+1)
	e.networks = e.networks.With(s.NetworkID, n)
}
