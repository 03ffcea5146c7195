package octavia

import (
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// policyRow is an L7 policy as a snapshot shows it.
type policyRow struct {
	placed
	*lb.L7Policy
	whole bool // with its rules, as a part of the answer to a fully populated create
}

func (r policyRow) meta() *lb.Meta { return &r.Meta }

var l7Policies = owned(resource[policyRow, lb.L7PolicySpec]{
	kind: lb.KindL7Policy, one: "l7policy", many: "l7policies", links: "l7policies_links", arg: "l7policy_",
	attrs: policyAttributes(),
	form:  slices.Concat(policyForm(), ofParent("listener_id", func(s *lb.L7PolicySpec) *lb.Opt[lb.ListenerID] { return &s.ListenerID })),
	id:    func(r policyRow) string { return string(r.ID) },
	all: func(_ *call, s *snapshot) (iter.Seq[policyRow], error) {
		return func(yield func(policyRow) bool) {
			for p := range s.placedAll() {
				for _, l := range p.t.Listeners {
					for _, policy := range l.L7Policies {
						if !yield(policyRow{p, policy, false}) {
							return
						}
					}
				}
			}
		}, nil
	},
	find: func(_ *call, s *snapshot, id string) (policyRow, bool, error) {
		r, ok := s.policy(id)
		return r, ok, nil
	},
	create: func(_ *call, s *snapshot, spec *lb.L7PolicySpec) (string, lb.Op, error) {
		id := valueOf(spec.ListenerID)
		l, ok := s.listener(string(id))
		if !ok {
			return "", nil, missing(lb.KindListener, string(id))
		}
		return l.child(&spec.MetaSpec), lb.CreateL7Policy{Spec: *spec}, nil
	},
	update: func(_ *call, r policyRow, spec *lb.L7PolicySpec) (lb.Op, error) {
		return lb.UpdateL7Policy{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r policyRow) (lb.Op, error) { return lb.DeleteL7Policy{ID: r.ID}, nil },
}, policyRow.meta, func(r policyRow) placed { return r.placed })

// policyAttributes are those of an answer. A function, because a policy has rules, which
// have attributes of their own.
func policyAttributes() []attribute[policyRow] {
	return slices.Concat(
		[]attribute[policyRow]{{"id", func(r policyRow) any { return string(r.ID) }}},
		nameAttributes(policyRow.meta),
		metaAttributes(policyRow.meta, func(r policyRow) lb.Status { return r.status(string(r.ID)) }),
		[]attribute[policyRow]{
			{"listener_id", func(r policyRow) any { return string(r.ListenerID) }},
			{"action", func(r policyRow) any { return string(r.Action) }},
			{"position", func(r policyRow) any { return r.Position }},
			{"redirect_pool_id", func(r policyRow) any { return orNull(r.RedirectPoolID) }},
			{"redirect_url", func(r policyRow) any { return orNull(r.RedirectURL) }},
			{"redirect_prefix", func(r policyRow) any { return orNull(r.RedirectPrefix) }},
			{"redirect_http_code", func(r policyRow) any {
				if r.RedirectCode == 0 {
					return nil
				}
				return r.RedirectCode
			}},
			{"rules", func(r policyRow) any { return r.rules() }},
		},
	)
}

// rules are ids, or whole.
func (r policyRow) rules() any {
	if r.whole {
		return wholes(ruleAttributes, r.Rules, func(rule *lb.L7Rule) ruleRow { return ruleRow{r.placed, rule} })
	}
	ids := make(refs, len(r.Rules))
	for i, rule := range r.Rules {
		ids[i] = string(rule.ID)
	}
	return ids
}

// policyForm is what a request says of a policy, but for its listener.
func policyForm() object[lb.L7PolicySpec] {
	type S = lb.L7PolicySpec
	return slices.Concat(
		nameForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		metaForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		object[S]{
			refuseNull(field("action", func(s *S) *lb.Opt[lb.L7Action] { return &s.Action },
				oneOf(lb.L7Reject, lb.L7RedirectToURL, lb.L7RedirectToPool, lb.L7RedirectPrefix)),
				"Invalid L7 Policy action specified: None").must(),
			field("position", func(s *S) *lb.Opt[int] { return &s.Position }, intOf(1, math.MaxInt32)),
			field("redirect_pool_id", func(s *S) *lb.Opt[lb.PoolID] { return &s.RedirectPoolID }, idOf[lb.PoolID]),
			field("redirect_url", func(s *S) *lb.Opt[string] { return &s.RedirectURL }, urlOf),
			field("redirect_prefix", func(s *S) *lb.Opt[string] { return &s.RedirectPrefix }, urlOf),
			field("redirect_http_code", func(s *S) *lb.Opt[int] { return &s.RedirectCode }, redirectCodeOf),
			each("rules", ruleForm, func(s *S, r lb.L7RuleSpec) error {
				s.Rules = append(s.Rules, r)
				return nil
			}).create(),
		},
	)
}

// urlOf is a text that begins like a URL. The rest is for lb to check.
func urlOf(v any) (string, error) {
	s, err := textOf(255)(v)
	if err == nil && !strings.HasPrefix(strings.ToLower(s), "http://") && !strings.HasPrefix(strings.ToLower(s), "https://") {
		err = reason("Value must be a valid URL string")
	}
	return s, err
}

// redirectCodeOf is one of the codes that redirect.
func redirectCodeOf(v any) (int, error) {
	n, err := intOf(0, math.MaxInt32)(v)
	if err == nil && !slices.Contains([]int{301, 302, 303, 307, 308}, n) {
		err = reason("Value should be one of: 301, 302, 303, 307, 308")
	}
	return n, err
}
