package octavia

import (
	"errors"
	"iter"
	"net/http"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// amphora is what one node is to one load balancer. Octavia makes amphorae for each load
// balancer; here every node that can hold VIPs serves all of them.
type amphora struct {
	id   string
	node Node
	role string
	lb   *lb.LoadBalancer
}

// amphoraID is the id of a node as an amphora of a load balancer: the same on every node
// and after every restart.
func amphoraID(id lb.LoadBalancerID, node string) string {
	space, err := uuid.Parse(string(id))
	if err != nil {
		space = uuid.NameSpaceOID
	}
	return uuid.NewSHA1(space, []byte(node)).String()
}

// computeID is the node's own id, in the form that clients expect.
func (a amphora) computeID() string {
	if id, ok := canonical(a.node.ID); ok {
		return id
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(a.node.ID)).String()
}

// status is ERROR for a node that is silent.
func (a amphora) status() string {
	if a.node.Alive {
		return "ALLOCATED"
	}
	return "ERROR"
}

// reason is why the status is ERROR.
func (a amphora) reason() string {
	if a.node.Alive {
		return ""
	}
	return "the other nodes do not hear from it"
}

// priority is VRRP's, as Octavia sets it by role. No VRRP is spoken.
func (a amphora) priority() any {
	switch a.role {
	case roleMaster:
		return 100
	case roleBackup:
		return 90
	}
	return nil
}

const (
	roleMaster     = "MASTER" // holds the VIPs
	roleBackup     = "BACKUP"
	roleStandalone = "STANDALONE" // there is no other one
)

var amphorae = &resource[amphora, struct{}]{
	kind: kindAmphora, one: "amphora", many: "amphorae", links: "amphorae_links",
	read: access.Admin, global: access.Admin, write: access.Admin,
	id:      func(a amphora) string { return a.id },
	project: func(a amphora) string { return a.lb.ProjectID },
	all:     allAmphorae,
	find: func(c *call, s *snapshot, id string) (amphora, bool, error) {
		all, err := allAmphorae(c, s)
		if err != nil {
			return amphora{}, false, err
		}
		for a := range all {
			if a.id == id {
				return a, true, nil
			}
		}
		return amphora{}, false, nil
	},
	attrs: []attribute[amphora]{
		{"id", func(a amphora) any { return a.id }},
		{"loadbalancer_id", func(a amphora) any { return string(a.lb.ID) }},
		{"compute_id", func(a amphora) any { return a.computeID() }},
		{"lb_network_ip", func(a amphora) any { return orNull(a.node.Address) }},
		{"vrrp_ip", func(a amphora) any { return orNull(a.node.Address) }},
		{"ha_ip", func(a amphora) any { return orNull(a.lb.VIPAddress.String()) }},
		{"vrrp_port_id", func(amphora) any { return nil }},
		{"ha_port_id", func(a amphora) any { return orNull(a.lb.VIPPortID) }},
		{"cert_expiration", func(a amphora) any { return a.node.CertExpires }},
		{"cert_busy", func(amphora) any { return false }},
		{"role", func(a amphora) any { return a.role }},
		{"status", func(a amphora) any { return a.status() }},
		{"status_reason", func(a amphora) any { return orAbsent(a.reason()) }},
		{"vrrp_interface", func(a amphora) any { return orNull(a.node.Interface) }},
		{"vrrp_id", func(amphora) any { return 1 }},
		{"vrrp_priority", func(a amphora) any { return a.priority() }},
		{"cached_zone", func(a amphora) any { return orNull(a.node.Zone) }},
		{"created_at", func(a amphora) any { return creation{&a.lb.Meta} }},
		{"updated_at", func(a amphora) any { return a.lb.UpdatedAt }},
		{"image_id", func(amphora) any { return nil }},
		{"compute_flavor", func(amphora) any { return nil }},
	},
}

// allAmphorae are every node as the amphora of every load balancer.
func allAmphorae(c *call, s *snapshot) (iter.Seq[amphora], error) {
	nodes, err := c.api.Backend.Amphorae(c.ctx())
	if err != nil {
		return nil, err
	}
	return func(yield func(amphora) bool) {
		for t := range s.cfg.Trees() {
			for _, n := range nodes {
				a := amphora{id: amphoraID(t.LoadBalancer.ID, n.ID), node: n, role: roleBackup, lb: t.LoadBalancer}
				switch {
				case len(nodes) == 1:
					a.role = roleStandalone
				case n.Holder:
					a.role = roleMaster
				}
				if !yield(a) {
					return
				}
			}
		}
	}, nil
}

func amphoraRoutes() []route {
	const one = "/octavia/amphorae/{}"
	return []route{
		{http.MethodGet, "/octavia/amphorae", amphorae.list},
		{http.MethodGet, one, amphorae.show},
		{http.MethodDelete, one, deleteAmphora},
		{http.MethodPut, one + "/config", configureAmphora},
		{http.MethodPut, one + "/failover", failoverAmphora},
		{http.MethodGet, one + "/stats", amphoraStats},
	}
}

// amphoraOf returns the amphora whose id stands before the last segment of the path.
func amphoraOf(c *call) (amphora, error) {
	a, _, err := amphorae.found(c, access.Admin)
	return a, err
}

// deleteAmphora refuses: nodes leave the cluster, and take part for every load balancer.
func deleteAmphora(c *call) error {
	a, err := amphoraOf(c)
	if err != nil {
		return err
	}
	if a.status() != "ERROR" {
		return refuse(http.StatusConflict, "Amphora %s is immutable and cannot be updated.", a.id)
	}
	return refuse(http.StatusNotImplemented, "Provider 'amphora' does not support a requested action: amphora %s is node %s; take it out of the cluster with amphoractl.", a.id, a.node.ID)
}

// configureAmphora has nothing to push: a node reads its own configuration.
func configureAmphora(c *call) error {
	if _, err := amphoraOf(c); err != nil {
		return err
	}
	return c.accepted()
}

// failoverAmphora moves the VIPs away from the node, if it holds them.
func failoverAmphora(c *call) error {
	a, err := amphoraOf(c)
	if err != nil {
		return err
	}
	if a.node.Holder {
		if err := c.api.Backend.Failover(c.ctx(), a.node.ID); err != nil {
			return err
		}
	}
	return c.accepted()
}

// listenerStats is one line of an amphora's statistics.
type listenerStats struct {
	amphora  amphora
	listener lb.ListenerID
	lb.Stats
}

var listenerStatsAttributes = []attribute[listenerStats]{
	{"active_connections", func(s listenerStats) any { return s.ActiveConnections }},
	{"bytes_in", func(s listenerStats) any { return s.BytesIn }},
	{"bytes_out", func(s listenerStats) any { return s.BytesOut }},
	{"id", func(s listenerStats) any { return s.amphora.id }},
	{"listener_id", func(s listenerStats) any { return string(s.listener) }},
	{"loadbalancer_id", func(s listenerStats) any { return string(s.amphora.lb.ID) }},
	{"request_errors", func(s listenerStats) any { return s.RequestErrors }},
	{"total_connections", func(s listenerStats) any { return s.TotalConnections }},
}

// amphoraStats shows what a node has counted of a load balancer's listeners.
func amphoraStats(c *call) error {
	a, s, err := amphorae.found(c, access.Admin)
	if f, ok := errors.AsType[*fault](err); ok && f.status == http.StatusNotFound {
		return refuse(http.StatusNotFound, "Amphora stats for %s not found.", c.ids[0])
	}
	if err != nil {
		return err
	}
	counted, err := c.api.Backend.Stats(c.ctx())
	if err != nil {
		return err
	}
	var rows []listenerStats
	if t, ok := s.cfg.Tree(a.lb.ID); ok {
		for _, l := range t.Listeners {
			if n, ok := counted[a.node.ID][l.ID]; ok {
				rows = append(rows, listenerStats{a, l.ID, n})
			}
		}
	}
	if len(rows) == 0 {
		return refuse(http.StatusNotFound, "Amphora stats for %s not found.", a.id)
	}
	b := appendList([]byte(`{"amphora_stats":`), rows, func(b []byte, r listenerStats) []byte {
		return appendObject(b, listenerStatsAttributes, r, nil)
	})
	return writeJSON(c.w, http.StatusOK, append(b, '}'))
}
