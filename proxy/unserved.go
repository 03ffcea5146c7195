package proxy

import (
	"fmt"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/health"
)

// What the API takes and this engine does not do is not done half: the object is in
// error with a reason, and the rest of its load balancer is served.

// unserved says of each object of a tree that is not served, though it is not disabled,
// why.
func unserved(t *lb.Tree) map[string]string {
	reasons := make(map[string]string)
	say := func(id, reason string) { reasons[id] = reason }
	note := func(id, gap string) {
		if gap != "" {
			say(id, gap+" is not served by this version")
		}
	}
	if !t.LoadBalancer.AdminStateUp {
		return reasons
	}
	for _, l := range t.Listeners {
		if !l.AdminStateUp {
			continue
		}
		note(string(l.ID), listenerGap(l))
	}
	for _, p := range t.Pools {
		if !p.AdminStateUp {
			continue
		}
		note(string(p.ID), poolGap(p))
		if gap := persistenceGap(p); gap != "" {
			say(string(p.ID), gap)
		}
		if h := p.Monitor; h != nil && h.AdminStateUp {
			if gap := health.Gap(h.Type); gap != "" {
				say(string(h.ID), gap)
			}
		}
	}
	return reasons
}

// listenerGap names what of a listener is not served, "" for nothing.
func listenerGap(l *lb.Listener) string {
	switch l.Protocol {
	case lb.ProtocolHTTP, lb.ProtocolTerminatedHTTPS, lb.ProtocolHTTPS, lb.ProtocolTCP: // HTTPS passes through
		return ""
	default:
		return fmt.Sprintf("protocol %s", l.Protocol)
	}
}

// poolGap names what of a pool is not served, "" for nothing.
func poolGap(p *lb.Pool) string {
	switch p.Protocol {
	case lb.ProtocolHTTP, lb.ProtocolHTTPS, lb.ProtocolTCP, lb.ProtocolPROXY, lb.ProtocolPROXYV2:
	default:
		return fmt.Sprintf("protocol %s", p.Protocol)
	}
	return ""
}
