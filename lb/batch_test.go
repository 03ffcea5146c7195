package lb

import (
	"slices"
	"testing"
)

func TestBatch(t *testing.T) {
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	pool, listener := testID(101), testID(102)
	front := listenerSpec(b, ProtocolHTTP, 80)
	front.DefaultPoolID = Some(PoolID(pool))
	next, result, changes, err := Apply(w.cfg, w.stamp(Batch{Ops: []Op{
		CreatePool{ID: PoolID(pool), Spec: poolSpec(b, ProtocolHTTP)},
		CreateMember{Spec: memberSpec(PoolID(pool), "10.0.0.1", 80)},
		CreateMember{Spec: memberSpec(PoolID(pool), "10.0.0.2", 80)},
		UpdatePool{ID: PoolID(pool), Spec: PoolSpec{MetaSpec: MetaSpec{Name: Some("web")}}},
		CreateListener{ID: ListenerID(listener), Spec: front},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	if result != (Result{Kind: KindListener, ID: listener}) {
		t.Errorf("result %v, want that of the last operation", result)
	}
	var got []Kind
	for _, c := range changes {
		got = append(got, c.Kind)
	}
	if want := []Kind{KindPool, KindMember, KindMember, KindListener}; !slices.Equal(got, want) {
		t.Errorf("changes of %q, want each resource once, parents first: %q", got, want)
	}
	p, _ := next.Pool(PoolID(pool))
	if changes[0].Object.(*Pool).Name != "web" || p.Name != "web" || len(p.Members) != 2 {
		t.Errorf("pool %+v, stored as %+v, want the name that came last and two members", p, changes[0].Object)
	}
}

func TestBatchIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	good := CreatePool{Spec: poolSpec(b, ProtocolHTTP)}
	for name, r := range map[string]struct {
		ops  []Op
		kind error
		msg  string
	}{
		"empty":         {nil, ErrInvalid, "has no operations"},
		"nil operation": {[]Op{good, nil}, ErrInvalid, "an operation that is none"},
		"nested":        {[]Op{good, Batch{Ops: []Op{good}}}, ErrInvalid, "put its operations in its place"},
		"last fails":    {[]Op{good, DeletePool{ID: PoolID(testID(99))}}, ErrNotFound, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			next, _, changes, err := Apply(w.cfg, w.stamp(Batch{Ops: r.ops}))
			checkError(t, err, r.kind, "", r.msg)
			if next != w.cfg || changes != nil {
				t.Errorf("something is left of a batch that was refused: %v", changes)
			}
		})
	}
}

func TestDerivedIDs(t *testing.T) {
	ids := func() []string {
		e := &edit{id: testID(1)}
		return []string{e.newID(""), e.newID(testID(7)), e.newID(""), e.newID("")}
	}
	got := ids()
	if got[0] != testID(1) || got[1] != testID(7) {
		t.Errorf("ids %v, want that of the stamp first, and those given as they are", got)
	}
	if !slices.Equal(got, ids()) {
		t.Errorf("ids %v, then %v from the same stamp", got, ids())
	}
	for _, id := range got[2:] {
		if !validID(id) || id[14] != '8' || !slices.Contains([]byte("89ab"), id[19]) {
			t.Errorf("derived id %s is no UUID of version 8", id)
		}
	}
	if got[2] == got[3] {
		t.Errorf("two derived ids are %s", got[2])
	}
}

func TestPrecondition(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	b := w.loadBalancer(s)
	p := w.pool(b, ProtocolHTTP)
	l := w.listener(b, ProtocolHTTP, 80)
	m := w.member(p, "10.0.0.1", 80)
	h := w.monitor(p, MonitorHTTP)
	for _, ops := range []func(uint64) []Op{
		func(r uint64) []Op { return []Op{UpdateSubnet{ID: s, If: r}} },
		func(r uint64) []Op {
			return []Op{UpdateLoadBalancer{ID: b, If: r}, DeleteLoadBalancer{ID: b, If: r, Cascade: true}}
		},
		func(r uint64) []Op { return []Op{UpdatePool{ID: p, If: r}, DeletePool{ID: p, If: r}} },
		func(r uint64) []Op { return []Op{UpdateListener{ID: l, If: r}, DeleteListener{ID: l, If: r}} },
		func(r uint64) []Op { return []Op{UpdateMember{ID: m, If: r}, DeleteMember{ID: m, If: r}} },
		func(r uint64) []Op { return []Op{UpdateHealthMonitor{ID: h, If: r}, DeleteHealthMonitor{ID: h, If: r}} },
	} {
		for _, stale := range ops(99) {
			_, _, _, err := Apply(w.cfg, w.stamp(stale))
			checkError(t, err, ErrPrecondition, "", "not 99: somebody changed it, read it again")
		}
		worked := 0
		for r := range uint64(7) {
			for _, op := range ops(r + 1) {
				if _, _, _, err := Apply(w.cfg, w.stamp(op)); err == nil {
					worked++
				}
			}
		}
		if want := len(ops(1)); worked != want {
			t.Errorf("%T: %d worked over all revisions, want %d", ops(1)[0], worked, want)
		}
	}
}
