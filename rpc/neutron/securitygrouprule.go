package neutron

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// kindRule is for errors: to lb a rule is a part of its group.
const kindRule lb.Kind = "security group rule"

// rules are resources of their own for clients. They are made and deleted by changing
// their group.
var rules = ruleCollection()

func ruleCollection() *collection {
	c := &collection{
		kind: kindRule, name: "security_group_rule", plural: "security_group_rules", path: "/v2.0/security-group-rules",
		all: func(v *view) iter.Seq[record] {
			return func(yield func(record) bool) {
				for g := range v.SecurityGroups() {
					for i := range g.Rules {
						if !yield(showRule(g, &g.Rules[i])) {
							return
						}
					}
				}
			}
		},
	}
	c.get = func(v *view, id string) (record, bool) {
		for r := range c.all(v) {
			if r["id"] == id {
				return r, true
			}
		}
		return nil, false
	}
	for name := range showRule(&lb.SecurityGroup{}, &lb.SecurityGroupRule{}) {
		c.attributes = append(c.attributes, name)
	}
	return c
}

func (s *server) routeRules(mux *http.ServeMux) {
	for pattern, serve := range map[string]func(*server, http.ResponseWriter, *http.Request) error{
		"GET " + rules.path:              rules.serveList,
		"GET " + rules.path + "/{id}":    rules.serveShow,
		"POST " + rules.path:             createRules,
		"DELETE " + rules.path + "/{id}": deleteRule,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(s, w, r); err != nil {
				s.refuse(w, r, err)
			}
		})
	}
}

// createRules adds rules to their groups. Rules of several groups are added in one step.
func createRules(s *server, w http.ResponseWriter, r *http.Request) error {
	bodies, bulk, err := rules.decode(r)
	if err != nil {
		return err
	}
	caller := access.From(r.Context())
	var ids []string
	added := map[lb.SecurityGroupID][]lb.SecurityGroupRule{}
	var order []lb.SecurityGroupID
	for _, f := range bodies {
		if _, err := f.owner(caller, "create_security_group_rule"); err != nil {
			return err
		}
		f.required("security_group_id")
		f.required("direction")
		group, _ := attr(f, "security_group_id", uuidOf[lb.SecurityGroupID]).Get()
		rule := takeRule(f)
		if err := f.done(); err != nil {
			return err
		}
		if !slices.Contains(order, group) {
			order = append(order, group)
		}
		added[group] = append(added[group], rule)
		ids = append(ids, rule.ID)
	}
	err = s.retry(r, func() error {
		v := s.view()
		var batch lb.Batch
		for _, id := range order {
			g, err := changeableGroup(v, caller, string(id), "create_security_group_rule")
			if err != nil {
				return err
			}
			all := slices.Clone(g.Rules)
			for _, rule := range added[id] {
				if same := slices.IndexFunc(all, func(o lb.SecurityGroupRule) bool { return sameRule(o, rule) }); same >= 0 {
					return fault{http.StatusConflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is " + all[same].ID + "."}
				}
				all = append(all, rule)
			}
			if err := unseen(v, caller, lb.UpdateSecurityGroup{Spec: lb.SecurityGroupSpec{Rules: lb.Some(added[id])}}); err != nil {
				return err
			}
			batch.Ops = append(batch.Ops, lb.UpdateSecurityGroup{ID: g.ID, If: g.Revision, Spec: lb.SecurityGroupSpec{Rules: lb.Some(all)}})
		}
		op := batch.Ops[0]
		if len(batch.Ops) > 1 {
			op = batch
		}
		_, _, err := s.backend.Propose(r.Context(), "", caller.Open, op)
		return err
	})
	if err != nil {
		return err
	}
	return rules.answer(s, w, http.StatusCreated, ids, bulk)
}

func deleteRule(s *server, w http.ResponseWriter, r *http.Request) error {
	caller, id := access.From(r.Context()), r.PathValue("id")
	err := s.retry(r, func() error {
		v := s.view()
		rule, err := rules.find(v, caller, id)
		if err != nil {
			return err
		}
		g, err := changeableGroup(v, caller, asText(rule["security_group_id"]), "delete_security_group_rule")
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(g.Rules), func(o lb.SecurityGroupRule) bool { return o.ID == id })
		_, _, err = s.backend.Propose(r.Context(), "", caller.Open,
			lb.UpdateSecurityGroup{ID: g.ID, If: g.Revision, Spec: lb.SecurityGroupSpec{Rules: lb.Some(left)}})
		return err
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// changeableGroup finds the group whose rules a caller wants to change.
func changeableGroup(v *view, caller access.Caller, id, action string) (*lb.SecurityGroup, error) {
	g, ok := v.SecurityGroup(lb.SecurityGroupID(id))
	switch {
	case !ok || !caller.May(access.Read, g.ProjectID):
		return nil, notFound(lb.KindSecurityGroup, id)
	case !caller.May(access.Write, g.ProjectID):
		return nil, disallowed(action)
	}
	return g, nil
}

// sameRule compares all but id and description, as Neutron does.
func sameRule(a, b lb.SecurityGroupRule) bool {
	a.ID, b.ID, a.Description, b.Description = "", "", "", ""
	return a == b
}

// takeRule reads a rule and gives it an id.
func takeRule(f *fields) lb.SecurityGroupRule {
	rule := lb.SecurityGroupRule{ID: uuid.NewString(), EtherType: "IPv4"}
	if v, ok := attr(f, "direction", oneOf("ingress", "egress")).Get(); ok {
		rule.Direction = v
	}
	if v, ok := attr(f, "ethertype", oneOf("IPv4", "IPv6")).Get(); ok {
		rule.EtherType = v
	}
	rule.Protocol, _ = attr(f, "protocol", protocol).Get()
	rule.PortMin, _ = attr(f, "port_range_min", number).Get()
	rule.PortMax, _ = attr(f, "port_range_max", number).Get()
	rule.RemotePrefix, _ = attr(f, "remote_ip_prefix", prefix).Get()
	rule.RemoteGroupID, _ = attr(f, "remote_group_id", uuidOf[lb.SecurityGroupID]).Get()
	rule.Description, _ = attr(f, "description", text).Get()
	f.only("remote_address_group_id")
	switch ported := slices.Contains([]string{"tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136"}, rule.Protocol); {
	case rule.RemotePrefix.IsValid() && rule.RemoteGroupID != "":
		f.refuse("Only remote_ip_prefix or remote_group_id may be provided.")
	case rule.RemotePrefix.IsValid() && ipVersion(rule.RemotePrefix.Addr()) != version(rule.EtherType):
		f.refuse("Conflicting value ethertype %s for CIDR %s", rule.EtherType, rule.RemotePrefix)
	case (rule.PortMin != 0 || rule.PortMax != 0) && rule.Protocol == "":
		f.refuse("Must also specify protocol if port range is given.")
	case ported && (rule.PortMin > rule.PortMax || rule.PortMin < 1 && rule.PortMax > 0 || rule.PortMax > 65535):
		f.refuse("For TCP/UDP protocols, port_range_min must be <= port_range_max")
	case !ported && (rule.PortMin < 0 || rule.PortMin > 255 || rule.PortMax < 0 || rule.PortMax > 255):
		f.refuse("Invalid value for ICMP type or code, use 0 to 255")
	}
	return rule
}

func version(etherType string) int {
	if etherType == "IPv6" {
		return 6
	}
	return 4
}

// oneOf reads one of the words, in any case.
func oneOf(words ...string) func(json.RawMessage) (string, error) {
	return func(raw json.RawMessage) (string, error) {
		s, err := text(raw)
		if err != nil {
			return "", err
		}
		for _, w := range words {
			if strings.EqualFold(s, w) {
				return w, nil
			}
		}
		return "", fmt.Errorf("'%s' is not in %s", s, strings.Join(words, ", "))
	}
}

// protocols are the names that Neutron knows besides numbers.
var protocols = []string{
	"ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "icmpv6", "igmp", "ip", "ipip", "ipv6-encap", "ipv6-frag",
	"ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp", "udplite", "vrrp",
}

// protocol reads a name, a number, or "any", which is none.
func protocol(raw json.RawMessage) (string, error) {
	s := strings.ToLower(strings.Trim(string(raw), `"`))
	if s == "any" || s == "" || s == "0" {
		return "", nil
	}
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n <= 255 || slices.Contains(protocols, s) {
		return s, nil
	}
	return "", fmt.Errorf("security group rule protocol %s not supported", s)
}
