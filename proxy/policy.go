package proxy

import (
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/flowlog"
	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/l7"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// policies is what the L7 policies of a listener do. It is immutable.
type policies struct {
	table *l7.Table
	pools []*pool // by index of the policy: where it redirects to; nil: a pool that gets no traffic
}

// policies compiles the L7 policies of a listener. What cannot be served is added to reasons, by id.
func (c *control) policies(l *lb.Listener, reasons map[string]string) policies {
	enabled := func(id lb.PoolID) bool {
		rec := c.pools[id]
		return rec != nil && rec.spec.AdminStateUp
	}
	table, bad := l7.Compile(l.L7Policies, enabled)
	for _, e := range bad {
		reasons[string(e.Policy)] = e.Err.Error()
	}
	if table == nil {
		return policies{}
	}
	p := policies{table: table, pools: make([]*pool, len(l.L7Policies))}
	for i, q := range l.L7Policies {
		p.pools[i] = c.pool(q.RedirectPoolID)
	}
	return p
}

// pool returns the pool that traffic may be sent to, nil if there is none or it is disabled or not served.
func (c *control) pool(id lb.PoolID) *pool {
	if rec := c.pools[id]; rec != nil && rec.spec.AdminStateUp && poolGap(rec.spec) == "" {
		return &rec.pool
	}
	return nil
}

// route settles by the listener's L7 policies which pool the request goes to. If it goes to none because a policy answers it, done is
// set, and keep tells whether the client connection can carry another request.
func (e *exchange) route() (done, keep bool) {
	e.pool = e.snap.pool
	o := e.snap.policies.table.Match(&e.req, e.session.certificate())
	if o == nil {
		return false, false
	}
	switch o.Action {
	case lb.L7RedirectToPool:
		e.pool = e.snap.policies.pools[o.Index]
		return false, false
	case lb.L7Reject:
		e.note.end = flowlog.EndOwn
		return true, e.finishOwn(403, e.mayKeep())
	}
	keep = e.mayKeep()
	e.note.status, e.note.end = o.Code, flowlog.EndOwn
	prefix, rest := o.Location(e.req.Target)
	e.down.out = http1.AppendRedirect(e.down.out[:0], o.Code, keep, prefix, rest)
	return true, e.finishOut(keep)
}

// certificate is what L7 rules may ask about the client's certificate, nil without TLS.
func (x *session) certificate() l7.TLS {
	if x.tls == nil {
		return nil
	}
	return (*clientCertificate)(x)
}

// clientCertificate is a session as L7 rules see it. Who shows a certificate that does not verify gets no connection.
type clientCertificate session

// HasCertificate implements [l7.TLS].
func (x *clientCertificate) HasCertificate() bool { return x.tls.client != nil }

// VerifyResult implements [l7.TLS].
func (x *clientCertificate) VerifyResult() int { return 0 }

// SubjectField implements [l7.TLS]. The session keeps what was read once: its certificate stays the same.
func (x *clientCertificate) SubjectField(name string) (value string, ok bool) {
	if x.tls.client == nil {
		return "", false
	}
	f, known := x.subject[name]
	if !known {
		if x.subject == nil {
			x.subject = make(map[string]subjectField)
		}
		f.value, f.ok = tlsx.DNField(x.tls.client.RawSubject, name)
		x.subject[name] = f
	}
	return f.value, f.ok
}

// subjectField is one field of a certificate's subject, if it has it.
type subjectField struct {
	value string
	ok    bool
}
