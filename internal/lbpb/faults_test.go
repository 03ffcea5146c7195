package lbpb

import (
	"errors"
	"fmt"
	"slices"
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

func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Every field of every spec can be named in null_fields by its own name, which
// is the name that errors use.
func TestEveryFieldCanBeNull(t *testing.T) {
	specs := map[proto.Message]func([]string) error{
		&SubnetSpec{}: func(n []string) error { _, err := (&SubnetSpec{NullFields: n}).ToLB(); return err },
		&LoadBalancerSpec{}: func(n []string) error {
			_, err := (&LoadBalancerSpec{NullFields: n}).ToLB()
			return err
		},
		&ListenerSpec{}: func(n []string) error { _, err := (&ListenerSpec{NullFields: n}).ToLB(); return err },
		&PoolSpec{}:     func(n []string) error { _, err := (&PoolSpec{NullFields: n}).ToLB(); return err },
		&MemberSpec{}:   func(n []string) error { _, err := (&MemberSpec{NullFields: n}).ToLB(); return err },
		&HealthMonitorSpec{}: func(n []string) error {
			_, err := (&HealthMonitorSpec{NullFields: n}).ToLB()
			return err
		},
	}
	for spec, decode := range specs {
		var names []string
		for _, m := range []proto.Message{spec, &MetaSpec{}} {
			fields := m.ProtoReflect().Descriptor().Fields()
			for i := range fields.Len() {
				names = append(names, string(fields.Get(i).Name()))
			}
		}
		names = slices.DeleteFunc(names, func(s string) bool { return s == "meta" || s == "null_fields" })
		if err := decode(names); err != nil {
			t.Errorf("%s: %v", spec.ProtoReflect().Descriptor().Name(), err)
		}
	}
}

// The encoding is for ever: a change of a number or a type breaks every stored
// configuration. New fields are added at the end of a line here.
func TestFieldNumbers(t *testing.T) {
	want := map[protoreflect.Name]string{
		"Meta":              "project_id=1 name=2 description=3 admin_state_up=4 tags=5 created_at=6 updated_at=7 revision=8",
		"Subnet":            "id=1 meta=2 cidr=3 gateway_ip=4 allocation_pools=5",
		"LoadBalancer":      "id=1 meta=2 vip_subnet_id=3 vip_address=4",
		"InsertHeaders":     "x_forwarded_for=1 x_forwarded_port=2 x_forwarded_proto=3",
		"Listener":          "id=1 meta=2 loadbalancer_id=3 protocol=4 protocol_port=5 connection_limit=6 default_pool_id=7 insert_headers=8 allowed_cidrs=9 timeout_client_data=10 timeout_member_connect=11 timeout_member_data=12 timeout_tcp_inspect=13",
		"Pool":              "id=1 meta=2 loadbalancer_id=3 protocol=4 lb_algorithm=5",
		"Member":            "id=1 meta=2 pool_id=3 address=4 protocol_port=5 weight=6 backup=7 monitor_address=8 monitor_port=9 subnet_id=10",
		"HealthMonitor":     "id=1 meta=2 pool_id=3 type=4 delay=5 timeout=6 max_retries=7 max_retries_down=8 http_method=9 url_path=10 expected_codes=11 http_version=12 domain_name=13",
		"MetaSpec":          "project_id=1 name=2 description=3 admin_state_up=4 tags=5",
		"SubnetSpec":        "meta=1 null_fields=2 cidr=3 gateway_ip=4 allocation_pools=5",
		"LoadBalancerSpec":  "meta=1 null_fields=2 vip_subnet_id=3 vip_address=4",
		"ListenerSpec":      "meta=1 null_fields=2 loadbalancer_id=3 protocol=4 protocol_port=5 connection_limit=6 default_pool_id=7 insert_headers=8 allowed_cidrs=9 timeout_client_data=10 timeout_member_connect=11 timeout_member_data=12 timeout_tcp_inspect=13",
		"PoolSpec":          "meta=1 null_fields=2 loadbalancer_id=3 listener_id=4 protocol=5 lb_algorithm=6",
		"MemberSpec":        "meta=1 null_fields=2 pool_id=3 address=4 protocol_port=5 weight=6 backup=7 monitor_address=8 monitor_port=9 subnet_id=10",
		"HealthMonitorSpec": "meta=1 null_fields=2 pool_id=3 type=4 delay=5 timeout=6 max_retries=7 max_retries_down=8 http_method=9 url_path=10 expected_codes=11 http_version=12 domain_name=13",
	}
	for name, numbers := range want {
		fields := File_internal_lbpb_lb_proto.Messages().ByName(name).Fields()
		var got string
		for i := range fields.Len() {
			f := fields.Get(i)
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("%s=%d", f.Name(), f.Number())
		}
		if got != numbers {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, numbers)
		}
	}
}
