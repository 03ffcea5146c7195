package lbpb

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

// The generators are driven by reflection so that a field added to lb and
// forgotten in a converter fails here.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Addr().Interface().(type) {
	case *netip.Addr:
		v.Set(reflect.ValueOf(addr().Draw(t, "addr")))
		return
	case *netip.Prefix:
		v.Set(reflect.ValueOf(prefix().Draw(t, "prefix")))
		return
	case *time.Time:
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(0, 1<<34).Draw(t, "time"), 0).UTC()))
		return
	}
	if strings.HasPrefix(v.Type().Name(), "Opt[") {
		fillOpt(t, v)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint16:
		v.SetUint(uint64(rapid.Uint16().Draw(t, "port")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Pointer {
			return // resources of their own, such as a pool's members
		}
		if n := rapid.IntRange(0, 3).Draw(t, "len"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(rapid.MapOfN(rapid.String(), rapid.String(), 1, 3).Draw(t, "map")))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*lb.HealthMonitor]() && rapid.Bool().Draw(t, "there") { // a pool's monitor is a resource of its own
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	default:
		panic(fmt.Sprintf("no generator for %v", v.Type()))
	}
}

func addr() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		n := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes"))
		return a
	})
}

func prefix() *rapid.Generator[netip.Prefix] {
	return rapid.Custom(func(t *rapid.T) netip.Prefix {
		a := addr().Draw(t, "addr").Unmap()
		p, _ := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
		return p
	})
}

// overWire sends m through its encoding.
func overWire[M proto.Message](t *rapid.T, m M) M {
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out := m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// normalize makes of a listener one that lb makes: client authentication is never empty.
func normalize(o any) {
	if l, ok := o.(*lb.Listener); ok && l.TLS.ClientAuth == "" {
		l.TLS.ClientAuth = lb.ClientAuthNone
	}
}

func testResource[T any, M interface {
	proto.Message
	ToLB() (*T, error)
}](t *testing.T, from func(*T) M) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		want := new(T)
		fill(t, reflect.ValueOf(want).Elem())
		normalize(want)
		got, err := overWire(t, from(want)).ToLB()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
	zero, err := from(new(T)).ToLB()
	if err != nil {
		t.Fatal(err)
	}
	want := new(T)
	normalize(want)
	if !reflect.DeepEqual(zero, want) {
		t.Fatalf("zero value: got %+v, want %+v", zero, want)
	}
}

func TestResourcesRoundTrip(t *testing.T) {
	t.Run("subnet", func(t *testing.T) { testResource(t, FromSubnet) })
	t.Run("load balancer", func(t *testing.T) { testResource(t, FromLoadBalancer) })
	t.Run("listener", func(t *testing.T) { testResource(t, FromListener) })
	t.Run("pool", func(t *testing.T) { testResource(t, FromPool) })
	t.Run("member", func(t *testing.T) { testResource(t, FromMember) })
	t.Run("health monitor", func(t *testing.T) { testResource(t, FromHealthMonitor) })
	t.Run("L7 policy", func(t *testing.T) { testResource(t, FromL7Policy) })
	t.Run("L7 rule", func(t *testing.T) { testResource(t, FromL7Rule) })
	t.Run("network", func(t *testing.T) { testResource(t, FromNetwork) })
	t.Run("port", func(t *testing.T) { testResource(t, FromPort) })
	t.Run("security group", func(t *testing.T) { testResource(t, FromSecurityGroup) })
	t.Run("QoS policy", func(t *testing.T) { testResource(t, FromQoSPolicy) })
	t.Run("quota", func(t *testing.T) { testResource(t, FromQuota) })
	t.Run("flavor profile", func(t *testing.T) { testResource(t, FromFlavorProfile) })
	t.Run("flavor", func(t *testing.T) { testResource(t, FromFlavor) })
	t.Run("availability zone profile", func(t *testing.T) { testResource(t, FromAvailabilityZoneProfile) })
	t.Run("availability zone", func(t *testing.T) { testResource(t, FromAvailabilityZone) })
	t.Run("project", func(t *testing.T) { testResource(t, FromProject) })
	t.Run("user", func(t *testing.T) { testResource(t, FromUser) })
	t.Run("role", func(t *testing.T) { testResource(t, FromRole) })
	t.Run("secret", func(t *testing.T) { testResource(t, FromSecret) })
	t.Run("secret container", func(t *testing.T) { testResource(t, FromSecretContainer) })
	t.Run("role assignment", func(t *testing.T) { testResource(t, FromRoleAssignment) })
	t.Run("revoked token", func(t *testing.T) { testResource(t, FromRevokedToken) })
}

// fillOpt makes a field of a spec absent, null or a value.
func fillOpt(t *rapid.T, o reflect.Value) {
	state := rapid.IntRange(0, 2).Draw(t, "state")
	for i := range o.NumField() {
		// The fields of an Opt are its own, and tests of every type of it need another way in.
		f := reflect.NewAt(o.Field(i).Type(), o.Field(i).Addr().UnsafePointer()).Elem()
		switch {
		case o.Type().Field(i).Name == "state":
			f.SetUint(uint64(state))
		case state == 2:
			fill(t, f)
		}
	}
}

func testSpec[S any, M interface {
	proto.Message
	ToLB() (S, error)
}](t *testing.T, from func(S) M) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var want S
		fill(t, reflect.ValueOf(&want).Elem())
		got, err := overWire(t, from(want)).ToLB()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
	var none M // a request that forgot the spec
	if got, err := none.ToLB(); err != nil || !reflect.DeepEqual(got, *new(S)) {
		t.Fatalf("nil message: got %+v, %v", got, err)
	}
}

func TestSpecsRoundTrip(t *testing.T) {
	t.Run("subnet", func(t *testing.T) { testSpec(t, FromSubnetSpec) })
	t.Run("load balancer", func(t *testing.T) { testSpec(t, FromLoadBalancerSpec) })
	t.Run("listener", func(t *testing.T) { testSpec(t, FromListenerSpec) })
	t.Run("pool", func(t *testing.T) { testSpec(t, FromPoolSpec) })
	t.Run("member", func(t *testing.T) { testSpec(t, FromMemberSpec) })
	t.Run("health monitor", func(t *testing.T) { testSpec(t, FromHealthMonitorSpec) })
	t.Run("L7 policy", func(t *testing.T) { testSpec(t, FromL7PolicySpec) })
	t.Run("L7 rule", func(t *testing.T) { testSpec(t, FromL7RuleSpec) })
	t.Run("network", func(t *testing.T) { testSpec(t, FromNetworkSpec) })
	t.Run("port", func(t *testing.T) { testSpec(t, FromPortSpec) })
	t.Run("security group", func(t *testing.T) { testSpec(t, FromSecurityGroupSpec) })
	t.Run("QoS policy", func(t *testing.T) { testSpec(t, FromQoSPolicySpec) })
	t.Run("quota", func(t *testing.T) { testSpec(t, FromQuotaSpec) })
	t.Run("flavor profile", func(t *testing.T) { testSpec(t, FromFlavorProfileSpec) })
	t.Run("flavor", func(t *testing.T) { testSpec(t, FromFlavorSpec) })
	t.Run("availability zone profile", func(t *testing.T) { testSpec(t, FromAvailabilityZoneProfileSpec) })
	t.Run("availability zone", func(t *testing.T) { testSpec(t, FromAvailabilityZoneSpec) })
	t.Run("project", func(t *testing.T) { testSpec(t, FromProjectSpec) })
	t.Run("user", func(t *testing.T) { testSpec(t, FromUserSpec) })
	t.Run("role", func(t *testing.T) { testSpec(t, FromRoleSpec) })
	t.Run("secret", func(t *testing.T) { testSpec(t, FromSecretSpec) })
	t.Run("secret container", func(t *testing.T) { testSpec(t, FromSecretContainerSpec) })
}
