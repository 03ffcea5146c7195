// Package logkey names the attributes of log records, so that one thing has one
// name in every line. It must never log anything itself.
package logkey

// The attribute keys.
const (
	Component = "component"
	Node      = "node"
	Peer      = "peer"
	Term      = "term"
	Index     = "index"
	Revision  = "revision"
	VIP       = "vip"
	MAC       = "mac"
	Iface     = "iface"
	LB        = "load_balancer"
	Listener  = "listener"
	Pool      = "pool"
	Member    = "member"
	Addr      = "addr"
	Path      = "path"
	Took      = "took"
	Attempt   = "attempt"
	Method    = "method"
	Err       = "err"
	Op        = "op"
	Role      = "role"
	Cluster   = "cluster"
	Reason    = "reason"
	Voters    = "voters"
	Epoch     = "epoch"
	PID       = "pid"
	Count     = "count"
	Target    = "target"

	Connections = "connections"

	Pause = "pause"

	// What a supervisor did for a worker that no longer acts, in microseconds and
	// in numbers.
	GateMicros    = "gate_us"
	WillMicros    = "will_us"
	AddressMicros = "addresses_us"
	Packets       = "packets"
	Addresses     = "addresses"
)
