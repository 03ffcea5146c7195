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

	minUDPConnectDelay = 3 * time.Second
)

var monitorTypes = []MonitorType{
	MonitorHTTP, MonitorHTTPS, MonitorPing, MonitorTCP, MonitorTLSHello, MonitorUDPConnect, MonitorSCTP,
}

// expectedCodes is Octavia's pattern, a list or one range.
var expectedCodes = regexp.MustCompile(`^(\d{3}(\s*,\s*\d{3})*|\d{3}-\d{3})$`)

// domainLabel is one part of a domain name; Octavia allows underscores.
var domainLabel = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

func (o CreateHealthMonitor) apply(e *edit) (Result, error) {
	return e.createHealthMonitor(e.newID(string(o.ID)), o.Spec)
}

func (e *edit) createHealthMonitor(id string, spec HealthMonitorSpec) (Result, error) {
	h := &HealthMonitor{ID: HealthMonitorID(id), Meta: Meta{AdminStateUp: true}, MaxRetriesDown: defaultMaxRetriesDown}
	c := &checker{kind: KindHealthMonitor}
	c.newID(&e.Config, id)
	spec.fill(c, &e.Config, h)
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
		c.conflict("pool_id", "This pool already has a health monitor")
	}
	spec.fillChild(c, &h.Meta, tree)
	spec.noDescription(c)
	typed := requiredFixed(c, "type", &h.Type, spec.Type) && enum(c, "type", h.Type, monitorTypes...)
	if monitorRequired(c, "delay", &h.Delay, spec.Delay) {
		c.duration("delay", h.Delay, 0, maxTimeout, time.Second, "seconds")
	}
	if monitorRequired(c, "timeout", &h.Timeout, spec.Timeout) {
		c.duration("timeout", h.Timeout, 0, maxTimeout, time.Second, "seconds")
	}
	if monitorRequired(c, "max_retries", &h.MaxRetries, spec.MaxRetries) {
		between(c, "max_retries", h.MaxRetries, 1, 10)
	}
	optional(&h.MaxRetriesDown, spec.MaxRetriesDown, defaultMaxRetriesDown)
	between(c, "max_retries_down", h.MaxRetriesDown, 1, 10)
	if !typed {
		return
	}
	if p != nil {
		c.monitorType(h, p.Protocol)
	}
	if h.Type == MonitorHTTP || h.Type == MonitorHTTPS {
		spec.fillHTTP(c, h)
	} else {
		spec.refuseHTTP(c, h)
	}
	spec.fillHost(c, h)
}

// monitorRequired is required, with Octavia's words for an update to null.
func monitorRequired[T any](c *checker, field string, dst *T, o Opt[T]) bool {
	if o.IsNull() {
		c.invalid(field, "None is not a valid option for %s", field)
		return false
	}
	return required(c, field, dst, o)
}

// monitorType checks which monitors pools of that protocol may have.
func (c *checker) monitorType(h *HealthMonitor, pool Protocol) {
	datagram := h.Type == MonitorUDPConnect || h.Type == MonitorSCTP
	switch {
	case pool.datagram() && !datagram && h.Type != MonitorTCP && h.Type != MonitorHTTP:
		c.failure("type", "The associated pool protocol is %s, so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.", pool)
	case !pool.datagram() && datagram:
		c.failure("type", "The %s type is only supported for pools of type UDP/SCTP.", h.Type)
	case h.Type == MonitorUDPConnect && h.Delay < minUDPConnectDelay:
		c.failure("delay", "The request delay value %d should be larger than %d for UDP-CONNECT health monitor type.",
			h.Delay/time.Second, minUDPConnectDelay/time.Second)
	}
}

func (spec HealthMonitorSpec) fillHTTP(c *checker, h *HealthMonitor) {
	if c.creating() {
		h.HTTPMethod, h.URLPath, h.ExpectedCodes = defaultHTTPMethod, defaultURLPath, defaultExpectedCodes
	}
	optional(&h.HTTPMethod, spec.HTTPMethod, defaultHTTPMethod)
	optional(&h.URLPath, spec.URLPath, defaultURLPath)
	optional(&h.ExpectedCodes, spec.ExpectedCodes, defaultExpectedCodes)

	enum(c, "http_method", h.HTTPMethod, "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")
	c.urlPath(h.URLPath)
	if !expectedCodes.MatchString(h.ExpectedCodes) {
		c.invalid("expected_codes", "%q is not valid, use a code (200), a list (200,202) or a range (200-204)", h.ExpectedCodes)
	} else if low, high, ok := strings.Cut(h.ExpectedCodes, "-"); ok && low > high {
		c.invalid("expected_codes", "the range %s ends before it starts", h.ExpectedCodes)
	}
}

// fillHost is for the two options that Octavia takes for monitors of every type.
func (spec HealthMonitorSpec) fillHost(c *checker, h *HealthMonitor) {
	optional(&h.HTTPVersion, spec.HTTPVersion, "")
	optional(&h.DomainName, spec.DomainName, "")
	if h.HTTPVersion != "" {
		enum(c, "http_version", h.HTTPVersion, "1.0", "1.1")
	}
	if h.DomainName == "" {
		return
	}
	c.domainName(h.DomainName)
	switch h.HTTPVersion {
	case "":
		c.failure("domain_name", "'http_version' must be specified when 'domain_name' is provided.")
	case "1.0":
		c.invalid("domain_name", "http_version 1.0 is not a valid option for health monitors HTTP 1.1 domain name health check")
	}
}

// refuseHTTP refuses what only HTTP and HTTPS monitors have. As in Octavia an update
// may not even set it to null.
func (spec HealthMonitorSpec) refuseHTTP(c *checker, h *HealthMonitor) {
	for _, f := range []struct {
		field string
		o     Opt[string]
	}{
		{"http_method", spec.HTTPMethod},
		{"url_path", spec.URLPath},
		{"expected_codes", spec.ExpectedCodes},
	} {
		if given(f.o) || f.o.IsNull() && !c.creating() {
			c.invalid(f.field, "%s is not a valid option for health monitors of type %s", f.field, h.Type)
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
		c.invalid(field, "Not a valid URLPath: %s: use a path that starts with one / and has no fragment, spaces, control or non-ASCII characters", v)
	}
}

func (c *checker) domainName(v string) {
	labels := strings.Split(v, ".")
	if len(v) > 253 || slices.ContainsFunc(labels, func(l string) bool { return !domainLabel.MatchString(l) }) {
		c.invalid("domain_name", "%q is not valid, use at most 253 characters in parts of 1 to 63 letters, digits, - and _", v)
	}
}
