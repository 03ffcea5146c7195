package octavia

import (
	"iter"
	"net/http"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// maxQuota is the largest limit that can be set.
const maxQuota = 2_000_000_000

// quotaLimit is one limit, under one of the names that it has in requests and answers.
type quotaLimit struct {
	name string
	get  func(*lb.Limits) *int
	set  func(*lb.QuotaSpec) *lb.Opt[int]
}

// Load balancers and health monitors go by two names, both of which clients use.
var quotaLimits = []quotaLimit{
	{"loadbalancer", func(l *lb.Limits) *int { return l.LoadBalancer }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.LoadBalancer }},
	{"load_balancer", func(l *lb.Limits) *int { return l.LoadBalancer }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.LoadBalancer }},
	{"listener", func(l *lb.Limits) *int { return l.Listener }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Listener }},
	{"member", func(l *lb.Limits) *int { return l.Member }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Member }},
	{"pool", func(l *lb.Limits) *int { return l.Pool }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Pool }},
	{"healthmonitor", func(l *lb.Limits) *int { return l.HealthMonitor }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.HealthMonitor }},
	{"health_monitor", func(l *lb.Limits) *int { return l.HealthMonitor }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.HealthMonitor }},
	{"l7policy", func(l *lb.Limits) *int { return l.L7Policy }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.L7Policy }},
	{"l7rule", func(l *lb.Limits) *int { return l.L7Rule }, func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.L7Rule }},
}

var quotas = &resource[*lb.Quota, lb.QuotaSpec]{
	kind: lb.KindQuota, one: "quota", many: "quotas", links: "quotas_links", arg: "quotas", named: true,
	read: access.ReadQuota, global: access.ReadQuotas, write: access.WriteQuota,
	id:      func(q *lb.Quota) string { return q.ProjectID },
	project: func(q *lb.Quota) string { return q.ProjectID },
	attrs:   quotaAttributes(),
	form:    quotaForm(),
	all:     func(_ *call, s *snapshot) (iter.Seq[*lb.Quota], error) { return s.cfg.Quotas(), nil },
	find: func(_ *call, s *snapshot, project string) (*lb.Quota, bool, error) {
		return quotaOf(s.cfg, project), true, nil
	},
	update: func(_ *call, q *lb.Quota, s *lb.QuotaSpec) (lb.Op, error) {
		return lb.SetQuota{ProjectID: q.ProjectID, Spec: *s}, nil
	},
	remove: func(_ *call, q *lb.Quota) (lb.Op, error) { return lb.ResetQuota{ProjectID: q.ProjectID}, nil },
	// As Octavia: nothing is done yet when the answer comes.
	changed: http.StatusAccepted, removed: http.StatusAccepted,
}

// quotaOf is a project's quota: the default if none was set.
func quotaOf(cfg *lb.Config, project string) *lb.Quota {
	if q, ok := cfg.Quota(project); ok {
		return q
	}
	return &lb.Quota{ProjectID: project}
}

func quotaAttributes() []attribute[*lb.Quota] {
	attrs := []attribute[*lb.Quota]{{"project_id", func(q *lb.Quota) any { return q.ProjectID }}}
	for _, l := range quotaLimits {
		attrs = append(attrs, attribute[*lb.Quota]{l.name, func(q *lb.Quota) any {
			if n := l.get(&q.Limits); n != nil {
				return *n
			}
			return -1 // no limit, which is the default
		}})
	}
	return attrs
}

func quotaForm() object[lb.QuotaSpec] {
	var form object[lb.QuotaSpec]
	for _, l := range quotaLimits {
		form = append(form, field(l.name, l.set, intOf(-1, maxQuota)))
	}
	return form
}

func quotaRoutes() []route {
	const one = "/quotas/{}"
	return []route{
		{http.MethodGet, "/quotas", quotas.list},
		{http.MethodGet, one, quotas.show},
		{http.MethodPut, one, quotas.put},
		{http.MethodDelete, one, quotas.delete},
		{http.MethodGet, one + "/default", defaultQuota},
	}
}

// defaultQuota shows what a project has when nobody has set anything.
func defaultQuota(c *call) error {
	project := c.ids[0]
	if err := c.may(access.ReadQuota, project); err != nil {
		return err
	}
	return quotas.answer(c, http.StatusOK, &lb.Quota{ProjectID: project})
}
