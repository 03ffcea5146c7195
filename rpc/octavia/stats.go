package octavia

import (
	"net/http"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var statsAttributes = []attribute[lb.Stats]{
	{"bytes_in", func(s lb.Stats) any { return s.BytesIn }},
	{"bytes_out", func(s lb.Stats) any { return s.BytesOut }},
	{"active_connections", func(s lb.Stats) any { return s.ActiveConnections }},
	{"total_connections", func(s lb.Stats) any { return s.TotalConnections }},
	{"request_errors", func(s lb.Stats) any { return s.RequestErrors }},
}

// loadBalancerStats sums what the amphorae have counted of all listeners.
func loadBalancerStats(c *call) error {
	r, _, err := loadBalancers.found(c, access.Read)
	if err != nil {
		return err
	}
	return c.stats(r.t.Listeners...)
}

// statsOfListener sums what the amphorae have counted of a listener.
func statsOfListener(c *call) error {
	r, _, err := listeners.found(c, access.Read)
	if err != nil {
		return err
	}
	return c.stats(r.Listener)
}

func (c *call) stats(of ...*lb.Listener) error {
	counted, err := c.api.Backend.Stats(c.ctx())
	if err != nil {
		return err
	}
	var sum lb.Stats
	for _, node := range counted {
		for _, l := range of {
			sum = sum.Plus(node[l.ID])
		}
	}
	b := appendObject([]byte(`{"stats":`), statsAttributes, sum, nil)
	return writeJSON(c.w, http.StatusOK, append(b, '}'))
}
