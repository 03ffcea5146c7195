package lb

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	defaultMaxRetriesDown = 3
	defaultHTTPMethod     = "GET"
	defaultURLPath        = "/"
	defaultExpectedCodes  = "200"
)

// expectedCodes is Octavia's pattern, a list or one range.
var expectedCodes = regexp.MustCompile(`^(\d{3}(\s*,\s*\d{3})*|\d{3}-\d{3})$`)

// domainLabel is one part of a domain name; Octavia allows underscores.
var domainLabel = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

func (o CreateHealthMonitor) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	h := &HealthMonitor{ID: HealthMonitorID(id), Meta: Meta{AdminStateUp: true}, MaxRetriesDown: defaultMaxRetriesDown}
	c := &checker{kind: KindHealthMonitor}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, h)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&h.Meta)
	p, _ := e.Pool(h.PoolID)
	if err := e.own(KindHealthMonitor, id, p.LoadBalancerID); err != nil {
		return Result{}, err
	}
	e.setPool(p.withMonitor(h))
	return e.wrote(KindHealthMonitor, id, h), nil
}

func (o UpdateHealthMonitor) apply(e *edit) (Result, error) {
	old, ok := e.HealthMonitor(o.ID)
	if !ok {
		return Result{}, notFound(KindHealthMonitor, string(o.ID))
	}
	if err := precondition(KindHealthMonitor, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	h, c := *old, &checker{kind: KindHealthMonitor, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &h)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&h.Meta)
	p, _ := e.Pool(h.PoolID)
	e.setPool(p.withMonitor(&h))
	return e.wrote(KindHealthMonitor, string(h.ID), &h), nil
}

func (o DeleteHealthMonitor) apply(e *edit) (Result, error) {
	h, ok := e.HealthMonitor(o.ID)
	if !ok {
		return Result{}, notFound(KindHealthMonitor, string(o.ID))
	}
	if err := precondition(KindHealthMonitor, string(o.ID), o.If, h.Revision); err != nil {
		return Result{}, err
	}
	p, _ := e.Pool(h.PoolID)
	e.setPool(p.withMonitor(nil))
	e.disown(KindHealthMonitor, string(h.ID))
	return e.deleted(KindHealthMonitor, string(h.ID)), nil
}

func (spec HealthMonitorSpec) fill(c *checker, cfg *Config, h *HealthMonitor) {
	tree, p := c.pool(cfg, &h.PoolID, spec.PoolID)
	if p != nil && p.Monitor != nil && p.Monitor.ID != h.ID {
		c.conflict("pool_id", "pool %s already has health monitor %s", p.ID, p.Monitor.ID)
	}
	spec.fillChild(c, &h.Meta, tree)
	spec.noDescription(c)
	typed := requiredFixed(c, "type", &h.Type, spec.Type) && oneOf(c, "type", h.Type, MonitorHTTP, MonitorTCP)
	// Octavia takes 0 for delay and timeout; a prober would then never rest or
	// never wait, so here both start at one second.
	if required(c, "delay", &h.Delay, spec.Delay) {
		c.duration("delay", h.Delay, time.Second, maxTimeout, time.Second, "seconds")
	}
	if required(c, "timeout", &h.Timeout, spec.Timeout) {
		c.duration("timeout", h.Timeout, time.Second, maxTimeout, time.Second, "seconds")
	}
	if required(c, "max_retries", &h.MaxRetries, spec.MaxRetries) {
		between(c, "max_retries", h.MaxRetries, 1, 10)
	}
	optional(&h.MaxRetriesDown, spec.MaxRetriesDown, defaultMaxRetriesDown)
	between(c, "max_retries_down", h.MaxRetriesDown, 1, 10)
	switch {
	case !typed:
	case h.Type == MonitorHTTP:
		spec.fillHTTP(c, h)
	default:
		spec.refuseHTTP(c, h)
	}
}

func (spec HealthMonitorSpec) fillHTTP(c *checker, h *HealthMonitor) {
	if c.creating() {
		h.HTTPMethod, h.URLPath, h.ExpectedCodes = defaultHTTPMethod, defaultURLPath, defaultExpectedCodes
	}
	optional(&h.HTTPMethod, spec.HTTPMethod, defaultHTTPMethod)
	optional(&h.URLPath, spec.URLPath, defaultURLPath)
	optional(&h.ExpectedCodes, spec.ExpectedCodes, defaultExpectedCodes)
	optional(&h.HTTPVersion, spec.HTTPVersion, "")
	optional(&h.DomainName, spec.DomainName, "")

	oneOf(c, "http_method", h.HTTPMethod, "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")
	c.urlPath(h.URLPath)
	if !expectedCodes.MatchString(h.ExpectedCodes) {
		c.invalid("expected_codes", "%q is not valid, use a code (200), a list (200,202) or a range (200-204)", h.ExpectedCodes)
	} else if low, high, ok := strings.Cut(h.ExpectedCodes, "-"); ok && low > high {
		c.invalid("expected_codes", "the range %s ends before it starts", h.ExpectedCodes)
	}
	if h.HTTPVersion != "" {
		oneOf(c, "http_version", h.HTTPVersion, "1.0", "1.1")
	}
	if h.DomainName != "" {
		c.domainName(h.DomainName)
		if h.HTTPVersion != "1.1" {
			c.invalid("domain_name", "needs http_version 1.1")
		}
	}
}

// refuseHTTP refuses what only HTTP monitors have. As in Octavia an update may
// not even set the first three to null.
func (spec HealthMonitorSpec) refuseHTTP(c *checker, h *HealthMonitor) {
	for _, f := range []struct {
		field  string
		o      Opt[string]
		nullOK bool
	}{
		{"http_method", spec.HTTPMethod, c.creating()},
		{"url_path", spec.URLPath, c.creating()},
		{"expected_codes", spec.ExpectedCodes, c.creating()},
		{"http_version", spec.HTTPVersion, true},
		{"domain_name", spec.DomainName, true},
	} {
		if given(f.o) || f.o.IsNull() && !f.nullOK {
			c.invalid(f.field, "is for HTTP health monitors only, this one is of type %s", h.Type)
		}
	}
}

// urlPath checks a request target in origin form (RFC 9112 section 3.2.1). It
// goes onto the wire as it is, so nothing in it may end the request line.
func (c *checker) urlPath(v string) {
	const field = "url_path"
	c.text(field, v, maxText)
	outside := func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }
	if !strings.HasPrefix(v, "/") || strings.HasPrefix(v, "//") || strings.ContainsFunc(v, outside) {
		c.invalid(field, "%q is not valid, use a path that starts with one / and has no fragment, spaces, control or non-ASCII characters", v)
	}
}

func (c *checker) domainName(v string) {
	labels := strings.Split(v, ".")
	if len(v) > 253 || slices.ContainsFunc(labels, func(l string) bool { return !domainLabel.MatchString(l) }) {
		c.invalid("domain_name", "%q is not valid, use at most 253 characters in parts of 1 to 63 letters, digits, - and _", v)
	}
}
