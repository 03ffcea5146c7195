package lb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// l7World has an HTTP listener with one policy, a TCP and a PROMETHEUS listener, an HTTP
// and a TCP pool, and a pool of another load balancer.
type l7World struct {
	*world
	b                      LoadBalancerID
	l, tcpListener, metric ListenerID
	http, tcp, foreign     PoolID
	q                      L7PolicyID
}

func newL7World(t *testing.T) l7World {
	w := l7World{world: newWorld(t)}
	s := w.subnet("public", "192.0.2.0/24")
	w.b = w.loadBalancer(s)
	w.l, w.tcpListener, w.metric = w.listener(w.b, ProtocolHTTP, 80), w.listener(w.b, ProtocolTCP, 81), w.listener(w.b, ProtocolPrometheus, 82)
	w.http, w.tcp = w.pool(w.b, ProtocolHTTP), w.pool(w.b, ProtocolTCP)
	w.foreign = w.pool(w.loadBalancer(s), ProtocolHTTP)
	w.q = w.policy("first", lastPosition)
	return w
}

func (w l7World) policy(name string, position int) L7PolicyID {
	w.t.Helper()
	spec := L7PolicySpec{ListenerID: Some(w.l), Action: Some(L7Reject), Position: Some(position)}
	spec.Name = Some(name)
	return L7PolicyID(w.do(CreateL7Policy{Spec: spec}))
}

// l7PolicyRules hold for create and update of a policy of action REJECT.
func l7PolicyRules(t *testing.T) []rule[L7PolicySpec] {
	w := newL7World(t)
	meta := func(s *L7PolicySpec) *MetaSpec { return &s.MetaSpec }
	action := func(a L7Action) func(*L7PolicySpec) { return func(s *L7PolicySpec) { s.Action = Some(a) } }
	pool := func(id PoolID) func(*L7PolicySpec) {
		return func(s *L7PolicySpec) { s.Action, s.RedirectPoolID = Some(L7RedirectToPool), Some(id) }
	}
	url := func(v string) func(*L7PolicySpec) {
		return func(s *L7PolicySpec) { s.Action, s.RedirectURL = Some(L7RedirectToURL), Some(v) }
	}
	prefix := func(v string) func(*L7PolicySpec) {
		return func(s *L7PolicySpec) { s.Action, s.RedirectPrefix = Some(L7RedirectPrefix), Some(v) }
	}
	position := func(n int) func(*L7PolicySpec) { return func(s *L7PolicySpec) { s.Position = Some(n) } }
	code := func(n int) func(*L7PolicySpec) {
		return func(s *L7PolicySpec) { url("http://a/")(s); s.RedirectCode = Some(n) }
	}
	rules := slices.Concat(metaRules(meta), describedRules(meta), []rule[L7PolicySpec]{
		{"unknown action", action("DROP"), ErrInvalid, "action", "Value should be one of: REJECT, REDIRECT_TO_URL, REDIRECT_TO_POOL, REDIRECT_PREFIX"},
		{"no URL", action(L7RedirectToURL), ErrInvalid, "redirect_url", "Invalid L7 Policy arguments: redirect_url must not be None"},
		{"no pool", action(L7RedirectToPool), ErrInvalid, "redirect_pool_id", "Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None"},
		{"no prefix", action(L7RedirectPrefix), ErrInvalid, "redirect_prefix", "Invalid L7 Policy arguments: redirect_prefix must not be None"},
		{"URL", url("https://www.example.com/x?y=z"), nil, "", ""},
		{"URL of another scheme", url("ftp://a/"), ErrInvalid, "redirect_url", "Value must be a valid URL string"},
		{"URL without host", url("http:///x"), ErrInvalid, "redirect_url", "Value must be a valid URL string"},
		{"URL that ends the line", url("http://a/\r\nX: y"), ErrInvalid, "redirect_url", "Value must be a valid URL string"},
		{"URL with a space", url("http://a/b c"), ErrInvalid, "redirect_url", "Value must be a valid URL string"},
		{"URL too long", url("http://a/" + strings.Repeat("x", 247)), ErrInvalid, "redirect_url", "at most 255"},
		{"prefix", prefix("https://b"), nil, "", ""},
		{"prefix without scheme", prefix("b/c"), ErrInvalid, "redirect_prefix", "Value must be a valid URL string"},
		{"pool", pool(w.http), nil, "", ""},
		{"TCP pool", pool(w.tcp), ErrInvalid, "redirect_pool_id", "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."},
		{"unknown pool", pool(PoolID(testID(99))), ErrNotFound, "redirect_pool_id", "does not exist"},
		{"pool of another load balancer", pool(w.foreign), ErrNotFound, "redirect_pool_id", "does not exist"},
		{
			"pool and prefix", func(s *L7PolicySpec) { pool(w.http)(s); s.RedirectPrefix = Some("http://a") }, ErrInvalid, "redirect_pool_id",
			"Cannot specify redirect_pool_id and redirect_url or redirect_prefix at the same time",
		},
		{"position 1", position(1), nil, "", ""},
		{"position 0", position(0), ErrInvalid, "position", "use 1 to 2147483647"},
		{"null position", func(s *L7PolicySpec) { s.Position = Null[int]() }, nil, "", ""},
		{"code 304", code(304), ErrInvalid, "redirect_http_code", "Value should be one of: 301, 302, 303, 307, 308"},
	})
	for _, n := range []int{301, 302, 303, 307, 308} {
		rules = append(rules, rule[L7PolicySpec]{fmt.Sprint("code ", n), code(n), nil, "", ""})
	}
	return rules
}

func TestCreateL7PolicyRules(t *testing.T) {
	w := newL7World(t)
	fresh := func(t *testing.T) (*world, L7PolicySpec) {
		return newL7World(t).world, L7PolicySpec{ListenerID: Some(w.l), Action: Some(L7Reject)}
	}
	listener := func(id ListenerID) func(*L7PolicySpec) { return func(s *L7PolicySpec) { s.ListenerID = Some(id) } }
	op := func(s L7PolicySpec) Op { return CreateL7Policy{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(l7PolicyRules(t), []rule[L7PolicySpec]{
		{"no listener", func(s *L7PolicySpec) { s.ListenerID = Opt[ListenerID]{} }, ErrInvalid, "listener_id", "required"},
		{"unknown listener", listener(ListenerID(testID(99))), ErrNotFound, "listener_id", "does not exist"},
		{"PROMETHEUS listener", listener(w.metric), ErrInvalid, "listener_id", "Protocol PROMETHEUS listeners cannot have child objects."},
		{"TCP listener", listener(w.tcpListener), ErrUnsupported, "listener_id", "TCP protocol listeners do not support L7 policies"},
		{"no action", func(s *L7PolicySpec) { s.Action = Opt[L7Action]{} }, ErrInvalid, "action", "required"},
		{"REJECT drops URL and pool", func(s *L7PolicySpec) { s.RedirectURL, s.RedirectPoolID = Some("http://a/"), Some(w.tcp) }, nil, "", ""},
		{"rule that is wrong", func(s *L7PolicySpec) {
			s.Rules = []L7RuleSpec{{Type: Some(L7Path), Compare: Some(L7Regex), Value: Some("(")}}
		}, ErrInvalid, "value", "Error parsing L7Rule: Unable to parse regular expression"},
		{"50 rules", func(s *L7PolicySpec) { s.Rules = slices.Repeat([]L7RuleSpec{pathRule("/x")}, 50) }, nil, "", ""},
		{"51 rules", func(s *L7PolicySpec) { s.Rules = slices.Repeat([]L7RuleSpec{pathRule("/x")}, 51) }, ErrConflict, "", "Too many rules on L7 policy"},
	}))
}

func TestUpdateL7PolicyRules(t *testing.T) {
	w := newL7World(t)
	fresh := func(t *testing.T) (*world, L7PolicySpec) {
		return newL7World(t).world, L7PolicySpec{MetaSpec: MetaSpec{Name: Some("x")}}
	}
	op := func(s L7PolicySpec) Op { return UpdateL7Policy{ID: w.q, Spec: s} }
	checkRules(t, fresh, op, slices.Concat(l7PolicyRules(t), []rule[L7PolicySpec]{
		{"nothing", func(s *L7PolicySpec) { *s = L7PolicySpec{} }, ErrInvalid, "", "Invalid L7 Policy arguments: Invalid update options"},
		{"other listener", func(s *L7PolicySpec) { s.ListenerID = Some(w.tcpListener) }, ErrInvalid, "listener_id", "cannot be changed"},
		{"rules", func(s *L7PolicySpec) { s.Rules = []L7RuleSpec{pathRule("/")} }, ErrInvalid, "rules", "at creation only"},
		{"a pool decides the action", func(s *L7PolicySpec) { s.RedirectPoolID = Some(w.http) }, nil, "", ""},
	}))
}

// TestL7PolicyRedirects follows one policy through all of its actions.
func TestL7PolicyRedirects(t *testing.T) {
	w := newL7World(t)
	for i, step := range []struct {
		spec L7PolicySpec
		want L7Policy
	}{
		{L7PolicySpec{RedirectURL: Some("http://a/")}, L7Policy{Action: L7RedirectToURL, RedirectURL: "http://a/", RedirectCode: 302}},
		{L7PolicySpec{RedirectCode: Some(308)}, L7Policy{Action: L7RedirectToURL, RedirectURL: "http://a/", RedirectCode: 308}},
		{L7PolicySpec{RedirectPrefix: Some("http://b")}, L7Policy{Action: L7RedirectPrefix, RedirectPrefix: "http://b", RedirectCode: 308}},
		{L7PolicySpec{RedirectPoolID: Some(w.http)}, L7Policy{Action: L7RedirectToPool, RedirectPoolID: w.http}},
		{L7PolicySpec{Action: Some(L7RedirectPrefix), RedirectPrefix: Some("http://c")}, L7Policy{Action: L7RedirectPrefix, RedirectPrefix: "http://c", RedirectCode: 302}},
		{L7PolicySpec{RedirectCode: Null[int]()}, L7Policy{Action: L7RedirectPrefix, RedirectPrefix: "http://c", RedirectCode: 302}},
		{L7PolicySpec{Action: Some(L7Reject)}, L7Policy{Action: L7Reject}},
	} {
		w.do(UpdateL7Policy{ID: w.q, Spec: step.spec})
		q, _ := w.cfg.L7Policy(w.q)
		got := L7Policy{
			Action: q.Action, RedirectPoolID: q.RedirectPoolID, RedirectURL: q.RedirectURL, RedirectPrefix: q.RedirectPrefix, RedirectCode: q.RedirectCode,
		}
		if fmt.Sprint(got) != fmt.Sprint(step.want) {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

func TestL7PolicyPositions(t *testing.T) {
	w := newL7World(t)
	order := func() string {
		l, _ := w.cfg.Listener(w.l)
		var names []string
		for i, q := range l.L7Policies {
			if q.Position != i+1 {
				t.Errorf("policy %s has position %d at place %d", q.Name, q.Position, i+1)
			}
			names = append(names, q.Name)
		}
		return strings.Join(names, " ")
	}
	check := func(step, want string) {
		t.Helper()
		if got := order(); got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	b := w.policy("b", lastPosition)
	check("appended", "first b")
	c := w.policy("c", 1)
	check("inserted at 1", "c first b")
	w.policy("d", 3)
	check("inserted at 3", "c first d b")
	w.policy("e", 99)
	check("beyond the end", "c first d b e")
	w.do(UpdateL7Policy{ID: c, Spec: L7PolicySpec{Position: Some(3)}})
	check("moved back", "first d c b e")
	w.do(UpdateL7Policy{ID: b, Spec: L7PolicySpec{Position: Some(1)}})
	check("moved to the front", "b first d c e")
	w.do(UpdateL7Policy{ID: b, Spec: L7PolicySpec{Position: Some(50)}})
	check("moved beyond the end", "first d c e b")
	w.do(UpdateL7Policy{ID: c, Spec: L7PolicySpec{MetaSpec: MetaSpec{Name: Some("C")}}})
	check("renamed only", "first d C e b")
	next, _, changes, err := Apply(w.cfg, w.stamp(DeleteL7Policy{ID: w.q}))
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 5 {
		t.Errorf("%d changes, want the four that moved and the one that is gone", len(changes))
	}
	w.cfg = next
	check("deleted the first", "d C e b")

	id := L7PolicyID(testID(70))
	w.do(Batch{Ops: []Op{
		CreateL7Policy{ID: id, Spec: L7PolicySpec{MetaSpec: MetaSpec{Name: Some("f")}, ListenerID: Some(w.l), Action: Some(L7Reject), Position: Some(1)}},
		CreateL7Policy{Spec: L7PolicySpec{MetaSpec: MetaSpec{Name: Some("g")}, ListenerID: Some(w.l), Action: Some(L7Reject), Position: Some(1)}},
	}})
	check("two in a batch", "g f d C e b")
	if q, _ := w.cfg.L7Policy(id); !q.UpdatedAt.IsZero() {
		t.Errorf("a policy that moved in the command that made it says it was updated")
	}
}

func TestPoolInUseByL7Policy(t *testing.T) {
	w := newL7World(t)
	w.do(UpdateL7Policy{ID: w.q, Spec: L7PolicySpec{RedirectPoolID: Some(w.http)}})
	_, _, _, err := Apply(w.cfg, w.stamp(DeletePool{ID: w.http}))
	checkError(t, err, ErrInUse, "", fmt.Sprintf("Pool %s is in use by L7 policy %s", w.http, w.q))
	w.do(UpdateL7Policy{ID: w.q, Spec: L7PolicySpec{Action: Some(L7Reject)}})
	w.do(DeletePool{ID: w.http})
	w.do(DeleteLoadBalancer{ID: w.b, Cascade: true})
	if _, ok := w.cfg.L7Policy(w.q); ok {
		t.Error("the policy outlived its load balancer")
	}
}

func TestUnknownL7IDs(t *testing.T) {
	w := newL7World(t)
	gone := testID(99)
	for _, op := range []Op{
		UpdateL7Policy{ID: L7PolicyID(gone)},
		DeleteL7Policy{ID: L7PolicyID(gone)},
		UpdateL7Rule{ID: L7RuleID(gone)},
		DeleteL7Rule{ID: L7RuleID(gone)},
		SetMembers{PoolID: PoolID(gone)},
	} {
		_, _, _, err := Apply(w.cfg, w.stamp(op))
		checkError(t, err, ErrNotFound, "", "does not exist")
	}
	for _, op := range []Op{
		UpdateL7Policy{ID: w.q, If: 1}, DeleteL7Policy{ID: w.q, If: 1},
	} {
		if _, _, _, err := Apply(w.cfg, w.stamp(op)); !errors.Is(err, ErrPrecondition) {
			t.Errorf("%T with an old revision: %v", op, err)
		}
	}
}
