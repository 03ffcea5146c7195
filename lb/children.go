package lb

// createChildren creates what the spec has below a load balancer that is new, and that
// e has the tree of. It runs after the load balancer's own change is recorded.
func (spec LoadBalancerSpec) createChildren(_ *edit, b *LoadBalancer) error {
	if len(spec.Pools)+len(spec.Listeners) > 0 {
		return &Error{
			Kind: ErrUnsupported, Resource: KindLoadBalancer, ID: string(b.ID),
			Msg: "is not created with pools and listeners in one step, create them one by one",
		}
	}
	return nil
}
