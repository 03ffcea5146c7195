package octavia

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// monitorRow is a health monitor as a snapshot shows it.
type monitorRow struct {
	placed
	*lb.HealthMonitor
}

func (r monitorRow) meta() *lb.Meta { return &r.Meta }

var healthMonitors = owned(resource[monitorRow, lb.HealthMonitorSpec]{
	kind: lb.KindHealthMonitor, one: "healthmonitor", many: "healthmonitors", links: "healthmonitors_links", arg: "health_monitor_",
	attrs:  monitorAttributes,
	hidden: []attribute[monitorRow]{{"pool_id", func(r monitorRow) any { return string(r.PoolID) }}},
	form:   slices.Concat(monitorForm, ofParent("pool_id", func(s *lb.HealthMonitorSpec) *lb.Opt[lb.PoolID] { return &s.PoolID })),
	id:     func(r monitorRow) string { return string(r.ID) },
	all: func(_ *call, s *snapshot) (iter.Seq[monitorRow], error) {
		return func(yield func(monitorRow) bool) {
			for p := range s.placedAll() {
				for _, pool := range p.t.Pools {
					if pool.Monitor != nil && !yield(monitorRow{p, pool.Monitor}) {
						return
					}
				}
			}
		}, nil
	},
	find: func(_ *call, s *snapshot, id string) (monitorRow, bool, error) {
		if t, ok := s.cfg.TreeOf(id); ok {
			for _, p := range t.Pools {
				if p.Monitor != nil && string(p.Monitor.ID) == id {
					return monitorRow{placed{s, t}, p.Monitor}, true, nil
				}
			}
		}
		return monitorRow{}, false, nil
	},
	create: func(_ *call, s *snapshot, spec *lb.HealthMonitorSpec) (string, lb.Op, error) {
		id := valueOf(spec.PoolID)
		p, ok := s.pool(string(id))
		if !ok {
			return "", nil, missing(lb.KindPool, string(id))
		}
		return p.child(&spec.MetaSpec), lb.CreateHealthMonitor{Spec: *spec}, nil
	},
	update: func(_ *call, r monitorRow, spec *lb.HealthMonitorSpec) (lb.Op, error) {
		return lb.UpdateHealthMonitor{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r monitorRow) (lb.Op, error) { return lb.DeleteHealthMonitor{ID: r.ID}, nil },
}, monitorRow.meta, func(r monitorRow) placed { return r.placed })

var monitorAttributes = slices.Concat(
	[]attribute[monitorRow]{
		{"id", func(r monitorRow) any { return string(r.ID) }},
		{"name", func(r monitorRow) any { return r.Name }},
	},
	metaAttributes(monitorRow.meta, func(r monitorRow) lb.Status { return r.status(string(r.ID)) }),
	[]attribute[monitorRow]{
		{"type", func(r monitorRow) any { return string(r.Type) }},
		{"delay", func(r monitorRow) any { return int(r.Delay / time.Second) }},
		{"timeout", func(r monitorRow) any { return int(r.Timeout / time.Second) }},
		{"max_retries", func(r monitorRow) any { return r.MaxRetries }},
		{"max_retries_down", func(r monitorRow) any { return r.MaxRetriesDown }},
		{"http_method", func(r monitorRow) any { return orNull(r.HTTPMethod) }},
		{"url_path", func(r monitorRow) any { return orNull(r.URLPath) }},
		{"expected_codes", func(r monitorRow) any { return orNull(r.ExpectedCodes) }},
		{"http_version", func(r monitorRow) any {
			if f, err := strconv.ParseFloat(r.HTTPVersion, 64); err == nil {
				return f
			}
			return nil
		}},
		{"domain_name", func(r monitorRow) any { return orNull(r.DomainName) }},
		{"pools", func(r monitorRow) any { return refs{string(r.PoolID)} }},
	},
)

// monitorForm is what a request says of a health monitor, but for its pool.
var monitorForm = slices.Concat(
	metaForm(func(s *lb.HealthMonitorSpec) *lb.MetaSpec { return &s.MetaSpec }),
	object[lb.HealthMonitorSpec]{
		field("name", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.Name }, textOf(255)),
		notNull(field("type", func(s *lb.HealthMonitorSpec) *lb.Opt[lb.MonitorType] { return &s.Type }, oneOf(monitorTypes...))).must().create(),
		notNull(field("delay", func(s *lb.HealthMonitorSpec) *lb.Opt[time.Duration] { return &s.Delay }, durationOf(time.Second, 0, maxInt32))).must(),
		notNull(field("timeout", func(s *lb.HealthMonitorSpec) *lb.Opt[time.Duration] { return &s.Timeout }, durationOf(time.Second, 0, maxInt32))).must(),
		notNull(field("max_retries", func(s *lb.HealthMonitorSpec) *lb.Opt[int] { return &s.MaxRetries }, intOf(1, 10))).must(),
		field("max_retries_down", func(s *lb.HealthMonitorSpec) *lb.Opt[int] { return &s.MaxRetriesDown }, intOf(1, 10)),
		field("http_method", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.HTTPMethod },
			oneOf("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")),
		field("url_path", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.URLPath }, textOf(255)),
		field("expected_codes", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.ExpectedCodes }, matching(expectedCodes)),
		field("http_version", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.HTTPVersion }, httpVersionOf),
		field("domain_name", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.DomainName }, textOf(255)),
	},
)

var monitorTypes = []lb.MonitorType{
	lb.MonitorHTTP, lb.MonitorHTTPS, lb.MonitorPing, lb.MonitorTCP, lb.MonitorTLSHello, lb.MonitorUDPConnect, lb.MonitorSCTP,
}

// expectedCodes is a code, several, or a range.
var expectedCodes = regexp.MustCompile(`^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`)

// matching is a text that a pattern describes.
func matching(pattern *regexp.Regexp) func(any) (string, error) {
	parse := textOf(255)
	return func(v any) (string, error) {
		s, err := parse(v)
		if err == nil && !pattern.MatchString(s) {
			err = reasonf("Value should match the pattern %s", pattern)
		}
		return s, err
	}
}

// httpVersionOf is 1.0 or 1.1, as a number or as text.
func httpVersionOf(v any) (string, error) {
	f, err := floatOf(v)
	switch {
	case err != nil:
		return "", err
	case f == 1.0:
		return "1.0", nil
	case f == 1.1:
		return "1.1", nil
	}
	return "", reason("Value should be one of: 1.0, 1.1")
}

// notNull refuses null, where there is no default to go back to.
func notNull[S any](p param[S]) param[S] {
	return refuseNull(p, "None is not a valid option for "+p.name)
}

func refuseNull[S any](p param[S], text string) param[S] {
	set := p.set
	p.set = func(dst *S, v any, in form) error {
		if v == nil {
			return badRequest("%s", text)
		}
		return set(dst, v, in)
	}
	return p
}
