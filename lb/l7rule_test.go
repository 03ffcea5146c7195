package lb

import (
	"slices"
	"strings"
	"testing"
)

func pathRule(v string) L7RuleSpec {
	return L7RuleSpec{Type: Some(L7Path), Compare: Some(L7StartsWith), Value: Some(v)}
}

// l7RuleRules hold for create and update of a rule; each sets all that it is about.
func l7RuleRules() []rule[L7RuleSpec] {
	with := func(kind L7RuleType, compare L7Compare, key, value string) func(*L7RuleSpec) {
		return func(s *L7RuleSpec) {
			s.Type, s.Compare, s.Key, s.Value = Some(kind), Some(compare), Some(key), Some(value)
		}
	}
	meta := func(s *L7RuleSpec) *MetaSpec { return &s.MetaSpec }
	rules := []rule[L7RuleSpec]{
		{
			"unknown type", with("BODY", L7EqualTo, "", "x"), ErrInvalid, "type",
			"Value should be one of: COOKIE, FILE_TYPE, HEADER, HOST_NAME, PATH, SSL_CONN_HAS_CERT, SSL_VERIFY_RESULT, SSL_DN_FIELD",
		},
		{
			"unknown compare type", with(L7Path, "LIKE", "", "x"), ErrInvalid, "compare_type",
			"Value should be one of: CONTAINS, ENDS_WITH, EQUAL_TO, REGEX, STARTS_WITH",
		},
		{"empty value", with(L7Path, L7EqualTo, "", ""), ErrInvalid, "value", "Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a value"},
		{"value too long", with(L7Path, L7EqualTo, "", strings.Repeat("x", 256)), ErrInvalid, "value", "at most 255"},
		{"key too long", with(L7Header, L7EqualTo, strings.Repeat("x", 256), "v"), ErrInvalid, "key", "at most 255"},
		{"value that ends the line", with(L7Path, L7EqualTo, "", "a\nb"), ErrInvalid, "value", "Error parsing L7Rule: Invalid characters in value"},
		{"value with a space", with(L7Path, L7EqualTo, "", "a b"), ErrInvalid, "value", "Error parsing L7Rule: Invalid characters in comparison value"},
		{"quoted value", with(L7Path, L7EqualTo, "", "\"a b\tc\""), nil, "", ""},
		{"value not ASCII", with(L7HostName, L7EqualTo, "", "é"), ErrInvalid, "value", "Invalid characters in comparison value"},
		{"regular expression", with(L7HostName, L7Regex, "", `^(a|b)\.example\.com$`), nil, "", ""},
		{"regular expression that is none", with(L7HostName, L7Regex, "", "("), ErrInvalid, "value", "Error parsing L7Rule: Unable to parse regular expression: missing closing )"},
		{"regular expression with a control character", with(L7HostName, L7Regex, "", "a\tb"), ErrInvalid, "value", "contains control characters"},
		{"file type", with(L7FileType, L7EqualTo, "", "jpg"), nil, "", ""},
		{"file type by expression", with(L7FileType, L7Regex, "", "jpe?g"), nil, "", ""},
		{"file type by prefix", with(L7FileType, L7StartsWith, "", "j"), ErrInvalid, "compare_type", "Error parsing L7Rule: Invalid L7 Rule: invalid comparison type for rule type"},
		{"header", with(L7Header, L7Contains, "X-A,b", "v,;\\"), nil, "", ""},
		{"header without key", with(L7Header, L7Contains, "", "v"), ErrInvalid, "key", "Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a key"},
		{"header key with a colon", with(L7Header, L7Contains, "a:b", "v"), ErrInvalid, "key", "Error parsing L7Rule: Invalid characters in key"},
		{"header value with a space", with(L7Header, L7Contains, "a", "v w"), ErrInvalid, "value", "Error parsing L7Rule: Invalid characters in header value"},
		{"cookie", with(L7Cookie, L7EqualTo, "id", "a=b"), nil, "", ""},
		{"cookie without key", with(L7Cookie, L7EqualTo, "", "v"), ErrInvalid, "key", "requires a key"},
		{"cookie value with a quote", with(L7Cookie, L7EqualTo, "id", `a"b`), ErrInvalid, "value", "Invalid characters in cookie value"},
		{"cookie value with a semicolon", with(L7Cookie, L7EqualTo, "id", "a;b"), ErrInvalid, "value", "Invalid characters in cookie value"},
		{"has certificate", with(L7SSLConnHasCert, L7EqualTo, "", "True"), nil, "", ""},
		{"has certificate with key", with(L7SSLConnHasCert, L7EqualTo, "k", "true"), ErrInvalid, "key", `L7rule type SSL_CONN_HAS_CERT does not use the "key" field.`},
		{"has no certificate", with(L7SSLConnHasCert, L7EqualTo, "", "false"), ErrInvalid, "value", "L7rule value false is not a boolean True string."},
		{"has certificate by expression", with(L7SSLConnHasCert, L7Regex, "", "true"), ErrInvalid, "compare_type", "L7rule type SSL_CONN_HAS_CERT only supports the EQUAL_TO compare type."},
		{"verify result", with(L7SSLVerifyResult, L7EqualTo, "", "0"), nil, "", ""},
		{"verify result below 0", with(L7SSLVerifyResult, L7EqualTo, "", "-1"), ErrInvalid, "value", "needs a int value, which is >= 0"},
		{"verify result with key", with(L7SSLVerifyResult, L7EqualTo, "k", "0"), ErrInvalid, "key", `does not use the "key" field.`},
		{"verify result by prefix", with(L7SSLVerifyResult, L7StartsWith, "", "0"), ErrInvalid, "compare_type", "only supports the EQUAL_TO"},
		{"name field", with(L7SSLDNField, L7StartsWith, "O-1", "any thing"), nil, "", ""},
		{"name field without key", with(L7SSLDNField, L7EqualTo, "", "x"), ErrInvalid, "key", "L7rule type SSL_DN_FIELD needs to specify a key and a value."},
		{"name field with a bad key", with(L7SSLDNField, L7EqualTo, "1O", "x"), ErrInvalid, "key", "Invalid L7rule distinguished name field."},
		{"name field by a bad expression", with(L7SSLDNField, L7Regex, "O", "["), ErrInvalid, "value", "Unable to parse regular expression"},
		{"null invert", func(s *L7RuleSpec) { s.Invert = Null[bool]() }, nil, "", ""},
		{"name", func(s *L7RuleSpec) { s.Name = Some("x") }, ErrInvalid, "name", "has none"},
		{"null admin state", func(s *L7RuleSpec) { s.AdminStateUp = Null[bool]() }, nil, "", ""},
	}
	for _, kind := range []L7RuleType{L7HostName, L7Path, L7Header, L7Cookie, L7SSLDNField} {
		for _, compare := range l7Compares {
			rules = append(rules, rule[L7RuleSpec]{string(kind) + " " + string(compare), with(kind, compare, "k", "v"), nil, "", ""})
		}
	}
	return slices.Concat(rules, undescribedRules(meta))
}

func TestCreateL7RuleRules(t *testing.T) {
	w := newL7World(t)
	fresh := func(t *testing.T) (*world, L7RuleSpec) {
		s := pathRule("/")
		s.PolicyID = Some(w.q)
		return newL7World(t).world, s
	}
	checkRules(t, fresh, func(s L7RuleSpec) Op { return CreateL7Rule{Spec: s} }, slices.Concat(l7RuleRules(), []rule[L7RuleSpec]{
		{"no policy", func(s *L7RuleSpec) { s.PolicyID = Opt[L7PolicyID]{} }, ErrInvalid, "l7policy_id", "required"},
		{"unknown policy", func(s *L7RuleSpec) { s.PolicyID = Some(L7PolicyID(testID(99))) }, ErrNotFound, "l7policy_id", "does not exist"},
		{"no type", func(s *L7RuleSpec) { s.Type = Opt[L7RuleType]{} }, ErrInvalid, "type", "required"},
		{"no compare type", func(s *L7RuleSpec) { s.Compare = Opt[L7Compare]{} }, ErrInvalid, "compare_type", "required"},
		{"no value", func(s *L7RuleSpec) { s.Value = Opt[string]{} }, ErrInvalid, "value", "required"},
	}))
}

func TestUpdateL7RuleRules(t *testing.T) {
	base := newL7World(t)
	spec := pathRule("/")
	spec.PolicyID = Some(base.q)
	id := L7RuleID(base.do(CreateL7Rule{Spec: spec}))
	fresh := func(t *testing.T) (*world, L7RuleSpec) {
		w := newL7World(t)
		w.do(CreateL7Rule{Spec: spec})
		return w.world, L7RuleSpec{}
	}
	checkRules(t, fresh, func(s L7RuleSpec) Op { return UpdateL7Rule{ID: id, Spec: s} }, slices.Concat(l7RuleRules(), []rule[L7RuleSpec]{
		{"other policy", func(s *L7RuleSpec) { s.PolicyID = Some(L7PolicyID(testID(99))) }, ErrInvalid, "l7policy_id", "cannot be changed"},
		{"null value", func(s *L7RuleSpec) { s.Value = Null[string]() }, ErrInvalid, "value", "cannot be null"},
		{"type that needs a key", func(s *L7RuleSpec) { s.Type = Some(L7Header) }, ErrInvalid, "key", "requires a key"},
	}))
}

func TestL7RuleLimitAndKey(t *testing.T) {
	w := newL7World(t)
	spec := pathRule("/")
	spec.PolicyID, spec.Key = Some(w.q), Some("dropped")
	var last L7RuleID
	for range maxL7Rules {
		last = L7RuleID(w.do(CreateL7Rule{Spec: spec}))
	}
	_, _, _, err := Apply(w.cfg, w.stamp(CreateL7Rule{Spec: spec}))
	checkError(t, err, ErrConflict, "", "Too many rules on L7 policy "+string(w.q))
	if r, _ := w.cfg.L7Rule(last); r.Key != "" {
		t.Errorf("a PATH rule has the key %q", r.Key)
	}
	before, _ := w.cfg.L7Policy(w.q)
	w.do(DeleteL7Rule{ID: last})
	after, _ := w.cfg.L7Policy(w.q)
	if len(after.Rules) != maxL7Rules-1 || len(before.Rules) != maxL7Rules || after.Revision != before.Revision {
		t.Errorf("%d rules after the delete, %d in the Config before, policy revision %d then %d",
			len(after.Rules), len(before.Rules), before.Revision, after.Revision)
	}
}
