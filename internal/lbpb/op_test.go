package lbpb

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

// operations is every operation but the batch.
var operations = []any{
	lb.CreateSubnet{},
	lb.UpdateSubnet{},
	lb.DeleteSubnet{},
	lb.CreateLoadBalancer{},
	lb.UpdateLoadBalancer{},
	lb.DeleteLoadBalancer{},
	lb.CreateListener{},
	lb.UpdateListener{},
	lb.DeleteListener{},
	lb.CreatePool{},
	lb.UpdatePool{},
	lb.DeletePool{},
	lb.CreateMember{},
	lb.UpdateMember{},
	lb.DeleteMember{},
	lb.SetMembers{},
	lb.CreateHealthMonitor{},
	lb.UpdateHealthMonitor{},
	lb.DeleteHealthMonitor{},
	lb.CreateL7Policy{},
	lb.UpdateL7Policy{},
	lb.DeleteL7Policy{},
	lb.CreateL7Rule{},
	lb.UpdateL7Rule{},
	lb.DeleteL7Rule{},
	lb.CreateNetwork{},
	lb.UpdateNetwork{},
	lb.DeleteNetwork{},
	lb.CreatePort{},
	lb.UpdatePort{},
	lb.DeletePort{},
	lb.CreateSecurityGroup{},
	lb.UpdateSecurityGroup{},
	lb.DeleteSecurityGroup{},
	lb.CreateQoSPolicy{},
	lb.UpdateQoSPolicy{},
	lb.DeleteQoSPolicy{},
	lb.SetQuota{},
	lb.ResetQuota{},
	lb.CreateFlavorProfile{},
	lb.UpdateFlavorProfile{},
	lb.DeleteFlavorProfile{},
	lb.CreateFlavor{},
	lb.UpdateFlavor{},
	lb.DeleteFlavor{},
	lb.CreateAvailabilityZoneProfile{},
	lb.UpdateAvailabilityZoneProfile{},
	lb.DeleteAvailabilityZoneProfile{},
	lb.CreateAvailabilityZone{},
	lb.UpdateAvailabilityZone{},
	lb.DeleteAvailabilityZone{},
	lb.CreateProject{},
	lb.UpdateProject{},
	lb.DeleteProject{},
	lb.CreateUser{},
	lb.UpdateUser{},
	lb.DeleteUser{},
	lb.CreateRole{},
	lb.DeleteRole{},
	lb.Assign{},
	lb.Unassign{},
	lb.Revoke{},
	lb.CreateSecret{},
	lb.UpdateSecret{},
	lb.DeleteSecret{},
	lb.CreateSecretContainer{},
	lb.DeleteSecretContainer{},
}

func TestOpsRoundTrip(t *testing.T) {
	for _, op := range operations {
		t.Run(reflect.TypeOf(op).Name(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := reflect.New(reflect.TypeOf(op))
				fill(t, v.Elem())
				want := v.Elem().Interface()
				x, err := fromOp(want, true)
				if err != nil {
					t.Fatal(err)
				}
				got, err := overWire(t, x).toLB(true)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("got  %+v\nwant %+v", got, want)
				}
			})
		})
	}
}

func TestBatchRoundTrip(t *testing.T) {
	want := lb.Batch{Ops: []lb.Op{
		lb.CreatePool{ID: "p", Spec: lb.PoolSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("web")}}},
		lb.CreateMember{Spec: lb.MemberSpec{PoolID: lb.Some(lb.PoolID("p"))}},
		lb.DeleteLoadBalancer{ID: "b", If: 7, Cascade: true},
	}}
	for _, b := range []lb.Batch{want, {}} {
		x, err := FromOp(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.ToLB()
		if err != nil || !reflect.DeepEqual(got, lb.Op(b)) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, b)
		}
	}
}

func TestFromOpRefuses(t *testing.T) {
	for name, op := range map[string]lb.Op{
		"none":             nil,
		"batch in a batch": lb.Batch{Ops: []lb.Op{lb.Batch{}}},
		"too many":         lb.Batch{Ops: make([]lb.Op, MaxBatch+1)},
		"none in a batch":  lb.Batch{Ops: []lb.Op{nil}},
	} {
		if x, err := FromOp(op); err == nil {
			t.Errorf("%s: encoded as %v", name, x)
		}
	}
}

func TestToLBRefusesOps(t *testing.T) {
	empty := func(spec isSpec_Spec) *Spec { return &Spec{Spec: spec} }
	batch := func(ops ...*Op) *Op { return &Op{Op: &Op_Batch{&Batch{Ops: ops}}} }
	zone := &Spec_AvailabilityZone{&AvailabilityZoneSpec{}}
	tests := []struct {
		name string
		op   *Op
		want string
	}{
		{"none", &Op{}, "no operation"},
		{"nil", nil, "no operation"},
		{"batch in a batch", batch(batch()), "batch in a batch"},
		{"too many", batch(make([]*Op, MaxBatch+1)...), "10001 operations"},
		{"none in a batch", batch(&Op{}), "operation 1 of 1"},
		{"create without a spec", &Op{Op: &Op_Create{&Create{}}}, "no spec"},
		{"create of an empty spec", &Op{Op: &Op_Create{&Create{Spec: &Spec{}}}}, "no spec"},
		{"update of a role", update("r", 0, &Spec_Role{&RoleSpec{}}), "no spec of a kind that can be updated"},
		{"delete of nothing", &Op{Op: &Op_Delete{&Delete{Id: "x"}}}, "no kind"},
		{"delete of a quota", remove(lb.KindQuota, "p", 0, false), `"quota" is no kind`},
		{"cascade of a pool", remove(lb.KindPool, "p", 0, true), "is for load balancers"},
		{"zone with an id", create("z", zone), "no id but its name"},
		{"zone at a revision", update("z", 1, zone), "if_revision"},
		{"delete of a zone at a revision", remove(lb.KindAvailabilityZone, "z", 1, false), "if_revision"},
		{"bad field", &Op{Op: &Op_Create{&Create{Spec: empty(&Spec_Member{&MemberSpec{Address: proto.String("x")}})}}}, "not an IP address"},
		{"bad member", &Op{Op: &Op_SetMembers{&SetMembers{Members: []*MemberSpec{{Address: proto.String("x")}}}}}, "not an IP address"},
		{
			"bad field deep down",
			&Op{Op: &Op_Create{&Create{Spec: empty(&Spec_LoadBalancer{&LoadBalancerSpec{Pools: []*PoolSpec{
				{Members: []*MemberSpec{{NullFields: []string{"weigth"}}}, SessionPersistence: &PersistenceSpec{PersistenceGranularity: proto.String("x")}},
			}}})}}},
			`pool: persistence_granularity: "x" is not an IP address`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op, err := tt.op.ToLB()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v; want %q", op, err, tt.want)
			}
		})
	}
}

// Faults of what lies below a spec are reported beside its own, each by itself.
func TestNestedFaults(t *testing.T) {
	_, err := (&LoadBalancerSpec{
		VipAddress: proto.String("x"),
		Listeners:  []*ListenerSpec{{L7Policies: []*L7PolicySpec{{NullFields: []string{"x"}, Rules: []*L7RuleSpec{{NullFields: []string{"y"}}}}}}},
		Pools:      []*PoolSpec{{Healthmonitor: &HealthMonitorSpec{NullFields: []string{"z"}}}},
	}).ToLB()
	kinds := map[lb.Kind]bool{}
	for _, e := range flatten(err) {
		var le *lb.Error
		if !errors.As(e, &le) || !errors.Is(le, lb.ErrInvalid) {
			t.Fatalf("got %#v", e)
		}
		kinds[le.Resource] = true
	}
	want := map[lb.Kind]bool{lb.KindLoadBalancer: true, lb.KindL7Policy: true, lb.KindL7Rule: true, lb.KindHealthMonitor: true}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("faults of %v, want %v (%v)", kinds, want, err)
	}
}

func TestObjectsRoundTrip(t *testing.T) {
	for i, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			x, err := NewObject(kind)
			if err != nil {
				t.Fatal(err)
			}
			field := x.ProtoReflect().Descriptor().Fields().Get(i)
			if field.Name() != fieldName(kind) || !x.ProtoReflect().Has(field) {
				t.Fatalf("it is at the place of %s", field.Name())
			}
			empty, err := x.ToLB()
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				want := reflect.New(reflect.TypeOf(empty).Elem())
				fill(t, want.Elem())
				normalize(want.Interface())
				x, err := FromObject(want.Interface())
				if err != nil {
					t.Fatal(err)
				}
				got, err := overWire(t, x).ToLB()
				if err != nil || !reflect.DeepEqual(got, want.Interface()) {
					t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
				}
				if k, _ := Identify(got); k != kind {
					t.Fatalf("it is taken for a %q", k)
				}
			})
		})
	}
	if _, err := NewObject("amphora"); err == nil {
		t.Error("there is an encoding for amphorae")
	}
	if _, err := FromObject(lb.Pool{}); err == nil {
		t.Error("what is no pointer was encoded")
	}
	if _, err := (&Object{}).ToLB(); err == nil {
		t.Error("an object that is none was decoded")
	}
	if kind, id := Identify("pool"); kind != "" || id != "" {
		t.Errorf("a text is a %q %q", kind, id)
	}
}

func TestTarget(t *testing.T) {
	a := lb.Assignment{UserID: "u", RoleID: "r"}
	for _, tt := range []struct {
		op   any
		kind lb.Kind
		id   string
	}{
		{lb.CreateSubnet{ID: "s", Spec: lb.SubnetSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("net")}}}, lb.KindSubnet, "s"},
		{lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("web")}}}, lb.KindLoadBalancer, "web"},
		{lb.CreateUser{Spec: lb.UserSpec{Name: lb.Some("demo")}}, lb.KindUser, "demo"},
		{lb.CreateQoSPolicy{}, lb.KindQoSPolicy, ""},
		{lb.UpdateMember{ID: "m"}, lb.KindMember, "m"},
		{lb.DeleteSecretContainer{ID: "c"}, lb.KindSecretContainer, "c"},
		{lb.SetMembers{PoolID: "p"}, lb.KindPool, "p"},
		{lb.SetQuota{ProjectID: "q"}, lb.KindQuota, "q"},
		{lb.ResetQuota{ProjectID: "q"}, lb.KindQuota, "q"},
		{lb.Assign{Assignment: a}, lb.KindAssignment, "u//r"},
		{lb.Unassign{Assignment: a}, lb.KindAssignment, "u//r"},
		{lb.Revoke{TokenID: "t"}, lb.KindRevocation, "t"},
		{lb.Batch{}, "", ""},
	} {
		x, err := fromOp(tt.op, true)
		if err != nil {
			t.Fatal(err)
		}
		if kind, id := x.Target(); kind != tt.kind || id != tt.id {
			t.Errorf("%T is about %q %q, want %q %q", tt.op, kind, id, tt.kind, tt.id)
		}
	}
}

// Nobody adds an operation to lb and forgets its encoding.
func TestEveryOperationHasAnEncoding(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../lb/ops.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"Batch": true}
	for _, op := range operations {
		known[reflect.TypeOf(op).Name()] = true
	}
	found := 0
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			found++
			if name := spec.(*ast.TypeSpec).Name.Name; !known[name] {
				t.Errorf("lb.%s is not tried", name)
			}
		}
	}
	if found != len(known) {
		t.Errorf("lb/ops.go has %d operations, %d are tried", found, len(known))
	}
}
