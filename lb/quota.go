package lb

import "fmt"

// Usage is how many objects of each kind that has a quota a project has.
type Usage struct {
	LoadBalancer, Listener, Pool, Member, HealthMonitor, L7Policy, L7Rule int
}

// quotaKinds are the kinds that have a quota, with what the API and Octavia's message
// call them, the limit and the count.
var quotaKinds = map[Kind]struct {
	field string // of the API
	name  string
	limit func(*Limits) **int
	used  func(*Usage) *int
}{
	KindLoadBalancer:  {"loadbalancer", "Load Balancer", func(l *Limits) **int { return &l.LoadBalancer }, func(u *Usage) *int { return &u.LoadBalancer }},
	KindListener:      {"listener", "Listener", func(l *Limits) **int { return &l.Listener }, func(u *Usage) *int { return &u.Listener }},
	KindPool:          {"pool", "Pool", func(l *Limits) **int { return &l.Pool }, func(u *Usage) *int { return &u.Pool }},
	KindMember:        {"member", "Member", func(l *Limits) **int { return &l.Member }, func(u *Usage) *int { return &u.Member }},
	KindHealthMonitor: {"healthmonitor", "Health Monitor", func(l *Limits) **int { return &l.HealthMonitor }, func(u *Usage) *int { return &u.HealthMonitor }},
	KindL7Policy:      {"l7policy", "L7Policy", func(l *Limits) **int { return &l.L7Policy }, func(u *Usage) *int { return &u.L7Policy }},
	KindL7Rule:        {"l7rule", "L7Rule", func(l *Limits) **int { return &l.L7Rule }, func(u *Usage) *int { return &u.L7Rule }},
}

// Usage returns how many objects the project has.
func (c *Config) Usage(project string) Usage {
	u, _ := c.usage.Get(project)
	return u
}

// quota counts n new objects of the project, and refuses them when they are more than it
// may have. Every create calls it, once what it creates has been found valid.
func (e *edit) quota(kind Kind, project string, n int) error {
	k := quotaKinds[kind]
	u := e.Usage(project)
	used := k.used(&u)
	*used += n
	e.usage = e.usage.With(project, u)
	q, ok := e.quotas.Get(project)
	if !ok || e.exempt {
		return nil
	}
	if limit := *k.limit(&q.Limits); limit != nil && *limit >= 0 && *used > *limit {
		return &Error{Kind: ErrQuota, Resource: kind, Msg: fmt.Sprintf("Quota has been met for resources: %s", k.name)}
	}
	return nil
}

// release takes n objects that are gone from the count of the project.
func (e *edit) release(kind Kind, project string, n int) {
	u := e.Usage(project)
	*quotaKinds[kind].used(&u) -= n
	if u == (Usage{}) {
		e.usage = e.usage.Without(project)
		return
	}
	e.usage = e.usage.With(project, u)
}
