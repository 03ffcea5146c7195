package lbpb

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/lb"
)

func TestToLBRefuses(t *testing.T) {
	bad := proto.String("10.0.0")
	tests := []struct {
		name   string
		decode func() error
		kind   lb.Kind
		fields []string
	}{
		{"subnet", func() error {
			_, err := (&Subnet{
				Cidr: "10.0.0.0", GatewayIp: "x", AllocationPools: []*Range{{Start: "10.0.0.1", End: "y"}},
			}).ToLB()
			return err
		}, lb.KindSubnet, []string{"cidr", "gateway_ip", "allocation_pools"}},
		{"load balancer", func() error {
			_, err := (&LoadBalancer{VipAddress: "x"}).ToLB()
			return err
		}, lb.KindLoadBalancer, []string{"vip_address"}},
		{"time", func() error {
			_, err := (&Pool{Meta: &Meta{CreatedAt: &timestamppb.Timestamp{Nanos: -1}}}).ToLB()
			return err
		}, lb.KindPool, []string{"created_at"}},
		{"listener", func() error {
			_, err := (&Listener{
				ProtocolPort: 70000, AllowedCidrs: []string{"0.0.0.0/0", "x"},
				TimeoutClientData: &durationpb.Duration{Seconds: 1, Nanos: -1},
			}).ToLB()
			return err
		}, lb.KindListener, []string{"protocol_port", "allowed_cidrs", "timeout_client_data"}},
		{"member", func() error {
			_, err := (&Member{Address: "x", MonitorAddress: "y", MonitorPort: 65536}).ToLB()
			return err
		}, lb.KindMember, []string{"address", "monitor_address", "monitor_port"}},
		{"subnet spec", func() error {
			_, err := (&SubnetSpec{Cidr: bad, GatewayIp: proto.String("")}).ToLB()
			return err
		}, lb.KindSubnet, []string{"cidr", "gateway_ip"}},
		{"range without an end", func() error {
			_, err := (&SubnetSpec{AllocationPools: &Ranges{Values: []*Range{{Start: "10.0.0.1"}}}}).ToLB()
			return err
		}, lb.KindSubnet, []string{"allocation_pools"}},
		{"null that does not exist", func() error {
			_, err := (&MemberSpec{NullFields: []string{"weigth", "name"}}).ToLB()
			return err
		}, lb.KindMember, []string{"null_fields"}},
		{"null of another kind", func() error {
			_, err := (&MemberSpec{NullFields: []string{"cidr"}}).ToLB()
			return err
		}, lb.KindMember, []string{"null_fields"}},
		{"null and value", func() error {
			_, err := (&PoolSpec{
				NullFields: []string{"name", "name"}, Meta: &MetaSpec{Name: proto.String("web")},
			}).ToLB()
			return err
		}, lb.KindPool, []string{"name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.decode()
			var fields []string
			for _, e := range flatten(err) {
				var le *lb.Error
				if !errors.As(e, &le) {
					t.Fatalf("%v is a %T", e, e)
				}
				if !errors.Is(le, lb.ErrInvalid) || le.Resource != tt.kind || le.Msg == "" {
					t.Errorf("got %#v", le)
				}
				fields = append(fields, le.Field)
			}
			if !slices.Equal(fields, tt.fields) {
				t.Errorf("fields at fault %q, want %q (%v)", fields, tt.fields, err)
			}
		})
	}
}

// belowOnly are the fields of specs that only lie around or below another one: they have
// nothing that null could set them back to.
var belowOnly = []string{
	"meta", "null_fields", "pools", "listeners", "members", "healthmonitor", "l7policies", "rules",
	"default_pool_name", "redirect_pool_name",
}

// Every field of every spec can be named in null_fields by its own name, which
// is the name that errors use.
func TestEveryFieldCanBeNull(t *testing.T) {
	specs := []protoreflect.Message{(&QuotaSpec{}).ProtoReflect()}
	kinds := (&Spec{}).ProtoReflect()
	for i := range kinds.Descriptor().Fields().Len() {
		specs = append(specs, kinds.NewField(kinds.Descriptor().Fields().Get(i)).Message())
	}
	for _, spec := range specs {
		var names []string
		fields := spec.Descriptor().Fields()
		for i := range fields.Len() {
			names = append(names, string(fields.Get(i).Name()))
		}
		if slices.Contains(names, "meta") {
			meta := (&MetaSpec{}).ProtoReflect().Descriptor().Fields()
			for i := range meta.Len() {
				names = append(names, string(meta.Get(i).Name()))
			}
		}
		names = slices.DeleteFunc(names, func(s string) bool { return slices.Contains(belowOnly, s) })
		list := spec.Mutable(fields.ByName("null_fields")).List()
		for _, name := range names {
			list.Append(protoreflect.ValueOfString(name))
		}
		decoded := reflect.ValueOf(spec.Interface()).MethodByName("ToLB").Call(nil)
		if err := decoded[1].Interface(); err != nil {
			t.Errorf("%s: %v", spec.Descriptor().Name(), err)
		}
	}
}

// The encoding is for ever: a change of a number or a type breaks every stored
// configuration. New fields are added at the end of a line of the file.
func TestFieldNumbers(t *testing.T) {
	const file = "testdata/fields.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, _, _ := strings.Cut(line, ":")
		want[name] = line
	}
	for _, f := range []protoreflect.FileDescriptor{
		File_internal_lbpb_lb_proto, File_internal_lbpb_net_proto, File_internal_lbpb_operator_proto,
		File_internal_lbpb_identity_proto, File_internal_lbpb_secret_proto, File_internal_lbpb_op_proto,
	} {
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			if got := describe(m); got != want[string(m.Name())] {
				t.Errorf("%s has\n%swant\n%s", file, want[string(m.Name())], got)
			}
			delete(want, string(m.Name()))
		}
	}
	for name := range want {
		t.Errorf("the message %s is gone", name)
	}
}

// describe is the line of a message in testdata/fields.txt.
func describe(m protoreflect.MessageDescriptor) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", m.Name())
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		kind := f.Kind().String()
		if f.Message() != nil {
			kind = string(f.Message().Name())
		}
		fmt.Fprintf(&b, " %s=%d/%s", f.Name(), f.Number(), kind)
		if f.Cardinality() == protoreflect.Repeated {
			b.WriteString("*")
		}
	}
	return b.String() + "\n"
}
