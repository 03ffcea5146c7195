package lb

// Stats are what a data plane counts: of one listener since it was first served, or of a
// load balancer, which is the sum over its listeners. They go on over changes of the
// configuration. They are not replicated: each node counts what it served itself, until it
// restarts.
type Stats struct {
	ActiveConnections int64  // client connections now
	TotalConnections  uint64 // client connections accepted
	BytesIn           uint64 // received from clients
	BytesOut          uint64 // sent to clients
	RequestErrors     uint64 // requests and connections that could not be served
}

// Plus is the sum of s and t.
func (s Stats) Plus(t Stats) Stats {
	return Stats{
		ActiveConnections: s.ActiveConnections + t.ActiveConnections,
		TotalConnections:  s.TotalConnections + t.TotalConnections,
		BytesIn:           s.BytesIn + t.BytesIn,
		BytesOut:          s.BytesOut + t.BytesOut,
		RequestErrors:     s.RequestErrors + t.RequestErrors,
	}
}
