package octavia

import (
	"encoding/json"
	"net/http"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// The status tree has the form that Octavia answers with, which is not quite the one that
// its reference describes. Below a listener it also has what the reference, gophercloud
// and Terraform look for under other names: healthmonitor and l7policies.
type (
	oneStatus struct {
		ID           string                `json:"id"`
		Name         string                `json:"name"`
		Operating    lb.OperatingStatus    `json:"operating_status"`
		Provisioning lb.ProvisioningStatus `json:"provisioning_status"`
		Reason       string                `json:"status_reason,omitempty"`
	}
	loadBalancerStatus struct {
		oneStatus
		Listeners []listenerStatus `json:"listeners"`
	}
	listenerStatus struct {
		oneStatus
		Pools      []poolStatus   `json:"pools"`
		L7Policies []policyStatus `json:"l7policies"`
	}
	poolStatus struct {
		oneStatus
		Monitor *monitorStatus `json:"health_monitor,omitempty"`
		Alias   *monitorStatus `json:"healthmonitor,omitempty"`
		Members []memberStatus `json:"members"`
	}
	monitorStatus struct {
		oneStatus
		Type lb.MonitorType `json:"type"`
	}
	memberStatus struct {
		oneStatus
		Address      string `json:"address"`
		ProtocolPort uint16 `json:"protocol_port"`
	}
	policyStatus struct {
		oneStatus
		Action lb.L7Action  `json:"action"`
		Rules  []ruleStatus `json:"rules"`
	}
	ruleStatus struct {
		oneStatus
		Type lb.L7RuleType `json:"type"`
	}
)

// statusTree shows the statuses of a load balancer and of what serves it: pools that no
// request can reach are left out.
func statusTree(c *call) error {
	r, _, err := loadBalancers.found(c, access.Read)
	if err != nil {
		return err
	}
	tree := loadBalancerStatus{r.oneStatus(string(r.ID), r.Name), make([]listenerStatus, len(r.t.Listeners))}
	for i, l := range r.t.Listeners {
		tree.Listeners[i] = r.statusOfListener(l)
	}
	type statuses struct {
		LoadBalancer loadBalancerStatus `json:"loadbalancer"`
	}
	b, err := json.Marshal(struct {
		Statuses statuses `json:"statuses"`
	}{statuses{tree}})
	if err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, b)
}

func (p placed) oneStatus(id, name string) oneStatus {
	s := p.status(id)
	return oneStatus{id, name, s.Operating, s.Provisioning, s.Reason}
}

func (p placed) statusOfListener(l *lb.Listener) listenerStatus {
	s := listenerStatus{p.oneStatus(string(l.ID), l.Name), []poolStatus{}, make([]policyStatus, len(l.L7Policies))}
	for _, id := range poolsOf(l) {
		for _, pool := range p.t.Pools {
			if pool.ID == id {
				s.Pools = append(s.Pools, p.statusOfPool(pool))
			}
		}
	}
	for i, policy := range l.L7Policies {
		s.L7Policies[i] = policyStatus{p.oneStatus(string(policy.ID), policy.Name), policy.Action, make([]ruleStatus, len(policy.Rules))}
		for j, rule := range policy.Rules {
			s.L7Policies[i].Rules[j] = ruleStatus{p.oneStatus(string(rule.ID), rule.Name), rule.Type}
		}
	}
	return s
}

func (p placed) statusOfPool(pool *lb.Pool) poolStatus {
	s := poolStatus{oneStatus: p.oneStatus(string(pool.ID), pool.Name), Members: make([]memberStatus, len(pool.Members))}
	if m := pool.Monitor; m != nil {
		s.Monitor = &monitorStatus{p.oneStatus(string(m.ID), m.Name), m.Type}
		s.Alias = s.Monitor
	}
	for i, m := range pool.Members {
		s.Members[i] = memberStatus{p.oneStatus(string(m.ID), m.Name), m.Address.String(), m.ProtocolPort}
	}
	return s
}
