package lb

import (
	"fmt"
	"strings"
	"testing"
)

func profileRules[S any](set func(*S) (name, provider, data *Opt[string]), field string) []rule[S] {
	data := func(v string) func(*S) { return func(s *S) { _, _, d := set(s); *d = Some(v) } }
	return []rule[S]{
		{"no name", func(s *S) { n, _, _ := set(s); *n = Opt[string]{} }, ErrInvalid, "name", "is required"},
		{"name too long", func(s *S) { n, _, _ := set(s); *n = Some(strings.Repeat("x", 256)) }, ErrInvalid, "name", "at most 255"},
		{"no provider", func(s *S) { _, p, _ := set(s); *p = Opt[string]{} }, ErrInvalid, "provider_name", "is required"},
		{"alias", func(s *S) { _, p, _ := set(s); *p = Some("octavia") }, nil, "", ""},
		{"other provider", func(s *S) { _, p, _ := set(s); *p = Some("ovn") }, ErrInvalid, "provider_name", "Provider 'ovn' is not enabled."},
		{"no data", func(s *S) { _, _, d := set(s); *d = Opt[string]{} }, ErrInvalid, field, "is required"},
		{"empty object", data(`{}`), nil, "", ""},
		{"no JSON", data(`{`), ErrInvalid, field, "{ is not a valid option for " + field},
		{"a list", data(`[]`), ErrInvalid, field, "is not a valid option"},
		{"null", data(`null`), ErrInvalid, field, "is not a valid option"},
		{"two objects", data(`{} {}`), ErrInvalid, field, "is not a valid option"},
		{"too long", data(`{` + strings.Repeat(" ", 4095) + `}`), ErrInvalid, field, "at most 4096"},
		{"unknown key", data(`{"x": 1}`), ErrUnsupported, field, "Provider 'amphora' does not support a requested option: Additional properties are not allowed ('x' was unexpected)"},
	}
}

func TestFlavorProfileRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, FlavorProfileSpec) {
		return newWorld(t), FlavorProfileSpec{Name: Some("p"), ProviderName: Some("amphora"), Data: Some(`{}`)}
	}
	data := func(v string) func(*FlavorProfileSpec) { return func(s *FlavorProfileSpec) { s.Data = Some(v) } }
	rules := profileRules(func(s *FlavorProfileSpec) (_, _, _ *Opt[string]) { return &s.Name, &s.ProviderName, &s.Data }, "flavor_data")
	checkRules(t, fresh, func(s FlavorProfileSpec) Op { return CreateFlavorProfile{Spec: s} }, append(rules, []rule[FlavorProfileSpec]{
		{"every key", data(`{"loadbalancer_topology": "SINGLE", "compute_flavor": "1", "amp_image_tag": "t", "sriov_vip": true, "allow_member_sriov": false}`), nil, "", ""},
		{"topology", data(`{"loadbalancer_topology": "TRIPLE"}`), ErrUnsupported, "flavor_data", "'TRIPLE' is not one of ['SINGLE', 'ACTIVE_STANDBY']"},
		{"text for a boolean", data(`{"sriov_vip": "yes"}`), ErrUnsupported, "flavor_data", `"yes" is not of type 'boolean'`},
		{"number for a text", data(`{"compute_flavor": 1}`), ErrUnsupported, "flavor_data", "1 is not of type 'string'"},
	}...))
}

func TestAvailabilityZoneProfileRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, AvailabilityZoneProfileSpec) {
		return newWorld(t), AvailabilityZoneProfileSpec{Name: Some("p"), ProviderName: Some("amphora"), Data: Some(`{}`)}
	}
	data := func(v string) func(*AvailabilityZoneProfileSpec) {
		return func(s *AvailabilityZoneProfileSpec) { s.Data = Some(v) }
	}
	const field = "availability_zone_data"
	rules := profileRules(func(s *AvailabilityZoneProfileSpec) (_, _, _ *Opt[string]) { return &s.Name, &s.ProviderName, &s.Data }, field)
	checkRules(t, fresh, func(s AvailabilityZoneProfileSpec) Op { return CreateAvailabilityZoneProfile{Spec: s} }, append(rules, []rule[AvailabilityZoneProfileSpec]{
		{"every key", data(`{"compute_zone": "a", "volume_zone": "b", "management_network": "` + testID(1) + `", "valid_vip_networks": ["` + testID(1) + `"]}`), nil, "", ""},
		{"network is no id", data(`{"management_network": "net"}`), ErrUnsupported, field, "'net' is not a UUID"},
		{"VIP network is no id", data(`{"valid_vip_networks": ["net"]}`), ErrUnsupported, field, "net is not a UUID"},
		{"VIP networks are no list", data(`{"valid_vip_networks": "net"}`), ErrUnsupported, field, "not of type 'array'"},
	}...))
}

// offerWorld has a flavor that says data, a zone that says zone, and a subnet.
func offerWorld(t *testing.T, data, zone string) (w *world, f FlavorID, subnet SubnetID) {
	w = newWorld(t)
	p := FlavorProfileID(w.do(CreateFlavorProfile{Spec: FlavorProfileSpec{Name: Some("p"), ProviderName: Some("amphora"), Data: Some(data)}}))
	f = FlavorID(w.do(CreateFlavor{Spec: FlavorSpec{Name: Some("gold"), ProfileID: Some(p)}}))
	z := AvailabilityZoneProfileID(w.do(CreateAvailabilityZoneProfile{Spec: AvailabilityZoneProfileSpec{Name: Some("z"), ProviderName: Some("amphora"), Data: Some(zone)}}))
	w.do(CreateAvailabilityZone{Spec: AvailabilityZoneSpec{Name: Some("east"), ProfileID: Some(z)}})
	return w, f, w.subnet("public", "192.0.2.0/24")
}

func TestFlavorAndZoneRules(t *testing.T) {
	w, f, s := offerWorld(t, `{}`, `{}`)
	profile, zoneProfile, gone := FlavorProfileID(testID(1)), AvailabilityZoneProfileID(testID(3)), testID(99)
	for name, r := range map[string]struct {
		op    Op
		kind  error
		field string
		msg   string
	}{
		"flavor without name":     {CreateFlavor{Spec: FlavorSpec{ProfileID: Some(profile)}}, ErrInvalid, "name", "is required"},
		"flavor of a taken name":  {CreateFlavor{Spec: FlavorSpec{Name: Some("gold"), ProfileID: Some(profile)}}, ErrConflict, "name", "A flavor of gold already exists."},
		"flavor without profile":  {CreateFlavor{Spec: FlavorSpec{Name: Some("x")}}, ErrInvalid, "flavor_profile_id", "is required"},
		"flavor, unknown profile": {CreateFlavor{Spec: FlavorSpec{Name: Some("x"), ProfileID: Some(FlavorProfileID(gone))}}, ErrNotFound, "flavor_profile_id", "does not exist"},
		"flavor's other profile":  {UpdateFlavor{ID: f, Spec: FlavorSpec{ProfileID: Some(FlavorProfileID(gone))}}, ErrInvalid, "flavor_profile_id", "cannot be changed"},
		"profile in use, data":    {UpdateFlavorProfile{ID: profile, Spec: FlavorProfileSpec{Data: Some(`{"sriov_vip": true}`)}}, ErrInUse, "", "Flavor profile " + string(profile) + " is in use and cannot be modified."},
		"profile in use, delete":  {DeleteFlavorProfile{ID: profile}, ErrInUse, "", "is in use and cannot be modified."},
		"zone without name":       {CreateAvailabilityZone{Spec: AvailabilityZoneSpec{ProfileID: Some(zoneProfile)}}, ErrInvalid, "name", "is required"},
		"zone of a taken name":    {CreateAvailabilityZone{Spec: AvailabilityZoneSpec{Name: Some("east"), ProfileID: Some(zoneProfile)}}, ErrConflict, "name", "A availability zone of east already exists."},
		"zone, unknown profile":   {CreateAvailabilityZone{Spec: AvailabilityZoneSpec{Name: Some("x"), ProfileID: Some(AvailabilityZoneProfileID(gone))}}, ErrNotFound, "availability_zone_profile_id", "does not exist"},
		"zone's other name":       {UpdateAvailabilityZone{Name: "east", Spec: AvailabilityZoneSpec{Name: Some("west")}}, ErrInvalid, "name", "cannot be changed"},
		"unknown zone":            {UpdateAvailabilityZone{Name: "west"}, ErrNotFound, "", "does not exist"},
		"unknown flavor":          {DeleteFlavor{ID: FlavorID(gone)}, ErrNotFound, "", "does not exist"},
		"zone profile in use":     {DeleteAvailabilityZoneProfile{ID: zoneProfile}, ErrInUse, "", "Availability Zone Profile " + string(zoneProfile) + " is in use"},
		"other provider": {
			CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), FlavorID: Some(f), Provider: Some("octavia")}},
			ErrInvalid, "flavor_id", "Flavor '" + string(f) + "' is not compatible with provider 'octavia'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := Apply(w.cfg, w.stamp(r.op))
			checkError(t, err, r.kind, r.field, r.msg)
		})
	}
	w.do(UpdateFlavorProfile{ID: profile, Spec: FlavorProfileSpec{Name: Some("renamed"), Data: Some(`{}`)}})

	b := LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), FlavorID: Some(f), AvailabilityZone: Some("east")}}))
	for _, op := range []Op{DeleteFlavor{ID: f}, DeleteAvailabilityZone{Name: "east"}} {
		_, _, _, err := Apply(w.cfg, w.stamp(op))
		checkError(t, err, ErrInUse, "", "is in use and cannot be modified.")
	}
	w.do(DeleteLoadBalancer{ID: b})
	w.do(UpdateFlavor{ID: f, Spec: FlavorSpec{Enabled: Some(false)}})
	w.do(UpdateAvailabilityZone{Name: "east", Spec: AvailabilityZoneSpec{Enabled: Some(false)}})
	_, _, _, err := Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), FlavorID: Some(f)}}))
	checkError(t, err, ErrInvalid, "flavor_id", "The selected flavor is not allowed in this deployment: "+string(f))
	_, _, _, err = Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), AvailabilityZone: Some("east")}}))
	checkError(t, err, ErrInvalid, "availability_zone", "The selected availability_zone is not allowed in this deployment: east")
	for _, op := range []Op{DeleteFlavor{ID: f}, DeleteFlavorProfile{ID: profile}, DeleteAvailabilityZone{Name: "east"}, DeleteAvailabilityZoneProfile{ID: zoneProfile}} {
		w.do(op)
	}
}

func TestFlavorAndZoneDecide(t *testing.T) {
	w, f, s := offerWorld(t, `{"sriov_vip": true}`, `{"valid_vip_networks": ["`+testID(77)+`"]}`)
	group := SecurityGroupID(w.do(CreateSecurityGroup{}))
	spec := LoadBalancerSpec{VIPSubnetID: Some(s), FlavorID: Some(f)}
	tree, _ := w.cfg.Tree(LoadBalancerID(w.do(CreateLoadBalancer{Spec: spec})))
	if got := w.cfg.VNICType(tree.LoadBalancer); got != "direct" {
		t.Errorf("VNIC type %q, want direct", got)
	}
	spec.VIPSecurityGroupIDs = Some([]SecurityGroupID{group})
	_, _, _, err := Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: spec}))
	checkError(t, err, ErrInvalid, "vip_sg_ids", "not allowed with VIP port of type direct")
	_, _, _, err = Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), AvailabilityZone: Some("east")}}))
	checkError(t, err, ErrInvalid, "vip_network_id", "Supplied VIP network_id is not allowed by the configuration of this deployment.")
}

func TestQuota(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	create := CreateLoadBalancer{Spec: LoadBalancerSpec{MetaSpec: MetaSpec{ProjectID: Some("p")}, VIPSubnetID: Some(s)}}
	_, _, _, err := Apply(w.cfg, w.stamp(ResetQuota{ProjectID: "p"}))
	checkError(t, err, ErrNotFound, "", "does not exist")
	for _, bad := range []int{-2, 2_000_000_001} {
		_, _, _, err = Apply(w.cfg, w.stamp(SetQuota{ProjectID: "p", Spec: QuotaSpec{Pool: Some(bad)}}))
		checkError(t, err, ErrInvalid, "pool", "use -1 to 2000000000")
	}
	_, _, _, err = Apply(w.cfg, w.stamp(SetQuota{}))
	checkError(t, err, ErrInvalid, "project_id", "Missing project ID")

	b := LoadBalancerID(w.do(create))
	w.do(SetQuota{ProjectID: "p", Spec: QuotaSpec{LoadBalancer: Some(1), Listener: Some(0), Pool: Some(-1), Member: Some(1), HealthMonitor: Some(0)}})
	_, _, _, err = Apply(w.cfg, w.stamp(create))
	checkError(t, err, ErrQuota, "", "Quota has been met for resources: Load Balancer")
	exempt := w.stamp(create)
	exempt.Exempt = true
	if _, _, _, err := Apply(w.cfg, exempt); err != nil {
		t.Errorf("a caller that no quota binds: %v", err)
	}
	_, _, _, err = Apply(w.cfg, w.stamp(CreateListener{Spec: listenerSpec(b, ProtocolTCP, 80)}))
	checkError(t, err, ErrQuota, "", "Quota has been met for resources: Listener")
	p := w.pool(b, ProtocolTCP)
	_, _, _, err = Apply(w.cfg, w.stamp(CreateHealthMonitor{Spec: monitorSpec(p, MonitorTCP)}))
	checkError(t, err, ErrQuota, "", "Quota has been met for resources: Health Monitor")
	m := w.member(p, "10.0.0.1", 80)
	second := CreateMember{Spec: memberSpec(p, "10.0.0.2", 80)}
	_, _, _, err = Apply(w.cfg, w.stamp(second))
	checkError(t, err, ErrQuota, "", "Quota has been met for resources: Member")
	w.do(DeleteMember{ID: m})
	w.do(second)
	if got, want := w.cfg.Usage("p"), (Usage{LoadBalancer: 1, Pool: 1, Member: 1}); got != want {
		t.Errorf("usage %+v, want %+v", got, want)
	}
	w.do(ResetQuota{ProjectID: "p"})
	if q, ok := w.cfg.Quota("p"); !ok || q.Limits != (Limits{}) {
		t.Errorf("quota %+v after a reset, want one that says nothing", q)
	}
	w.do(create)
	w.do(DeleteLoadBalancer{ID: b, Cascade: true})
	if got, want := w.cfg.Usage("p"), (Usage{LoadBalancer: 1}); got != want {
		t.Errorf("usage %+v, want %+v", got, want)
	}
}

func TestFlavorDecidesOnMemberSRIOV(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		w, f, s := offerWorld(t, fmt.Sprintf(`{"allow_member_sriov": %v}`, allowed), `{}`)
		b := LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), FlavorID: Some(f)}}))
		spec := memberSpec(w.pool(b, ProtocolTCP), "10.0.0.1", 80)
		spec.SRIOV = Some(true)
		_, _, _, err := Apply(w.cfg, w.stamp(CreateMember{Spec: spec}))
		if allowed && err != nil {
			t.Errorf("allowed by the flavor: %v", err)
		} else if !allowed {
			checkError(t, err, ErrInvalid, "request_sriov", "flavor does not allow SR-IOV")
		}
	}
}
