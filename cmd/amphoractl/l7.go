package main

import (
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var l7PolicyKind = kind[lb.L7Policy, lb.L7PolicySpec]{
	name:    lb.KindL7Policy,
	word:    "l7policy",
	aliases: []string{"l7policies"},
	long:    "An L7 policy says what a listener does with requests that all of its rules match.",
	columns: []string{"id", "name", "listener_id", "action", "position", "provisioning_status", "operating_status"},
	of:      func(c *admin.Client) admin.Collection[lb.L7Policy, lb.L7PolicySpec] { return c.L7Policies },
	under:   "LISTENER",
	place:   func(s *lb.L7PolicySpec, ref string) { s.ListenerID = lb.Some(lb.ListenerID(ref)) },
	filter:  "listener",
	flags: func(fs *pflag.FlagSet, s *lb.L7PolicySpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		opt(fs, &s.Action, "action", "action", "REJECT, REDIRECT_TO_URL, REDIRECT_TO_POOL or REDIRECT_PREFIX (required)", word[lb.L7Action])
		opt(fs, &s.Position, "position", "number", "place among the listener's policies, from 1; by default the last", integer)
		opt(fs, &s.RedirectPoolID, "redirect-pool", "pool", "pool that serves the request", text[lb.PoolID])
		opt(fs, &s.RedirectURL, "redirect-url", "url", "where clients are sent", text[string])
		opt(fs, &s.RedirectPrefix, "redirect-prefix", "url", "where clients are sent, followed by the path that they asked for", text[string])
		opt(fs, &s.RedirectCode, "redirect-http-code", "code", "301, 302, 303, 307 or 308", integer)
	},
	record: func(r admin.Resource[lb.L7Policy]) record {
		p := r.Value
		return resource(string(p.ID), p.Meta, r.Status,
			field{"description", p.Description},
			field{"listener_id", string(p.ListenerID)},
			field{"action", string(p.Action)},
			field{"position", p.Position},
			field{"redirect_pool_id", optional(p.RedirectPoolID)},
			field{"redirect_url", optional(p.RedirectURL)},
			field{"redirect_prefix", optional(p.RedirectPrefix)},
			field{"redirect_http_code", positive(p.RedirectCode)},
		)
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl l7policy create --name static --action REDIRECT_TO_POOL --redirect-pool p2 l1",
		"list":   "  amphoractl l7policy list --listener l1",
		"show":   "  amphoractl l7policy show static",
		"set":    "  amphoractl l7policy set --position 1 static",
		"delete": "  amphoractl l7policy delete static",
	},
}

var l7RuleKind = kind[lb.L7Rule, lb.L7RuleSpec]{
	name:    lb.KindL7Rule,
	word:    "l7rule",
	aliases: []string{"l7rules"},
	long:    "An L7 rule is one condition of an L7 policy. It has no name: say its policy and its id.",
	columns: []string{"id", "type", "compare_type", "key", "value", "invert", "provisioning_status", "operating_status"},
	of:      func(c *admin.Client) admin.Collection[lb.L7Rule, lb.L7RuleSpec] { return c.L7Rules },
	within:  "L7POLICY",
	under:   "L7POLICY",
	place:   func(s *lb.L7RuleSpec, ref string) { s.PolicyID = lb.Some(lb.L7PolicyID(ref)) },
	flags: func(fs *pflag.FlagSet, s *lb.L7RuleSpec, create bool) {
		stateFlags(fs, &s.MetaSpec, create)
		opt(fs, &s.Type, "type", "ruletype", "HOST_NAME, PATH, FILE_TYPE, HEADER, COOKIE, SSL_CONN_HAS_CERT, SSL_VERIFY_RESULT or SSL_DN_FIELD (required)", word[lb.L7RuleType])
		opt(fs, &s.Compare, "compare-type", "comparison", "REGEX, STARTS_WITH, ENDS_WITH, CONTAINS or EQUAL_TO (required)", word[lb.L7Compare])
		opt(fs, &s.Key, "key", "name", "header, cookie or field of the certificate's subject", text[string])
		opt(fs, &s.Value, "value", "text", "what to compare with (required)", text[string])
		fixed(fs, &s.Invert, "invert", "match what does not compare so", lb.Some(true))
		if !create {
			fixed(fs, &s.Invert, "no-invert", "match what compares so", lb.Some(false))
		}
	},
	record: func(r admin.Resource[lb.L7Rule]) record {
		v := r.Value
		all := resource(string(v.ID), v.Meta, r.Status,
			field{"l7policy_id", string(v.PolicyID)},
			field{"type", string(v.Type)},
			field{"compare_type", string(v.Compare)},
			field{"key", optional(v.Key)},
			field{"value", v.Value},
			field{"invert", v.Invert},
		)
		return append(all[:1:1], all[2:]...) // without the name, as there is none
	},
	examples: map[string]string{
		"create": "  amphoractl l7rule create --type PATH --compare-type STARTS_WITH --value /static static",
		"list":   "  amphoractl l7rule list static",
		"show":   "  amphoractl l7rule show static 1f4c9a2e-6d0b-4b0e-9a51-0c7d3a6f2b11",
		"set":    "  amphoractl l7rule set --value /assets static 1f4c9a2e-6d0b-4b0e-9a51-0c7d3a6f2b11",
		"delete": "  amphoractl l7rule delete static 1f4c9a2e-6d0b-4b0e-9a51-0c7d3a6f2b11",
	},
}

// positive is nil for 0.
func positive(n int) any {
	if n == 0 {
		return nil
	}
	return n
}
