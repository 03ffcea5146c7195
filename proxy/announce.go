package proxy

import (
	"crypto/tls"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/proxyproto"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// Who the client is, is told to members of PROXY and PROXYV2 pools, and believed of
// trusted proxies in front.

// announces reports whether members of p are told who the client is.
func (p *pool) announces() bool {
	return p.protocol == lb.ProtocolPROXY || p.protocol == lb.ProtocolPROXYV2
}

// announce sends the PROXY header of that version. It precedes everything, TLS too.
func (x *session) announce(s *sock, version lb.Protocol, due instant) error {
	h := proxyproto.Header{Source: x.from, Dest: x.dest}
	b := make([]byte, 0, 128)
	if version == lb.ProtocolPROXY {
		b = proxyproto.AppendV1(b, h)
	} else {
		h.TLS = x.tls.announced()
		b = proxyproto.AppendV2(b, h)
	}
	return s.writeAll(b, due)
}

// announced is what members are told of a client's TLS ("send-proxy-v2-ssl-cn"). nil:
// it spoke none with us.
func (t *tlsState) announced() *proxyproto.TLS {
	if t == nil {
		return nil
	}
	told := &proxyproto.TLS{Version: opensslVersions[t.version]}
	if t.client != nil {
		told.Certificate, told.OnConnection, told.Verified = true, !t.resumed, true
		told.CommonName, _ = tlsx.DNField(t.client.RawSubject, "CN")
	}
	return told
}

// opensslVersions are the names that servers expect.
var opensslVersions = map[uint16]string{
	tls.VersionTLS10: "TLSv1", tls.VersionTLS11: "TLSv1.1", tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3",
}

// trusts reports whether a peer begins its connections with a PROXY header, which is
// believed.
func (e *Engine) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(e.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// introduced reads the PROXY header of a trusted proxy and makes the session one of the
// client that it names. It reports whether the session goes on: not if there is no valid
// header, or if that client may not connect.
func (x *session) introduced(snap *snapshot) bool {
	due := now().add(min(x.engine.cfg.HeadTimeout, snap.clientData, snap.tcpInspect))
	h, err := x.readIntroduction(due)
	if err != nil {
		x.engine.log.Warn("trusted proxy sent no valid PROXY header", logkey.Listener, snap.listener, logkey.Addr, x.from, logkey.Err, err)
		snap.counters.errors.Add(1)
		return false
	}
	if !h.Local {
		x.from = netip.AddrPortFrom(h.Source.Addr().Unmap(), h.Source.Port())
		x.dest = h.Dest
	}
	if !snap.admits(x.from.Addr()) {
		snap.counters.refused.Add(1)
		_ = x.client.SetLinger(0) // as if it had come by itself
		return false
	}
	return true
}

// readIntroduction takes the header off the client's stream.
func (x *session) readIntroduction(due instant) (proxyproto.Header, error) {
	for {
		if err := x.client.fill(due); err != nil {
			return proxyproto.Header{}, err
		}
		buf := x.client.in.buf
		n, h, err := proxyproto.Parse(buf.bytes())
		if err != nil {
			return proxyproto.Header{}, err
		}
		if n > 0 {
			buf.consume(n)
			x.in += uint64(n) // the client has not sent this
			return h, nil
		}
	}
}
