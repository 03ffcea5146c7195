package lb

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// What is created within one second keeps its order in trees, whatever the ids, also
// within one command, after an update, and when the Config is made of what was stored.
func TestOrderOfCreation(t *testing.T) {
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	now := w.stamp(nil).At
	do := func(id int, op Op) {
		t.Helper()
		w.n++
		next, _, _, err := Apply(w.cfg, Command{Stamp: Stamp{At: now, ID: testID(id)}, Revision: uint64(w.n), Op: op})
		if err != nil {
			t.Fatal(err)
		}
		w.cfg = next
	}
	do(900, CreatePool{Spec: PoolSpec{LoadBalancerID: Some(b), Protocol: Some(ProtocolHTTP), Algorithm: Some(RoundRobin)}})
	pool := PoolID(testID(900))
	member := func(port int) MemberSpec {
		return MemberSpec{PoolID: Some(pool), Address: Some(netip.MustParseAddr("192.0.2.9")), ProtocolPort: Some(port)}
	}
	for n := range 5 {
		do(800-n, CreateMember{Spec: member(1 + n)})
	}
	do(700, Batch{Ops: []Op{
		CreateMember{ID: MemberID(testID(602)), Spec: member(6)},
		CreateMember{ID: MemberID(testID(601)), Spec: member(7)},
	}})
	do(500, UpdateMember{ID: MemberID(testID(798)), Spec: MemberSpec{Weight: Some(9)}})

	built, err := Build(w.cfg.Revision(), w.cfg.Objects())
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]*Config{"lived": w.cfg, "built": built} {
		p, _ := cfg.Pool(pool)
		var ports []uint16
		for _, m := range p.Members {
			ports = append(ports, m.ProtocolPort)
		}
		if got := fmt.Sprint(ports); got != "[1 2 3 4 5 6 7]" {
			t.Errorf("%s: members by port %s, want them as they were created", name, got)
		}
	}
}

// Resources of versions that did not number come first in their second, by id.
func TestOrderOfUnnumbered(t *testing.T) {
	at := newWorld(t).stamp(nil).At
	made := func(id string, seconds int, serial uint64) *Member {
		return &Member{ID: MemberID(id), Meta: Meta{CreatedAt: at.AddDate(0, 0, seconds), Serial: serial}}
	}
	got := ""
	for _, m := range slices.SortedFunc(slices.Values([]*Member{
		made("e", 1, 1), made("a", 0, 7), made("d", 0, 0), made("c", 0, 0), made("b", 0, 6),
	}), byAge) {
		got += string(m.ID)
	}
	if got != "cdbae" {
		t.Errorf("order %s, want cdbae", got)
	}
}
