package lbpb

import "github.com/amphora-lb/amphora/lb"

// FromL7Policy encodes an L7 policy without its rules, which are messages of their own.
func FromL7Policy(p *lb.L7Policy) *L7Policy {
	return &L7Policy{
		Id:               string(p.ID),
		Meta:             fromMeta(p.Meta),
		ListenerId:       string(p.ListenerID),
		Action:           string(p.Action),
		Position:         int64(p.Position),
		RedirectPoolId:   string(p.RedirectPoolID),
		RedirectUrl:      p.RedirectURL,
		RedirectPrefix:   p.RedirectPrefix,
		RedirectHttpCode: int64(p.RedirectCode),
	}
}

// ToLB decodes an L7 policy; it comes without rules.
func (x *L7Policy) ToLB() (*lb.L7Policy, error) {
	f := &faults{kind: lb.KindL7Policy, id: x.GetId()}
	return checked(f, &lb.L7Policy{
		ID:             lb.L7PolicyID(x.GetId()),
		Meta:           x.GetMeta().toLB(f),
		ListenerID:     lb.ListenerID(x.GetListenerId()),
		Action:         lb.L7Action(x.GetAction()),
		Position:       parsed(f, "position", x.GetPosition(), parseInt),
		RedirectPoolID: lb.PoolID(x.GetRedirectPoolId()),
		RedirectURL:    x.GetRedirectUrl(),
		RedirectPrefix: x.GetRedirectPrefix(),
		RedirectCode:   parsed(f, "redirect_http_code", x.GetRedirectHttpCode(), parseInt),
	})
}

// FromL7Rule encodes an L7 rule.
func FromL7Rule(r *lb.L7Rule) *L7Rule {
	return &L7Rule{
		Id:          string(r.ID),
		Meta:        fromMeta(r.Meta),
		L7PolicyId:  string(r.PolicyID),
		Type:        string(r.Type),
		CompareType: string(r.Compare),
		Key:         r.Key,
		Value:       r.Value,
		Invert:      r.Invert,
	}
}

// ToLB decodes an L7 rule.
func (x *L7Rule) ToLB() (*lb.L7Rule, error) {
	f := &faults{kind: lb.KindL7Rule, id: x.GetId()}
	return checked(f, &lb.L7Rule{
		ID:       lb.L7RuleID(x.GetId()),
		Meta:     x.GetMeta().toLB(f),
		PolicyID: lb.L7PolicyID(x.GetL7PolicyId()),
		Type:     lb.L7RuleType(x.GetType()),
		Compare:  lb.L7Compare(x.GetCompareType()),
		Key:      x.GetKey(),
		Value:    x.GetValue(),
		Invert:   x.GetInvert(),
	})
}

// FromL7PolicySpec encodes the spec of an L7 policy.
func FromL7PolicySpec(s lb.L7PolicySpec) *L7PolicySpec {
	var n nulls
	x := &L7PolicySpec{
		Meta:             fromMetaSpec(&n, s.MetaSpec),
		ListenerId:       from(&n, "listener_id", s.ListenerID, formatText),
		Action:           from(&n, "action", s.Action, formatText),
		Position:         from(&n, "position", s.Position, formatInt),
		RedirectPoolId:   from(&n, "redirect_pool_id", s.RedirectPoolID, formatText),
		RedirectUrl:      from(&n, "redirect_url", s.RedirectURL, formatText),
		RedirectPrefix:   from(&n, "redirect_prefix", s.RedirectPrefix, formatText),
		RedirectHttpCode: from(&n, "redirect_http_code", s.RedirectCode, formatInt),
		RedirectPoolName: s.RedirectPoolName,
		Rules:            formatAll(s.Rules, FromL7RuleSpec),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of an L7 policy.
func (x *L7PolicySpec) ToLB() (lb.L7PolicySpec, error) {
	if x == nil {
		x = &L7PolicySpec{}
	}
	f := newFields(lb.KindL7Policy, x.NullFields)
	s := lb.L7PolicySpec{
		MetaSpec:         x.Meta.toLB(f),
		ListenerID:       to(f, "listener_id", x.ListenerId, parseText[lb.ListenerID]),
		Action:           to(f, "action", x.Action, parseText[lb.L7Action]),
		Position:         to(f, "position", x.Position, parseIntField),
		RedirectPoolID:   to(f, "redirect_pool_id", x.RedirectPoolId, parseText[lb.PoolID]),
		RedirectURL:      to(f, "redirect_url", x.RedirectUrl, parseText[string]),
		RedirectPrefix:   to(f, "redirect_prefix", x.RedirectPrefix, parseText[string]),
		RedirectCode:     to(f, "redirect_http_code", x.RedirectHttpCode, parseIntField),
		RedirectPoolName: x.RedirectPoolName,
		Rules:            nested(f, x.Rules, (*L7RuleSpec).ToLB),
	}
	return s, f.done()
}

// FromL7RuleSpec encodes the spec of an L7 rule.
func FromL7RuleSpec(s lb.L7RuleSpec) *L7RuleSpec {
	var n nulls
	x := &L7RuleSpec{
		Meta:        fromMetaSpec(&n, s.MetaSpec),
		L7PolicyId:  from(&n, "l7policy_id", s.PolicyID, formatText),
		Type:        from(&n, "type", s.Type, formatText),
		CompareType: from(&n, "compare_type", s.Compare, formatText),
		Key:         from(&n, "key", s.Key, formatText),
		Value:       from(&n, "value", s.Value, formatText),
		Invert:      from(&n, "invert", s.Invert, formatBool),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of an L7 rule.
func (x *L7RuleSpec) ToLB() (lb.L7RuleSpec, error) {
	if x == nil {
		x = &L7RuleSpec{}
	}
	f := newFields(lb.KindL7Rule, x.NullFields)
	s := lb.L7RuleSpec{
		MetaSpec: x.Meta.toLB(f),
		PolicyID: to(f, "l7policy_id", x.L7PolicyId, parseText[lb.L7PolicyID]),
		Type:     to(f, "type", x.Type, parseText[lb.L7RuleType]),
		Compare:  to(f, "compare_type", x.CompareType, parseText[lb.L7Compare]),
		Key:      to(f, "key", x.Key, parseText[string]),
		Value:    to(f, "value", x.Value, parseText[string]),
		Invert:   to(f, "invert", x.Invert, parseBool),
	}
	return s, f.done()
}
