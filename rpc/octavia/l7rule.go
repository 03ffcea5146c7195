package octavia

import (
	"iter"
	"net/http"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// ruleRow is an L7 rule as a snapshot shows it.
type ruleRow struct {
	placed
	*lb.L7Rule
}

func (r ruleRow) meta() *lb.Meta { return &r.Meta }

var l7Rules = owned(resource[ruleRow, lb.L7RuleSpec]{
	kind: lb.KindL7Rule, one: "rule", many: "rules", links: "rules_links", arg: "rule_",
	attrs: ruleAttributes,
	form:  ruleForm,
	id:    func(r ruleRow) string { return string(r.ID) },
	all: func(c *call, s *snapshot) (iter.Seq[ruleRow], error) {
		p, err := c.parentPolicy(s)
		if err == nil {
			err = c.may(access.Read, p.project())
		}
		return func(yield func(ruleRow) bool) {
			for _, rule := range p.Rules {
				if !yield(ruleRow{p.placed, rule}) {
					return
				}
			}
		}, err
	},
	find: func(c *call, s *snapshot, id string) (ruleRow, bool, error) {
		p, err := c.parentPolicy(s)
		if err != nil {
			return ruleRow{}, false, err
		}
		for _, rule := range p.Rules {
			if string(rule.ID) == id {
				return ruleRow{p.placed, rule}, true, nil
			}
		}
		return ruleRow{}, false, nil
	},
	create: func(c *call, s *snapshot, spec *lb.L7RuleSpec) (string, lb.Op, error) {
		p, err := c.parentPolicy(s)
		if err != nil {
			return "", nil, err
		}
		spec.PolicyID = lb.Some(p.ID)
		return p.child(&spec.MetaSpec), lb.CreateL7Rule{Spec: *spec}, nil
	},
	update: func(_ *call, r ruleRow, spec *lb.L7RuleSpec) (lb.Op, error) {
		return lb.UpdateL7Rule{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r ruleRow) (lb.Op, error) { return lb.DeleteL7Rule{ID: r.ID}, nil },
}, ruleRow.meta, func(r ruleRow) placed { return r.placed })

// parentPolicy is the policy that the path of a rule names.
func (c *call) parentPolicy(s *snapshot) (policyRow, error) {
	p, ok := s.policy(c.id(0))
	if !ok {
		return policyRow{L7Policy: &lb.L7Policy{}}, &fault{status: http.StatusNotFound, pecan: true, text: "L7Policy " + c.ids[0] + " not found."}
	}
	return p, nil
}

var ruleAttributes = slices.Concat(
	[]attribute[ruleRow]{{"id", func(r ruleRow) any { return string(r.ID) }}},
	metaAttributes(ruleRow.meta, func(r ruleRow) lb.Status { return r.status(string(r.ID)) }),
	[]attribute[ruleRow]{
		{"type", func(r ruleRow) any { return string(r.Type) }},
		{"compare_type", func(r ruleRow) any { return string(r.Compare) }},
		{"key", func(r ruleRow) any { return orNull(r.Key) }},
		{"value", func(r ruleRow) any { return r.Value }},
		{"invert", func(r ruleRow) any { return r.Invert }},
	},
)

var ruleForm = slices.Concat(
	metaForm(func(s *lb.L7RuleSpec) *lb.MetaSpec { return &s.MetaSpec }),
	object[lb.L7RuleSpec]{
		field("type", func(s *lb.L7RuleSpec) *lb.Opt[lb.L7RuleType] { return &s.Type }, oneOf(
			lb.L7HostName, lb.L7Path, lb.L7FileType, lb.L7Header, lb.L7Cookie, lb.L7SSLConnHasCert, lb.L7SSLVerifyResult, lb.L7SSLDNField)).must(),
		field("compare_type", func(s *lb.L7RuleSpec) *lb.Opt[lb.L7Compare] { return &s.Compare },
			oneOf(lb.L7Regex, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains, lb.L7EqualTo)).must(),
		field("key", func(s *lb.L7RuleSpec) *lb.Opt[string] { return &s.Key }, textOf(255)),
		field("value", func(s *lb.L7RuleSpec) *lb.Opt[string] { return &s.Value }, textOf(255)).must(),
		field("invert", func(s *lb.L7RuleSpec) *lb.Opt[bool] { return &s.Invert }, boolOf),
	},
)
