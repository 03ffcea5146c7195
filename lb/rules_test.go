package lb

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// rule is one row of a table: a change to a spec that was fine, and what
// becomes of the command.
type rule[S any] struct {
	name  string
	set   func(*S)
	kind  error  // nil: the command still works
	field string // of the one error
	msg   string // part of its message: what is wrong or what is allowed
}

// checkRules first proves for every row that the command works without the
// row's change, so that a refusal can have no other cause.
func checkRules[S any](t *testing.T, fresh func(*testing.T) (*world, S), op func(S) Op, rules []rule[S]) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			w, spec := fresh(t)
			if _, _, _, err := Apply(w.cfg, w.stamp(op(spec))); err != nil {
				t.Fatalf("the command is refused before the change: %v", err)
			}
			r.set(&spec)
			_, _, _, err := Apply(w.cfg, w.stamp(op(spec)))
			if r.kind == nil {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			checkError(t, err, r.kind, r.field, r.msg)
		})
	}
}

// checkError checks that err is one error of that kind, about field.
func checkError(t *testing.T, err, kind error, field, msg string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	if all := flatten(err); len(all) != 1 {
		t.Fatalf("%d errors, want 1: %v", len(all), err)
	}
	if !errors.Is(err, kind) || e.Field != field || !strings.Contains(e.Msg, msg) {
		t.Fatalf("error %q of kind %q about %q, want kind %q about %q with %q", e, e.Kind, e.Field, kind, field, msg)
	}
}

// metaRules are the rules of the fields that every kind has.
func metaRules[S any](meta func(*S) *MetaSpec) []rule[S] {
	set := func(f func(*MetaSpec)) func(*S) { return func(s *S) { f(meta(s)) } }
	long := strings.Repeat("é", 255)
	return []rule[S]{
		{"longest name", set(func(m *MetaSpec) { m.Name = Some(long) }), nil, "", ""},
		{"name too long", set(func(m *MetaSpec) { m.Name = Some(long + "x") }), ErrInvalid, "name", "256 characters long, at most 255"},
		{"name not UTF-8", set(func(m *MetaSpec) { m.Name = Some("a\xff") }), ErrInvalid, "name", "UTF-8"},
		{"longest tag", set(func(m *MetaSpec) { m.Tags = Some([]string{long}) }), nil, "", ""},
		{"tag too long", set(func(m *MetaSpec) { m.Tags = Some([]string{"a", long + "x"}) }), ErrInvalid, "tags", "at most 255"},
		{"null admin state", set(func(m *MetaSpec) { m.AdminStateUp = Null[bool]() }), nil, "", ""},
		{"null tags", set(func(m *MetaSpec) { m.Tags = Null[[]string]() }), nil, "", ""},
	}
}

// describedRules are those of kinds with a description.
func describedRules[S any](meta func(*S) *MetaSpec) []rule[S] {
	return []rule[S]{
		{"longest description", func(s *S) { meta(s).Description = Some(strings.Repeat("x", 255)) }, nil, "", ""},
		{"description too long", func(s *S) { meta(s).Description = Some(strings.Repeat("x", 256)) }, ErrInvalid, "description", "at most 255"},
	}
}

// undescribedRules are those of kinds without one.
func undescribedRules[S any](meta func(*S) *MetaSpec) []rule[S] {
	return []rule[S]{
		{"empty description", func(s *S) { meta(s).Description = Some("") }, nil, "", ""},
		{"description", func(s *S) { meta(s).Description = Some("x") }, ErrInvalid, "description", "has none"},
	}
}

// projectRules are those of kinds with a project of their own.
func projectRules[S any](meta func(*S) *MetaSpec) []rule[S] {
	return []rule[S]{
		{"longest project", func(s *S) { meta(s).ProjectID = Some(strings.Repeat("x", 36)) }, nil, "", ""},
		{"project too long", func(s *S) { meta(s).ProjectID = Some(strings.Repeat("x", 37)) }, ErrInvalid, "project_id", "at most 36"},
	}
}

func TestStamp(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	l := w.listener(w.loadBalancer(s), ProtocolHTTP, 80)
	fresh := func(t *testing.T) (*world, Command) {
		return w, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s)}})
	}
	rules := []rule[Command]{
		{"no id", func(c *Command) { c.ID = "" }, ErrInvalid, "id", "not a lower-case UUID"},
		{"no UUID", func(c *Command) { c.ID = "web" }, ErrInvalid, "id", "not a lower-case UUID"},
		{"upper case", func(c *Command) { c.ID = "ABCDEF00-0000-4000-8000-000000000000" }, ErrInvalid, "id", "not a lower-case UUID"},
		{"misplaced dash", func(c *Command) { c.ID = "0000000-00000-4000-8000-000000000000" }, ErrInvalid, "id", "not a lower-case UUID"},
		{"id of a load balancer", func(c *Command) { c.ID = testID(2) }, ErrInvalid, "id", "already in use"},
		{"id of a subnet", func(c *Command) { c.ID = string(s) }, ErrInvalid, "id", "already in use"},
		{"id of a listener", func(c *Command) { c.ID = string(l) }, ErrInvalid, "id", "already in use"},
		{"no time", func(c *Command) { c.At = time.Time{} }, ErrInvalid, "at", "not stamped"},
		{"no operation", func(c *Command) { c.Op = nil }, ErrInvalid, "", "no operation"},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			_, cmd := fresh(t)
			if _, _, _, err := Apply(w.cfg, cmd); err != nil {
				t.Fatalf("refused before the change: %v", err)
			}
			r.set(&cmd)
			_, _, _, err := Apply(w.cfg, cmd)
			checkError(t, err, r.kind, r.field, r.msg)
		})
	}
}

func TestEveryBrokenFieldIsNamed(t *testing.T) {
	w := newWorld(t)
	spec := ListenerSpec{Protocol: Some[Protocol]("LDAP"), ProtocolPort: Some(0), ConnectionLimit: Some(-2)}
	spec.Name = Some("\xff")
	_, _, _, err := Apply(w.cfg, w.stamp(CreateListener{Spec: spec}))
	var fields []string
	for _, e := range flatten(err) {
		fields = append(fields, e.Field)
	}
	slices.Sort(fields)
	want := []string{"connection_limit", "loadbalancer_id", "name", "protocol", "protocol_port"}
	if !slices.Equal(fields, want) {
		t.Errorf("fields %v, want %v, in %v", fields, want, err)
	}
}

func TestUnknownIDs(t *testing.T) {
	w := newWorld(t)
	gone := testID(99)
	for _, op := range []Op{
		UpdateSubnet{ID: SubnetID(gone)},
		DeleteSubnet{ID: SubnetID(gone)},
		UpdateLoadBalancer{ID: LoadBalancerID(gone)},
		DeleteLoadBalancer{ID: LoadBalancerID(gone)},
		UpdateListener{ID: ListenerID(gone)},
		DeleteListener{ID: ListenerID(gone)},
		UpdatePool{ID: PoolID(gone)},
		DeletePool{ID: PoolID(gone)},
		UpdateMember{ID: MemberID(gone)},
		DeleteMember{ID: MemberID(gone)},
		UpdateHealthMonitor{ID: HealthMonitorID(gone)},
		DeleteHealthMonitor{ID: HealthMonitorID(gone)},
	} {
		_, _, _, err := Apply(w.cfg, w.stamp(op))
		checkError(t, err, ErrNotFound, "", "does not exist")
		var e *Error
		if errors.As(err, &e); e.ID != gone || e.Resource == "" {
			t.Errorf("%T: error about %s %s", op, e.Resource, e.ID)
		}
	}
}
