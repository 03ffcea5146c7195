package lb

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// batchWorld has a pool with the members 10.0.0.1:80 (weight 5, backup, named) and
// 10.0.0.2:80.
func batchWorld(t *testing.T) (w *world, s SubnetID, p PoolID) {
	w = newWorld(t)
	s = w.subnet("public", "192.0.2.0/24")
	p = w.pool(w.loadBalancer(s), ProtocolHTTP)
	spec := memberSpec(p, "10.0.0.1", 80)
	spec.Name, spec.Weight, spec.Backup = Some("one"), Some(5), Some(true)
	spec.AdminStateUp, spec.MonitorPort, spec.MonitorAddress = Some(false), Some(81), Some(addr("10.0.0.9"))
	w.do(CreateMember{Spec: spec})
	w.member(p, "10.0.0.2", 80)
	return w, s, p
}

func batchSpec(host string) MemberSpec {
	return MemberSpec{Address: Some(addr(host)), ProtocolPort: Some(80)}
}

// members lists a pool's members as address, weight and name.
func (w *world) members(id PoolID) string {
	p, _ := w.cfg.Pool(id)
	var all []string
	for _, m := range p.Members {
		all = append(all, fmt.Sprintf("%s/%d/%s", m.Address, m.Weight, m.Name))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSetMembers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		additive bool
		specs    []MemberSpec
		want     string
		changes  int // of members
	}{
		{"none", false, nil, "", 2},
		{"none, additive", true, nil, "10.0.0.1/5/one 10.0.0.2/1/", 0},
		{"one stays, one comes, one goes", false, []MemberSpec{batchSpec("10.0.0.1"), batchSpec("10.0.0.3")}, "10.0.0.1/1/one 10.0.0.3/1/", 3},
		{"additive", true, []MemberSpec{batchSpec("10.0.0.1"), batchSpec("10.0.0.3")}, "10.0.0.1/1/one 10.0.0.2/1/ 10.0.0.3/1/", 2},
		{"the same", false, []MemberSpec{batchSpec("10.0.0.2"), batchSpec("10.0.0.1")}, "10.0.0.1/1/one 10.0.0.2/1/", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, _, p := batchWorld(t)
			next, result, changes, err := Apply(w.cfg, w.stamp(SetMembers{PoolID: p, Members: tt.specs, AdditiveOnly: tt.additive}))
			if err != nil {
				t.Fatal(err)
			}
			if result != (Result{KindPool, string(p)}) {
				t.Errorf("result %v", result)
			}
			w.cfg = next
			if got := w.members(p); got != tt.want {
				t.Errorf("members %s, want %s", got, tt.want)
			}
			written := 0
			for _, c := range changes {
				if c.Kind == KindMember {
					written++
				}
			}
			if written != tt.changes {
				t.Errorf("%d members changed, want %d", written, tt.changes)
			}
			if u := w.cfg.Usage(""); u.Member != strings.Count(tt.want, "/")/2 {
				t.Errorf("%d members are counted, with %s", u.Member, tt.want)
			}
		})
	}
}

func TestSetMembersAppliesTheDefaultsOfACreate(t *testing.T) {
	w, s, p := batchWorld(t)
	spec := batchSpec("10.0.0.1")
	spec.SRIOV, spec.ProjectID, spec.SubnetID = Some(true), Some("theirs"), Some(s)
	pool, _ := w.cfg.Pool(p)
	before := *pool.Members[0]
	w.do(SetMembers{PoolID: p, Members: []MemberSpec{spec}})
	pool, _ = w.cfg.Pool(p)
	m := pool.Members[0]
	if m.ID != before.ID || m.Name != "one" || !m.CreatedAt.Equal(before.CreatedAt) {
		t.Errorf("the member lost what was not given: %+v", m)
	}
	if !m.AdminStateUp || m.Weight != 1 || m.Backup || m.MonitorPort != 0 || m.MonitorAddress != (netip.Addr{}) {
		t.Errorf("the defaults were not set back: %+v", m)
	}
	if m.SRIOV || m.ProjectID != "" || m.SubnetID != s || m.UpdatedAt.IsZero() {
		t.Errorf("member %+v", m)
	}
	_, _, _, err := Apply(w.cfg, w.stamp(DeleteSubnet{ID: s}))
	if err == nil {
		t.Error("the subnet can be deleted under the member")
	}
}

func TestSetMembersRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, []MemberSpec) {
		w, _, _ := batchWorld(t)
		return w, []MemberSpec{batchSpec("10.0.0.1"), batchSpec("10.0.0.3")}
	}
	_, _, p := batchWorld(t)
	add := func(spec MemberSpec) func(*[]MemberSpec) {
		return func(s *[]MemberSpec) { *s = append(*s, spec) }
	}
	subnet, weight := batchSpec("10.0.0.4"), batchSpec("10.0.0.2")
	subnet.SubnetID, weight.Weight = Some(SubnetID(testID(99))), Some(300)
	known := batchSpec("10.0.0.2")
	known.SubnetID = Some(SubnetID(testID(99)))
	checkRules(t, fresh, func(s []MemberSpec) Op { return SetMembers{PoolID: p, Members: s} }, []rule[[]MemberSpec]{
		{"the same again", add(batchSpec("10.0.0.1")), ErrInvalid, "address", "Validation failure: Member must be updated only once in the same request."},
		{"a new one again", add(batchSpec("10.0.0.3")), ErrConflict, "address", "Another member on this pool is already using ip 10.0.0.3 on protocol_port 80"},
		{"reserved address", add(batchSpec("169.254.169.254")), ErrInvalid, "address", "169.254.169.254 is not a valid option for member address"},
		{"unknown subnet", add(subnet), ErrInvalid, "subnet_id", "Subnet " + testID(99) + " not found."},
		{"unknown subnet of one that is there", add(known), ErrInvalid, "subnet_id", "Subnet " + testID(99) + " not found."},
		{"wrong field of one that is there", add(weight), ErrInvalid, "weight", "use 0 to 256"},
		{"no port", add(MemberSpec{Address: Some(addr("10.0.0.7"))}), ErrInvalid, "protocol_port", "required"},
		{"no address", add(MemberSpec{ProtocolPort: Some(80)}), ErrInvalid, "address", "required"},
	})
}

func TestSetMembersMeetsQuotaByTheDifference(t *testing.T) {
	w := newWorld(t)
	spec := LoadBalancerSpec{VIPSubnetID: Some(w.subnet("public", "192.0.2.0/24"))}
	spec.ProjectID = Some("p")
	p := w.pool(LoadBalancerID(w.do(CreateLoadBalancer{Spec: spec})), ProtocolHTTP)
	w.member(p, "10.0.0.1", 80)
	w.member(p, "10.0.0.2", 80)
	w.do(SetQuota{ProjectID: "p", Spec: QuotaSpec{Member: Some(2)}})
	w.do(SetMembers{PoolID: p, Members: []MemberSpec{batchSpec("10.0.0.3"), batchSpec("10.0.0.4")}})
	_, _, _, err := Apply(w.cfg, w.stamp(SetMembers{PoolID: p, AdditiveOnly: true, Members: []MemberSpec{batchSpec("10.0.0.5")}}))
	checkError(t, err, ErrQuota, "", "Quota has been met for resources: Member")
}
