package l7

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// TLS is what the rules may ask about the TLS connection that a request came on. None of its methods may block.
type TLS interface {
	// HasCertificate reports whether the client has shown a certificate, valid or not.
	HasCertificate() bool
	// VerifyResult is how the check of the client's certificate ended, in the numbers of OpenSSL's X509_V_*. 0: it is good, or there is
	// none.
	VerifyResult() int
	// SubjectField returns the first field of that name (CN, O, OU, ...) in the subject of the client's certificate.
	SubjectField(name string) (value string, ok bool)
}

// Outcome is what a policy says about the requests that its rules match. It is immutable.
type Outcome struct {
	Policy lb.L7PolicyID
	Action lb.L7Action
	// Pool is where requests go that are redirected to a pool.
	Pool lb.PoolID
	// Index is the place of the policy in the list that was compiled.
	Index int
	// Code is the status of a redirect, 301, 302, 303, 307 or 308.
	Code int

	location string
}

// Location is where the client of a request with this target is sent: prefix and rest, to be written one after the other. A
// REDIRECT_PREFIX keeps path and query; nothing is put between prefix and path, and a prefix of "/" adds nothing, as in HAProxy.
func (o *Outcome) Location(target []byte) (prefix string, rest []byte) {
	switch {
	case o.Action == lb.L7RedirectToURL:
		return o.location, nil
	case len(target) == 0 || target[0] != '/': // OPTIONS *
		return o.location, root
	}
	return o.location, target
}

var root = []byte("/")

// Table is the policies of one listener that can match, in the order in which they are tried. It is immutable. The zero value, and nil,
// match nothing.
type Table struct {
	policies []policy
}

type policy struct {
	Outcome
	rules []rule // all of them must match
}

// Compile makes the table of a listener's policies, which are sorted by position. Policies that are disabled, have no enabled rule, or
// redirect to a pool that is disabled are left out, as in Octavia: the request is as if they were not there. With an error, which names the
// policies that it is about and is an [*Error] each, the table has the others, and those of them that reject: a rule that cannot be compiled
// counts as one that matches, so that they let nothing through that they were to keep out.
func Compile(policies []*lb.L7Policy, enabled func(lb.PoolID) bool) (*Table, []*Error) {
	t := new(Table)
	var bad []*Error
	for i, q := range policies {
		if !q.AdminStateUp || q.Action == lb.L7RedirectToPool && !enabled(q.RedirectPoolID) {
			continue
		}
		p, err := compile(q)
		if err != nil {
			bad = append(bad, &Error{q.ID, err})
			if q.Action != lb.L7Reject {
				continue
			}
		} else if len(p.rules) == 0 {
			continue
		}
		p.Index = i
		t.policies = append(t.policies, p)
	}
	if len(t.policies) == 0 {
		return nil, bad
	}
	slices.SortStableFunc(t.policies, func(a, b policy) int { return class(a.Action) - class(b.Action) })
	return t, bad
}

// Error is why a policy cannot be served.
type Error struct {
	Policy lb.L7PolicyID
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("L7 policy %s: %v", e.Policy, e.Err) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// class is the precedence of an action: whatever their positions, rejections go first, then redirects to elsewhere, then those to pools.
// That is the order in which HAProxy works through http-request deny, redirect and use_backend, and what Octavia documents.
func class(a lb.L7Action) int {
	switch a {
	case lb.L7Reject:
		return 0
	case lb.L7RedirectToURL, lb.L7RedirectPrefix:
		return 1
	}
	return 2
}

func compile(q *lb.L7Policy) (policy, error) {
	p := policy{Outcome: Outcome{Policy: q.ID, Action: q.Action, Pool: q.RedirectPoolID, Code: q.RedirectCode}}
	switch q.Action {
	case lb.L7Reject, lb.L7RedirectToPool:
	case lb.L7RedirectToURL:
		p.location = q.RedirectURL
	case lb.L7RedirectPrefix:
		if p.location = q.RedirectPrefix; p.location == "/" {
			p.location = ""
		}
	default:
		return p, fmt.Errorf("action %q is not known", q.Action)
	}
	var errs []error
	for _, r := range q.Rules {
		if !r.AdminStateUp {
			continue
		}
		compiled, err := compileRule(r)
		if err != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", r.ID, err))
			continue
		}
		p.rules = append(p.rules, compiled)
	}
	return p, errors.Join(errs...)
}

// Match returns what the first policy says of which every rule matches; nil if there is none. r is a parsed request, conn the TLS
// connection that it came on, nil if it came in the clear. It may be called by any number of goroutines.
func (t *Table) Match(r *http1.Request, conn TLS) *Outcome {
	if t == nil {
		return nil
	}
	q := query{request: r, conn: conn, path: pathOf(r.Target), host: r.Host, name: nameOf(r.Host)}
next:
	for i := range t.policies {
		p := &t.policies[i]
		for j := range p.rules {
			if r := &p.rules[j]; r.matches(&q) == r.invert {
				continue next
			}
		}
		return &p.Outcome
	}
	return nil
}

// pathOf is the target up to the query: as it was sent, escapes and all. "*" has none.
func pathOf(target []byte) []byte {
	if len(target) == 0 || target[0] != '/' {
		return nil
	}
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return target[:i]
	}
	return target
}

// nameOf is the host of an authority without its port.
func nameOf(authority []byte) []byte {
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 && bytes.IndexByte(authority[i:], ']') < 0 {
		return authority[:i]
	}
	return authority
}
