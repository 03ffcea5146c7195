package lb

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxL7Rules is how many rules a policy may have, as in Octavia.
const maxL7Rules = 50

var (
	l7RuleTypes = []L7RuleType{
		L7Cookie, L7FileType, L7Header, L7HostName, L7Path, L7SSLConnHasCert, L7SSLVerifyResult, L7SSLDNField,
	}
	l7Compares = []L7Compare{L7Contains, L7EndsWith, L7EqualTo, L7Regex, L7StartsWith}
)

// The characters of keys and values are Octavia's. The range +-. is not a slip of ours:
// with it a comma is allowed in the name of a header.
var (
	l7KeyChars    = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+-.^_`|~]+$")
	l7CookieChars = regexp.MustCompile("^[a-zA-Z0-9!#$%&'()*+-./:<=>?@\\[\\]^_`{|}~]+$")
	l7ValueChars  = regexp.MustCompile(`^[!-~]+$`)
	l7QuotedValue = regexp.MustCompile(`^"[ -~\t]*"$`)
	l7DNField     = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9-]*$`)
)

func (o CreateL7Rule) apply(e *edit) (Result, error) {
	c := &checker{kind: KindL7Rule}
	id, ok := o.Spec.PolicyID.Get()
	if !ok {
		c.invalid("l7policy_id", "is required")
		return Result{}, c.err()
	}
	q, ok := e.L7Policy(id)
	if !ok {
		c.missing("l7policy_id", KindL7Policy, string(id))
		return Result{}, c.err()
	}
	l, _ := e.Listener(q.ListenerID)
	r, err := e.newL7Rule(e.newID(string(o.ID)), o.Spec, q, l.LoadBalancerID)
	if err != nil {
		return Result{}, err
	}
	e.setL7Rules(l, q, with(q.Rules, r))
	return e.wrote(KindL7Rule, string(r.ID), r), nil
}

func (o UpdateL7Rule) apply(e *edit) (Result, error) {
	old, ok := e.L7Rule(o.ID)
	if !ok {
		return Result{}, notFound(KindL7Rule, string(o.ID))
	}
	if err := precondition(KindL7Rule, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	q, _ := e.L7Policy(old.PolicyID)
	l, _ := e.Listener(q.ListenerID)
	t, _ := e.Tree(l.LoadBalancerID)
	r, c := *old, &checker{kind: KindL7Rule, id: string(o.ID)}
	fixed(c, "l7policy_id", &r.PolicyID, o.Spec.PolicyID)
	o.Spec.fill(c, t, &r)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&r.Meta)
	e.setL7Rules(l, q, with(q.Rules, &r))
	return e.wrote(KindL7Rule, string(r.ID), &r), nil
}

func (o DeleteL7Rule) apply(e *edit) (Result, error) {
	r, ok := e.L7Rule(o.ID)
	if !ok {
		return Result{}, notFound(KindL7Rule, string(o.ID))
	}
	if err := precondition(KindL7Rule, string(o.ID), o.If, r.Revision); err != nil {
		return Result{}, err
	}
	q, _ := e.L7Policy(r.PolicyID)
	l, _ := e.Listener(q.ListenerID)
	e.setL7Rules(l, q, without(q.Rules, r))
	e.disown(KindL7Rule, string(r.ID))
	return e.deleted(KindL7Rule, string(r.ID)), nil
}

// newL7Rule makes a rule of q. Putting it there, and recording it, is left to the caller.
func (e *edit) newL7Rule(id string, spec L7RuleSpec, q *L7Policy, owner LoadBalancerID) (*L7Rule, error) {
	r := &L7Rule{ID: L7RuleID(id), PolicyID: q.ID, Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindL7Rule}
	c.newID(&e.Config, id)
	if len(q.Rules) >= maxL7Rules {
		c.conflict("", "Too many rules on L7 policy %s", q.ID)
	}
	t, _ := e.Tree(owner)
	spec.fill(c, t, r)
	if err := c.err(); err != nil {
		return nil, err
	}
	e.created(&r.Meta)
	return r, e.own(KindL7Rule, id, owner)
}

// setL7Rules gives a policy of l other rules. Neither of the two is written itself.
func (e *edit) setL7Rules(l *Listener, q *L7Policy, rules []*L7Rule) {
	policy, listener := *q, *l
	policy.Rules = rules
	listener.L7Policies = slices.Clone(l.L7Policies)
	listener.L7Policies[slices.Index(l.L7Policies, q)] = &policy
	e.putListener(&listener)
}

func (spec L7RuleSpec) fill(c *checker, t *Tree, r *L7Rule) {
	if v, _ := spec.Name.Get(); v != "" {
		c.invalid("name", "an L7 rule has none, use tags")
	}
	spec.noDescription(c)
	spec.Name = Opt[string]{}
	spec.fillChild(c, &r.Meta, t)
	optional(&r.Invert, spec.Invert, false)
	typed := required(c, "type", &r.Type, spec.Type) && enum(c, "type", r.Type, l7RuleTypes...)
	compared := required(c, "compare_type", &r.Compare, spec.Compare) && enum(c, "compare_type", r.Compare, l7Compares...)
	optional(&r.Key, spec.Key, "")
	valued := required(c, "value", &r.Value, spec.Value)
	for field, v := range map[string]string{"key": r.Key, "value": r.Value} {
		c.text(field, v, maxText)
		if strings.ContainsAny(v, "\r\n") {
			c.l7rule(field, "Invalid characters in "+field)
			return
		}
	}
	if typed && compared && valued {
		c.l7RuleData(r)
	}
}

// l7rule notes that a rule is not valid, as Octavia says it.
func (c *checker) l7rule(field, why string) { c.invalid(field, "Error parsing L7Rule: %s", why) }

// l7RuleData checks what depends on the type of a rule, and clears a key that has no use.
func (c *checker) l7RuleData(r *L7Rule) {
	if r.Value == "" {
		c.l7rule("value", "Invalid L7 Rule: L7 rule type requires a value")
		return
	}
	switch r.Type {
	case L7HostName, L7Path:
		r.Key = ""
		c.l7Value(r, "comparison value", plainL7Value)
	case L7FileType:
		r.Key = ""
		if r.Compare != L7Regex && r.Compare != L7EqualTo {
			c.l7rule("compare_type", "Invalid L7 Rule: invalid comparison type for rule type")
			return
		}
		c.l7Value(r, "comparison value", plainL7Value)
	case L7Header:
		if c.l7Key(r) {
			c.l7Value(r, "header value", plainL7Value)
		}
	case L7Cookie:
		if c.l7Key(r) {
			c.l7Value(r, "cookie value", l7CookieChars.MatchString)
		}
	default:
		c.l7Certificate(r)
	}
}

func plainL7Value(v string) bool { return l7ValueChars.MatchString(v) || l7QuotedValue.MatchString(v) }

func (c *checker) l7Key(r *L7Rule) bool {
	switch {
	case r.Key == "":
		c.l7rule("key", "Invalid L7 Rule: L7 rule type requires a key")
	case !l7KeyChars.MatchString(r.Key):
		c.l7rule("key", "Invalid characters in key")
	default:
		return true
	}
	return false
}

func (c *checker) l7Value(r *L7Rule, what string, valid func(string) bool) {
	if r.Compare == L7Regex {
		c.l7Regex(r.Value)
	} else if !valid(r.Value) {
		c.l7rule("value", "Invalid characters in "+what)
	}
}

// l7Regex checks a regular expression, see [ParseL7Regex].
func (c *checker) l7Regex(v string) {
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }) {
		c.l7rule("value", "Unable to parse regular expression: contains control characters")
		return
	}
	if _, err := ParseL7Regex(unquoted(v), false); err != nil {
		c.l7rule("value", "Unable to parse regular expression: "+err.Error())
	}
}

// l7Certificate checks the rules about a client's certificate.
func (c *checker) l7Certificate(r *L7Rule) {
	rule := "Invalid L7 Rule: L7rule type " + string(r.Type)
	if r.Type == L7SSLDNField {
		switch {
		case r.Key == "":
			c.l7rule("key", rule+" needs to specify a key and a value.")
		case !l7DNField.MatchString(r.Key):
			c.l7rule("key", "Invalid L7 Rule: Invalid L7rule distinguished name field.")
		case r.Compare == L7Regex:
			c.l7Regex(r.Value)
		}
		return
	}
	_, notNumber := strconv.ParseUint(r.Value, 10, 31)
	switch {
	case r.Key != "":
		c.l7rule("key", rule+` does not use the "key" field.`)
	case r.Type == L7SSLConnHasCert && !strings.EqualFold(r.Value, "true"):
		c.l7rule("value", "Invalid L7 Rule: L7rule value "+r.Value+" is not a boolean True string.")
	case r.Type == L7SSLVerifyResult && notNumber != nil:
		c.l7rule("value", rule+" needs a int value, which is >= 0")
	case r.Compare != L7EqualTo:
		c.l7rule("compare_type", rule+" only supports the EQUAL_TO compare type.")
	}
}
