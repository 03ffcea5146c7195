package proxy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/sticky"
)

// stickyBatch is what another node would say of one client.
func stickyBatch(pool lb.PoolID, kind lb.PersistenceType, from netip.Addr, session string, id lb.MemberID) []byte {
	key := sticky.SourceKey(from, netip.Addr{})
	if kind == lb.PersistAppCookie {
		key = sticky.CookieKey([]byte(session))
	}
	return sticky.AppendSection(nil, pool, []sticky.Entry{{Key: key, Member: id, Used: time.Now().UnixMilli()}})
}

// A client of which the engine knows costs nothing more than another.
func TestNoAllocationWithPersistence(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIPPED: the race detector makes pools lose what they hold")
	}
	for kind, name := range map[lb.PersistenceType]string{lb.PersistSourceIP: "", lb.PersistHTTPCookie: "", lb.PersistAppCookie: "app"} {
		t.Run(string(kind), func(t *testing.T) {
			f := newFront(t, 0, nil)
			id := f.rig.member(f.pool, newSmallMember(t))
			f.persist(kind, name)
			if kind == lb.PersistAppCookie {
				if err := f.engine.MergeSticky(stickyBatch(f.pool, kind, netip.Addr{}, "s", id)); err != nil {
					t.Fatal(err)
				}
			}
			wantNoAllocation(t, newSmallClient(t, f, "GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; app=s; SRV="+string(id)+"\r\n\r\n"))
		})
	}
}

// Tables are kept over changes that do not concern them, and begin anew with another meaning.
func TestTablesOfPools(t *testing.T) {
	f := newFront(t, 1, nil)
	table := func() *sticky.Table {
		all := f.engine.tables.Load()
		if all == nil {
			return nil
		}
		return (*all)[f.pool]
	}
	if table() != nil {
		t.Error("a pool without persistence has a table")
	}
	f.persist(lb.PersistSourceIP, "")
	first := table()
	f.weigh(0, 5)
	if first == nil || table() != first {
		t.Error("a member's weight changed the table")
	}
	f.persist(lb.PersistAppCookie, "a")
	second := table()
	if second == nil || second == first {
		t.Error("another kind has the same table")
	}
	f.persist(lb.PersistAppCookie, "b")
	if third := table(); third == nil || third == second {
		t.Error("another cookie has the same table")
	}
	f.persist(lb.PersistHTTPCookie, "")
	if table() != nil {
		t.Error("HTTP_COOKIE has a table")
	}
	f.persist(lb.PersistSourceIP, "")
	f.do(lb.DeleteLoadBalancer{ID: f.lb, Cascade: true})
	if table() != nil {
		t.Error("a pool that is gone has a table")
	}
	// News of it are passed over.
	if err := f.engine.MergeSticky(stickyBatch(f.pool, lb.PersistSourceIP, clientAddr(1), "", f.ids[0])); err != nil {
		t.Error(err)
	}
}
