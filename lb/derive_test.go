package lb

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// statusWorld has one of each kind, and a second pool that nothing uses.
type statusWorld struct {
	*world
	b            LoadBalancerID
	l            ListenerID
	used, unused PoolID
	m1, m2       MemberID
	h            HealthMonitorID
	view         View
}

func newStatusWorld(t *testing.T) *statusWorld {
	w := &statusWorld{world: newWorld(t)}
	w.b = w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	w.used, w.unused = w.pool(w.b, ProtocolHTTP), w.pool(w.b, ProtocolTCP)
	spec := listenerSpec(w.b, ProtocolHTTP, 80)
	spec.DefaultPoolID = Some(w.used)
	w.l = ListenerID(w.do(CreateListener{Spec: spec}))
	w.m1, w.m2 = w.member(w.used, "10.0.0.1", 80), w.member(w.used, "10.0.0.2", 80)
	w.h = w.monitor(w.used, MonitorTCP)
	w.view = View{
		Revision: w.cfg.Revision(),
		Errors:   map[string]string{},
		Members:  map[MemberID]OperatingStatus{w.m1: Online, w.m2: Online},
	}
	return w
}

func (w *statusWorld) statuses() map[string]Status {
	t, _ := w.cfg.Tree(w.b)
	return w.view.Tree(t)
}

func TestOperatingStatus(t *testing.T) {
	down := MetaSpec{AdminStateUp: Some(false)}
	tests := []struct {
		name string
		do   func(w *statusWorld)
		// operating status after do; what is not named is as in the healthy world
		lb, l, pool, m1, m2, h OperatingStatus
	}{
		{name: "healthy", do: func(*statusWorld) {}},
		{name: "one member failed", do: func(w *statusWorld) { w.view.Members[w.m1] = Failed }, m1: Failed, pool: Degraded, lb: Degraded},
		{name: "all members failed", do: func(w *statusWorld) {
			w.view.Members[w.m1], w.view.Members[w.m2] = Failed, Failed
		}, m1: Failed, m2: Failed, pool: Failed, lb: Failed},
		{name: "not checked yet", do: func(w *statusWorld) { delete(w.view.Members, w.m1) }, m1: Offline},
		{name: "the other is drained", do: func(w *statusWorld) {
			w.do(UpdateMember{ID: w.m2, Spec: MemberSpec{Weight: Some(0)}})
			w.view.Members[w.m1] = Failed
		}, m1: Failed, m2: Draining, pool: Failed, lb: Failed},
		{name: "failed member is disabled", do: func(w *statusWorld) {
			w.do(UpdateMember{ID: w.m1, Spec: MemberSpec{MetaSpec: down}})
			w.view.Members[w.m1] = Failed
		}, m1: Offline},
		{name: "no monitor", do: func(w *statusWorld) {
			w.do(DeleteHealthMonitor{ID: w.h})
			w.view.Members[w.m1] = Failed // left over from before
		}, m1: NoMonitor, m2: NoMonitor, h: "gone"},
		{name: "monitor disabled", do: func(w *statusWorld) {
			w.do(UpdateHealthMonitor{ID: w.h, Spec: HealthMonitorSpec{MetaSpec: down}})
		}, m1: NoMonitor, m2: NoMonitor, h: Offline},
		{name: "pool disabled", do: func(w *statusWorld) {
			w.do(UpdatePool{ID: w.used, Spec: PoolSpec{MetaSpec: down}})
			w.view.Members[w.m1] = Failed
		}, m1: Failed, pool: Offline},
		{name: "listener disabled", do: func(w *statusWorld) {
			w.do(UpdateListener{ID: w.l, Spec: ListenerSpec{MetaSpec: down}})
		}, l: Offline, pool: Offline},
		{name: "pool detached", do: func(w *statusWorld) {
			w.do(UpdateListener{ID: w.l, Spec: ListenerSpec{DefaultPoolID: Null[PoolID]()}})
		}, pool: Offline},
		{name: "load balancer disabled", do: func(w *statusWorld) {
			w.do(UpdateLoadBalancer{ID: w.b, Spec: LoadBalancerSpec{MetaSpec: down}})
		}, lb: Offline, l: Offline, pool: Offline},
		{name: "listener full", do: func(w *statusWorld) { w.view.Full = map[ListenerID]bool{w.l: true} }, l: Degraded, lb: Degraded},
		{name: "listener full and disabled", do: func(w *statusWorld) {
			w.do(UpdateListener{ID: w.l, Spec: ListenerSpec{MetaSpec: down}})
			w.view.Full = map[ListenerID]bool{w.l: true}
		}, l: Offline, pool: Offline},
		{name: "monitor not served", do: func(w *statusWorld) {
			w.view.Errors[string(w.h)] = "PING is not served"
			w.view.Members = nil
		}, m1: NoMonitor, m2: NoMonitor, h: Failed},
		{name: "port taken on the node", do: func(w *statusWorld) { w.view.Errors[string(w.l)] = "bind: in use" }, l: Failed},
		{name: "load balancer in error", do: func(w *statusWorld) { w.view.Errors[string(w.b)] = "no such link" }, lb: Failed},
		{
			name: "nothing applied", do: func(w *statusWorld) { w.view = View{} },
			lb: Offline, l: Offline, pool: Offline, m1: Offline, m2: Offline, h: Offline,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newStatusWorld(t)
			fresh := w.cfg.Revision()
			tt.do(w)
			if w.view.Revision == fresh {
				w.view.Revision = w.cfg.Revision()
			}
			want := map[string]OperatingStatus{string(w.unused): Offline}
			for id, s := range map[string][2]OperatingStatus{
				string(w.b): {tt.lb, Online}, string(w.l): {tt.l, Online}, string(w.used): {tt.pool, Online},
				string(w.m1): {tt.m1, Online}, string(w.m2): {tt.m2, Online}, string(w.h): {tt.h, Online},
			} {
				if want[id] = s[0]; s[0] == "" {
					want[id] = s[1]
				}
				if s[0] == "gone" {
					delete(want, id)
				}
			}
			got := map[string]OperatingStatus{}
			for id, s := range w.statuses() {
				got[id] = s.Operating
				if unwell := s.Operating == Failed || s.Operating == Degraded; unwell != (s.Reason != "") {
					t.Errorf("%s is %s for the reason %q", id, s.Operating, s.Reason)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("operating statuses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProvisioningStatus(t *testing.T) {
	w := newStatusWorld(t)
	check := func(step string, want map[string]ProvisioningStatus) {
		t.Helper()
		for id, s := range w.statuses() {
			if wanted, ok := want[id]; ok && s.Provisioning != wanted || !ok && s.Provisioning != Active {
				t.Errorf("%s: %s is %s, want %q or ACTIVE", step, id, s.Provisioning, wanted)
			}
		}
	}
	check("applied", nil)

	m3 := string(w.member(w.used, "10.0.0.3", 80))
	check("member created", map[string]ProvisioningStatus{m3: PendingCreate, string(w.b): PendingUpdate})
	w.do(UpdateMember{ID: w.m1, Spec: MemberSpec{Weight: Some(7)}})
	check("member updated", map[string]ProvisioningStatus{
		m3: PendingCreate, string(w.m1): PendingUpdate, string(w.b): PendingUpdate,
	})
	w.view.Errors[string(w.l)] = "bind: in use"
	w.view.Revision = w.cfg.Revision()
	check("all applied but one", map[string]ProvisioningStatus{string(w.l): Errored})
	if got := w.statuses()[string(w.l)].Reason; got != "bind: in use" {
		t.Errorf("reason %q", got)
	}
	delete(w.view.Errors, string(w.l))
	w.view.Warnings = map[string]string{string(w.l): "an old certificate"}
	want := Status{Provisioning: Active, Operating: Online, Reason: "an old certificate"}
	if got := w.statuses()[string(w.l)]; got != want {
		t.Errorf("with a warning: %+v, want %+v", got, want)
	}
	w.view.Errors[string(w.l)] = "bind: in use"
	w.do(UpdateListener{ID: w.l, Spec: ListenerSpec{TimeoutClientData: Some(time.Second)}})
	check("a new try is pending", map[string]ProvisioningStatus{string(w.l): PendingUpdate, string(w.b): PendingUpdate})

	b2 := w.loadBalancer(SubnetID(testID(1)))
	t2, _ := w.cfg.Tree(b2)
	w.pool(b2, ProtocolTCP)
	if got := w.view.LoadBalancer(t2).Provisioning; got != PendingCreate {
		t.Errorf("new load balancer with a new pool is %s, want PENDING_CREATE", got)
	}
}

func TestConfigStatusAgreesWithTree(t *testing.T) {
	w := newStatusWorld(t)
	w.view.Members[w.m1] = Failed
	kinds := map[string]Kind{
		string(w.b): KindLoadBalancer, string(w.l): KindListener, string(w.used): KindPool, string(w.unused): KindPool,
		string(w.m1): KindMember, string(w.m2): KindMember, string(w.h): KindHealthMonitor,
	}
	for id, want := range w.statuses() {
		if got, ok := w.cfg.Status(kinds[id], id, w.view); !ok || got != want {
			t.Errorf("Status(%s, %s) = %+v, %v, want %+v", kinds[id], id, got, ok, want)
		}
		for _, other := range []Kind{KindSubnet, KindLoadBalancer, KindListener, KindPool, KindMember, KindHealthMonitor} {
			if _, ok := w.cfg.Status(other, id, w.view); ok != (other == kinds[id]) {
				t.Errorf("Status(%s, %s) says %v of a %s", other, id, ok, kinds[id])
			}
		}
	}
	if got, ok := w.cfg.Status(KindSubnet, testID(1), w.view); !ok || got.Operating != Online || got.Provisioning != Active {
		t.Errorf("subnet status = %+v, %v", got, ok)
	}
}

func TestL7Statuses(t *testing.T) {
	w := newStatusWorld(t)
	b2 := w.pool(w.b, ProtocolHTTP)
	spec := L7PolicySpec{ListenerID: Some(w.l), Action: Some(L7RedirectToPool), RedirectPoolID: Some(b2)}
	q := L7PolicyID(w.do(CreateL7Policy{Spec: spec}))
	check := func(step string, id string, want OperatingStatus) {
		t.Helper()
		w.view.Revision = w.cfg.Revision()
		if got := w.statuses()[id]; got.Operating != want || got.Provisioning != Active {
			t.Errorf("%s: %+v, want %s", step, got, want)
		}
	}
	check("policy", string(q), Online)
	check("pool of a policy without rules", string(b2), Offline)
	rule := pathRule("/")
	rule.PolicyID = Some(q)
	r := L7RuleID(w.do(CreateL7Rule{Spec: rule}))
	if got := w.statuses()[string(r)]; got.Provisioning != PendingCreate || w.statuses()[string(w.b)].Provisioning != PendingUpdate {
		t.Errorf("a new rule is %+v", got)
	}
	check("rule", string(r), Online)
	check("pool of a policy with rules", string(b2), Online)
	for _, other := range []struct {
		kind Kind
		id   string
	}{{KindL7Policy, string(q)}, {KindL7Rule, string(r)}} {
		if got, ok := w.cfg.Status(other.kind, other.id, w.view); !ok || got != w.statuses()[other.id] {
			t.Errorf("Status(%s) = %+v, %v", other.kind, got, ok)
		}
	}
	down := MetaSpec{AdminStateUp: Some(false)}
	w.do(UpdateL7Rule{ID: r, Spec: L7RuleSpec{MetaSpec: down}})
	check("disabled rule", string(r), Offline)
	w.do(UpdateL7Policy{ID: q, Spec: L7PolicySpec{MetaSpec: down}})
	check("disabled policy", string(q), Offline)
	check("pool of a disabled policy", string(b2), Offline)
}
