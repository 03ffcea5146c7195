package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// protocols are what clients can agree on by ALPN, and what serves it. A listener offers
// those of them that its alpn_protocols name.
var protocols = map[string]func(*session, *server){
	"h2":       serveHTTP2,
	"http/1.1": serveHTTP,
	"http/1.0": serveHTTP,
}

// clientProtocols are the names of protocols.
func clientProtocols() []string { return slices.Sorted(maps.Keys(protocols)) }

// memberProtocols are what members of HTTP pools are offered, if alpn_protocols names it.
var memberProtocols = []string{"h2", "http/1.1", "http/1.0"}

// tlsState is what the handshake with a client has settled. It does not change.
type tlsState struct {
	protocol   string            // agreed on by ALPN; "": the client offered none
	serverName string            // what the client asked for; ""
	client     *x509.Certificate // verified; nil: it showed none
	version    uint16            // such as tls.VersionTLS13
	suite      uint16
	resumed    bool
}

// terminate shakes hands with a client of a listener that terminates TLS. It reports
// whether the session goes on: if not, the client has its alert, or its answer.
func (x *session) terminate(s *server) bool {
	snap, c := x.snap, x.client
	begun := now()
	due := begun.add(min(x.engine.cfg.HandshakeTimeout, snap.clientData))
	// The first bytes are looked at before TLS is: who speaks HTTP gets an answer in HTTP. timeout_tcp_inspect is for them alone, as in
	// HAProxy: how fast a handshake goes depends on more than the client.
	firstBy := min(due, begun.add(snap.tcpInspect))
	if buf := c.in.buf; (buf == nil || buf.len() == 0) && c.fillUnless(&c.interrupted, firstBy) != nil {
		return false
	}
	if first := c.in.buf.bytes()[0]; 'A' <= first && first <= 'Z' {
		x.redirectToTLS(s)
		return false
	}
	stats := snap.counters
	if err := c.secure(tls.Server, snap.tls, x.engine.shaking, false, due); err != nil {
		stats.handshakesFailed.Add(1)
		x.engine.log.Debug("client did not complete the TLS handshake", logkey.Listener, snap.listener, logkey.Addr, x.from, logkey.Err, err)
		if !isTimeout(err) {
			x.linger() // a reset, because it has sent more, could overtake the alert
		}
		return false
	}
	cs := c.tls.conn.ConnectionState()
	x.tls = &tlsState{
		protocol: cs.NegotiatedProtocol, serverName: cs.ServerName, client: tlsx.ClientCertificate(&cs),
		version: cs.Version, suite: cs.CipherSuite, resumed: cs.DidResume,
	}
	x.sni = cs.ServerName
	stats.handshakes.Add(1)
	if cs.DidResume {
		stats.handshakesResumed.Add(1)
	}
	return true
}

// serve serves the client in the protocol that it agreed on.
func (x *session) serve(s *server) {
	if x.tls != nil {
		if serve := protocols[x.tls.protocol]; serve != nil {
			serve(x, s)
			return
		}
	}
	serveHTTP(x, s)
}

// redirectToTLS answers a client that speaks HTTP where TLS is spoken: it is sent to
// https with the same authority and target ("redirect scheme https").
func (x *session) redirectToTLS(s *server) {
	e := getExchange(x, s, 1)
	defer putExchange(e)
	if !e.readHead() {
		return
	}
	x.client.in.buf.consume(e.headLen)
	if len(e.req.Host) == 0 || e.req.Target[0] != '/' {
		e.answer(400, false)
	} else {
		to := slices.Concat(e.req.Host, e.req.Target)
		e.down.out = http1.AppendRedirect(e.down.out[:0], 302, false, "https://", to)
		_ = e.down.flush() // who does not take it is gone
	}
	e.count()
	x.linger()
}
