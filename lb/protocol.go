package lb

import "slices"

// The protocols of listeners and of pools, as Octavia lists them.
var (
	listenerProtocols = []Protocol{
		ProtocolHTTP, ProtocolHTTPS, ProtocolTCP, ProtocolTerminatedHTTPS, ProtocolUDP, ProtocolSCTP, ProtocolPrometheus,
	}
	poolProtocols = []Protocol{
		ProtocolHTTP, ProtocolHTTPS, ProtocolPROXY, ProtocolPROXYV2, ProtocolTCP, ProtocolUDP, ProtocolSCTP,
	}
)

// listenerPools says to pools of which protocols a listener may send. A PROMETHEUS
// listener answers by itself.
var listenerPools = map[Protocol][]Protocol{
	ProtocolTCP:             {ProtocolHTTP, ProtocolHTTPS, ProtocolPROXY, ProtocolPROXYV2, ProtocolTCP},
	ProtocolHTTP:            {ProtocolHTTP, ProtocolPROXY, ProtocolPROXYV2},
	ProtocolHTTPS:           {ProtocolHTTPS, ProtocolPROXY, ProtocolPROXYV2, ProtocolTCP},
	ProtocolTerminatedHTTPS: {ProtocolHTTP, ProtocolPROXY, ProtocolPROXYV2},
	ProtocolUDP:             {ProtocolUDP},
	ProtocolSCTP:            {ProtocolSCTP},
}

// transport returns the layer 4 protocol whose ports p takes.
func (p Protocol) transport() Protocol {
	if p == ProtocolUDP || p == ProtocolSCTP {
		return p
	}
	return ProtocolTCP
}

// datagram reports whether p is one of the protocols that Octavia treats as UDP.
func (p Protocol) datagram() bool { return p.transport() != ProtocolTCP }

// http reports whether a listener of p reads requests.
func (p Protocol) http() bool { return p == ProtocolHTTP || p == ProtocolTerminatedHTTPS }

// sends checks that a listener of protocol l may send to a pool of protocol p.
func (c *checker) sends(field string, l, p Protocol) bool {
	switch {
	case l == ProtocolPrometheus:
		c.childless(field)
	case !slices.Contains(listenerPools[l], p):
		c.failure(field, "The pool protocol '%s' is invalid while the listener protocol is '%s'.", p, l)
	default:
		return true
	}
	return false
}

// childless refuses a pool or an L7 policy for a PROMETHEUS listener.
func (c *checker) childless(field string) {
	c.invalid(field, "Protocol %s listeners cannot have child objects.", ProtocolPrometheus)
}
