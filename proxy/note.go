package proxy

import (
	"errors"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/flowlog"
	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// note is what the logs will say of a request. An exchange keeps it, with its memory; it
// is not touched while no log is written.
type note struct {
	on      bool
	began   instant
	in, out uint64 // bytes of the client connection before
	status  int
	end     flowlog.End

	// text is the method, target and authority, one behind the other: the buffer that
	// they came in is used again before the request has ended.
	text                 []byte
	methodEnd, targetEnd int
	minor                int
	stream               bool
}

// begin prepares for a request whose first bytes are there.
func (n *note) begin(x *session) {
	n.on = len(x.engine.cfg.Logs) > 0
	if !n.on {
		return
	}
	n.began, n.in, n.out = now(), x.in, x.out
	n.status, n.end = 0, flowlog.EndOK
	n.text, n.methodEnd, n.targetEnd = n.text[:0], 0, 0
	n.minor, n.stream = 1, x.client.stream != nil
}

// request notes what was asked for.
func (n *note) request(r *http1.Request) {
	if !n.on {
		return
	}
	n.text = append(n.text[:0], r.Method...)
	n.methodEnd = len(n.text)
	n.text = append(n.text, r.Target...)
	n.targetEnd = len(n.text)
	n.text = append(n.text, r.Host...)
	n.minor = r.Minor
}

func (n *note) proto() string {
	switch {
	case n.stream:
		return "HTTP/2.0"
	case n.minor == 0:
		return "HTTP/1.0"
	default:
		return "HTTP/1.1"
	}
}

// record writes the request to the logs. It is called when the counters have not yet
// taken it up.
func (e *exchange) record() {
	n, x := &e.note, e.session
	if !n.on {
		return
	}
	n.on = false // once for each request
	r := x.newRecord(e.snap)
	r.Duration = (now() - n.began).duration()
	r.BytesIn, r.BytesOut = x.client.in.total-n.in, x.client.out.total-n.out
	r.HTTP, r.Proto, r.Status, r.End = true, n.proto(), n.status, n.end
	r.Method, r.Target, r.Host = n.text[:n.methodEnd], n.text[n.methodEnd:n.targetEnd], n.text[n.targetEnd:]
	if e.pool != nil {
		r.Pool = e.pool.id
	}
	if e.member != nil {
		r.Member = e.member.id
	}
	x.log(&r)
}

// newRecord is what is the same for everything on a client connection.
func (x *session) newRecord(snap *snapshot) flowlog.Record {
	r := flowlog.Record{
		Project: snap.project, LoadBalancer: snap.lb, Listener: snap.listener, Client: x.from, End: flowlog.EndOK,
		ServerName: x.sni,
	}
	if t := x.tls; t != nil {
		r.TLS = opensslVersions[t.version]
		if t.client != nil {
			if x.subjectLine == "" {
				x.subjectLine = tlsx.DN(t.client.RawSubject)
			}
			r.Verified, r.Subject = true, x.subjectLine
		}
	}
	return r
}

func (x *session) log(r *flowlog.Record) {
	for _, l := range x.engine.cfg.Logs {
		l.Add(r, uint64(r.Client.Port()))
	}
}

// recordTCP writes a TCP connection to the logs.
func (x *session) recordTCP(snap *snapshot, began instant, to lb.MemberID, end flowlog.End) {
	if len(x.engine.cfg.Logs) == 0 {
		return
	}
	r := x.newRecord(snap)
	r.Duration = (now() - began).duration()
	r.BytesIn, r.BytesOut = x.client.in.total-x.in, x.client.out.total
	r.Member, r.End = to, end
	if snap.pool != nil {
		r.Pool = snap.pool.id
	}
	x.log(&r)
}

// endOf says how a request ended to which there was no response.
func (e *exchange) endOf(err error) flowlog.End {
	up := e.upload.failure
	switch {
	case errors.Is(err, errNoMember):
		return flowlog.EndNoMember
	case up != nil && !isWriteError(up) && isTimeout(up):
		return flowlog.EndClientSlow
	case up != nil && !isWriteError(up) && isBad(up):
		return flowlog.EndBadRequest
	case up != nil && !isWriteError(up), errors.Is(err, errClientGone):
		return flowlog.EndClientBody
	case isBad(err):
		return flowlog.EndBadResponse
	case isTimeout(err):
		return flowlog.EndMemberSlow
	default:
		return flowlog.EndMemberHead
	}
}

// end says how a tunnel ended, by the first of its directions that broke.
func (t *tunnel) endOf(up, down error) flowlog.End {
	client, member := flowlog.EndClientBody, flowlog.EndMemberBody
	switch {
	case up == nil && down == nil:
		return flowlog.EndOK
	case isTimeout(up), isTimeout(down):
		return flowlog.EndClientSlow // both are silent
	case up != nil && errors.Is(up, errBroken), up == nil && !errors.Is(down, errBroken):
		return member
	default:
		return client
	}
}
