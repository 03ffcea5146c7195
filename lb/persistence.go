package lb

import (
	"math"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Octavia refuses what a Set-Cookie header would not carry in two steps.
var (
	cookieNameChars = regexp.MustCompile(`^[^\s,;\\]+$`)
	cookieNameBad   = regexp.MustCompile(`[\x00-\x20\x22\x28-\x29\x2c\x2f\x3a-\x40\x5b-\x5d\x7b\x7d\x7f]`)
)

// fillPersistence replaces the session persistence of p as a whole, as Octavia does:
// only a type that is not given stays.
func (spec PoolSpec) fillPersistence(c *checker, p *Pool) {
	const field = "session_persistence"
	s, ok := spec.Persistence.Get()
	if spec.Persistence.IsNull() || ok && s == (PersistenceSpec{}) {
		p.Persistence = nil
		return
	}
	if !ok {
		return
	}
	next := new(Persistence)
	if p.Persistence != nil {
		next.Type = p.Persistence.Type
	}
	if v, ok := s.Type.Get(); ok {
		next.Type = v
	}
	if next.Type == "" {
		c.invalid(field, "Invalid input for field/attribute type. Value: 'None'. Mandatory field missing.")
		return
	}
	optional(&next.CookieName, s.CookieName, "")
	optional(&next.Timeout, s.Timeout, 0)
	optional(&next.Granularity, s.Granularity, netip.Addr{})
	p.Persistence = next
	if !enum(c, field, next.Type, PersistSourceIP, PersistHTTPCookie, PersistAppCookie) {
		return
	}
	c.duration(field, next.Timeout, 0, math.MaxInt32*time.Second, time.Second, "seconds")
	if p.Protocol.datagram() {
		c.datagramPersistence(next)
	} else {
		c.streamPersistence(next)
	}
}

// datagramPersistence checks the session persistence of a UDP or SCTP pool.
func (c *checker) datagramPersistence(s *Persistence) {
	const field = "session_persistence"
	switch {
	case s.Type == PersistSourceIP && s.CookieName != "":
		c.failure(field, "session_persistence %s type for UDP and SCTP protocols only accepts: "+
			"type, persistence_timeout, persistence_granularity.", s.Type)
	case s.CookieName != "":
		c.failure(field, "Cookie names are not supported for UDP/SCTP pools.")
	case s.Type != PersistSourceIP:
		c.failure(field, "Session persistence of type %s is not supported for UDP/SCTP protocol pools.", s.Type)
	}
}

// streamPersistence checks the session persistence of every other pool.
func (c *checker) streamPersistence(s *Persistence) {
	const field = "session_persistence"
	switch name := s.CookieName; {
	case s.Timeout != 0 || s.Granularity.IsValid():
		c.failure(field, "persistence_timeout and persistence_granularity is only for UDP and SCTP protocol pools.")
	case s.Type == PersistAppCookie && name == "":
		c.failure(field, `Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`)
	case s.Type != PersistAppCookie && name != "":
		c.failure(field, `Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".`)
	case name == "":
	case !cookieNameChars.MatchString(name):
		c.invalid(field, "Invalid input for field/attribute cookie_name. Value: '%s'. Value should match the pattern %s",
			name, cookieNameChars)
	case cookieNameBad.MatchString(name) || strings.ContainsFunc(name, func(r rune) bool { return r > '~' }):
		c.failure(field, `Supplied "cookie_name" is invalid.`)
	default:
		c.text(field, name, maxText)
	}
}
