package lb

// L7Action is what an L7 policy does with a request that its rules match.
type L7Action string

// The actions.
const (
	L7Reject         L7Action = "REJECT" // 403
	L7RedirectToURL  L7Action = "REDIRECT_TO_URL"
	L7RedirectToPool L7Action = "REDIRECT_TO_POOL"
	L7RedirectPrefix L7Action = "REDIRECT_PREFIX" // to the prefix followed by path and query of the request
)

// L7Policy says what a listener does with requests that all of its rules match.
// A policy without rules matches nothing.
type L7Policy struct {
	ID         L7PolicyID
	ListenerID ListenerID
	Meta
	Action         L7Action
	Position       int // 1 to the number of policies of the listener: derived from the order of Listener.L7Policies
	RedirectPoolID PoolID
	RedirectURL    string
	RedirectPrefix string
	RedirectCode   int       // 301, 302, 303, 307 or 308 for redirects, else 0
	Rules          []*L7Rule // in order of creation
}

// L7RuleType is what of a request an L7 rule looks at.
type L7RuleType string

// The types of L7 rule.
const (
	L7HostName        L7RuleType = "HOST_NAME"
	L7Path            L7RuleType = "PATH"
	L7FileType        L7RuleType = "FILE_TYPE"
	L7Header          L7RuleType = "HEADER"
	L7Cookie          L7RuleType = "COOKIE"
	L7SSLConnHasCert  L7RuleType = "SSL_CONN_HAS_CERT"
	L7SSLVerifyResult L7RuleType = "SSL_VERIFY_RESULT"
	L7SSLDNField      L7RuleType = "SSL_DN_FIELD"
)

// L7Compare is how an L7 rule compares.
type L7Compare string

// The comparisons.
const (
	L7Regex      L7Compare = "REGEX"
	L7StartsWith L7Compare = "STARTS_WITH"
	L7EndsWith   L7Compare = "ENDS_WITH"
	L7Contains   L7Compare = "CONTAINS"
	L7EqualTo    L7Compare = "EQUAL_TO"
)

// L7Rule is one condition of an L7 policy. Its Meta has neither name nor description.
type L7Rule struct {
	ID       L7RuleID
	PolicyID L7PolicyID
	Meta
	Type    L7RuleType
	Compare L7Compare
	Key     string // of HEADER, COOKIE and SSL_DN_FIELD
	Value   string
	Invert  bool
}

// Text is what the rule compares with: Value, without the double quotes that let it hold
// spaces.
func (r *L7Rule) Text() string { return unquoted(r.Value) }

func unquoted(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}
