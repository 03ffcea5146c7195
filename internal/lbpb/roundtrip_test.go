package lbpb

import (
	"fmt"
	"net/netip"
	"reflect"
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
	case reflect.Slice:
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
	case reflect.Pointer: // a pool's monitor, which is a resource of its own
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

func testResource[T any, M interface {
	proto.Message
	ToLB() (*T, error)
}](t *testing.T, from func(*T) M) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		want := new(T)
		fill(t, reflect.ValueOf(want).Elem())
		if p, ok := any(want).(*lb.Pool); ok {
			p.Members = nil
		}
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
	if want := new(T); !reflect.DeepEqual(zero, want) {
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
}

// fillOpt makes one field of a spec absent, null or a value.
func fillOpt[T any](t *rapid.T, o *lb.Opt[T]) {
	switch rapid.IntRange(0, 2).Draw(t, "state") {
	case 1:
		*o = lb.Null[T]()
	case 2:
		var v T
		fill(t, reflect.ValueOf(&v).Elem())
		*o = lb.Some(v)
	}
}

func fillSpec(t *rapid.T, v reflect.Value) {
	switch o := v.Addr().Interface().(type) {
	case *lb.Opt[string]:
		fillOpt(t, o)
	case *lb.Opt[bool]:
		fillOpt(t, o)
	case *lb.Opt[int]:
		fillOpt(t, o)
	case *lb.Opt[[]string]:
		fillOpt(t, o)
	case *lb.Opt[map[string]string]:
		fillOpt(t, o)
	case *lb.Opt[time.Duration]:
		fillOpt(t, o)
	case *lb.Opt[netip.Addr]:
		fillOpt(t, o)
	case *lb.Opt[netip.Prefix]:
		fillOpt(t, o)
	case *lb.Opt[[]netip.Prefix]:
		fillOpt(t, o)
	case *lb.Opt[[]lb.Range]:
		fillOpt(t, o)
	case *lb.Opt[lb.SubnetID]:
		fillOpt(t, o)
	case *lb.Opt[lb.LoadBalancerID]:
		fillOpt(t, o)
	case *lb.Opt[lb.ListenerID]:
		fillOpt(t, o)
	case *lb.Opt[lb.PoolID]:
		fillOpt(t, o)
	case *lb.Opt[lb.Protocol]:
		fillOpt(t, o)
	case *lb.Opt[lb.Algorithm]:
		fillOpt(t, o)
	case *lb.Opt[lb.MonitorType]:
		fillOpt(t, o)
	case *lb.MetaSpec:
		for i := range v.NumField() {
			fillSpec(t, v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no generator for %v", v.Type()))
	}
}

func testSpec[S any, M interface {
	proto.Message
	ToLB() (S, error)
}](t *testing.T, from func(S) M) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var want S
		v := reflect.ValueOf(&want).Elem()
		for i := range v.NumField() {
			fillSpec(t, v.Field(i))
		}
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
}
