package octavia

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// news is what a watch answers.
type news struct {
	Revision uint64
	Next     string
	Reset    bool
	Changed  []struct {
		Event, Type, ID, Name string
		Status                string `json:"provisioning_status"`
	}
}

func (n news) String() string {
	var all []string
	for _, c := range n.Changed {
		all = append(all, c.Event+" "+c.Type+" "+c.Name)
	}
	return strings.Join(all, ", ")
}

func readNews(t *testing.T, a answer) news {
	t.Helper()
	var n news
	if err := json.Unmarshal([]byte(a.Body), &n); err != nil || a.Code != 200 {
		t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	return n
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, balancer := pair(t)
		h := New(Config{Backend: b})
		look := func(query string) news {
			t.Helper()
			return readNews(t, ask(t, h, everybody, "GET /v2/octavia/watch"+query, ""))
		}
		begin := look("")
		if begin.Revision != b.Config().Revision() || begin.Reset || len(begin.Changed) > 0 {
			t.Fatalf("at the beginning: %+v", begin)
		}
		started := time.Now()
		if n := look("?timeout=5&after=" + begin.Next); n.String() != "" || time.Since(started) != 5*time.Second {
			t.Errorf("without a change: %+v after %v", n, time.Since(started))
		}

		// Somebody waits while the change is made.
		got := make(chan news)
		go func() { got <- look("?after=" + begin.Next) }()
		synctest.Wait()
		started = time.Now()
		listener := b.Must(lb.CreateListener{Spec: lb.ListenerSpec{
			MetaSpec: lb.MetaSpec{Name: lb.Some("http")}, LoadBalancerID: lb.Some(lb.LoadBalancerID(balancer)), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(80),
		}})
		n := <-got
		if n.String() != "created listener http" || time.Since(started) != 0 || n.Revision != b.Config().Revision() {
			t.Errorf("got %+v after %v", n, time.Since(started))
		}
		b.Must(lb.UpdateListener{ID: lb.ListenerID(listener), Spec: lb.ListenerSpec{ConnectionLimit: lb.Some(10)}})
		second := look("?after=" + n.Next)
		if second.String() != "updated listener http" {
			t.Errorf("got %+v", second)
		}
		b.Must(lb.DeleteListener{ID: lb.ListenerID(listener)})
		if n := look("?after=" + second.Next); n.String() != "deleted listener http" {
			t.Errorf("got %+v", n)
		}
		// A revision will do as well, and shows all of it again.
		if n := look(fmt.Sprintf("?after=%d", begin.Revision)); n.String() != "created listener http, updated listener http, deleted listener http" {
			t.Errorf("got %s", n)
		}
		// Places that the journal does not know: an older revision, another node's.
		for _, after := range []string{"1", "1-another-7"} {
			if n := look("?after=" + after); !n.Reset {
				t.Errorf("after %s: %+v", after, n)
			}
		}
		b.Must(lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(balancer)})
		if n := look("?after=" + look("?after="+second.Next).Next); n.String() == "" && n.Revision != b.Config().Revision() {
			t.Errorf("got %+v", n)
		}
	})
}

func TestWatchStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var applied atomic.Uint64
		b := newBackend(func(*lb.Config) lb.View { return lb.View{Revision: applied.Load()} })
		balancer := balance(b)
		h := New(Config{Backend: b})
		begin := readNews(t, ask(t, h, everybody, "GET /v2/octavia/watch", ""))
		got := make(chan news)
		go func() { got <- readNews(t, ask(t, h, everybody, "GET /v2/octavia/watch?after="+begin.Next, "")) }()
		synctest.Wait()
		applied.Store(b.Config().Revision())
		n := <-got
		if len(n.Changed) != 1 || n.Changed[0].Event != "status" || n.Changed[0].ID != balancer || n.Changed[0].Status != "ACTIVE" || n.Revision != begin.Revision {
			t.Errorf("got %+v", n)
		}
	})
}

func TestWatchRefuses(t *testing.T) {
	b, _ := pair(t)
	h := New(Config{Backend: b, Watchers: 1})
	stranger := access.Caller{ProjectID: "p2", Roles: []string{access.RoleReader}}
	for _, tt := range []struct {
		who   access.Caller
		query string
		code  int
	}{
		{access.Caller{}, "", 403},
		{access.Caller{Roles: []string{access.RoleReader}}, "", 403},
		{everybody, "?after=x", 400},
		{everybody, "?after=1-x", 400},
		{everybody, "?after=1-x-y", 400},
		{everybody, "?timeout=x", 400},
		{everybody, "?timeout=-1", 400},
		{stranger, "", 200},
	} {
		if a := ask(t, h, tt.who, "GET /v2/octavia/watch"+tt.query, ""); a.Code != tt.code {
			t.Errorf("%+v %s: %d %s", tt.who, tt.query, a.Code, a.Body)
		}
	}
	// Another project's changes stay hidden, also when nothing else changes.
	after := fmt.Sprint(b.Config().Revision())
	b.Must(lb.UpdateLoadBalancer{ID: onlyBalancer(b), Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("new")}}})
	if n := readNews(t, ask(t, h, stranger, "GET /v2/octavia/watch?timeout=0&after="+after, "")); len(n.Changed) > 0 {
		t.Errorf("a stranger sees %s", n)
	}
	if n := readNews(t, ask(t, h, everybody, "GET /v2/octavia/watch?timeout=0&after="+after, "")); n.String() != "updated loadbalancer new" {
		t.Errorf("got %s", n)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := pair(t)
		h := New(Config{Backend: b, Watchers: 1})
		done := make(chan answer)
		after := fmt.Sprint("?after=", b.Config().Revision())
		ask(t, h, everybody, "GET /v2/octavia/watch", "")
		go func() { done <- ask(t, h, everybody, "GET /v2/octavia/watch"+after, "") }()
		synctest.Wait()
		if a := ask(t, h, everybody, "GET /v2/octavia/watch"+after, ""); a.Code != 503 || a.Header.Get("Retry-After") == "" {
			t.Errorf("one too many: %d %s", a.Code, a.Body)
		}
		if a := <-done; a.Code != 200 {
			t.Errorf("got %d %s", a.Code, a.Body)
		}
	})
}

// A journal forgets, and says so.
func TestJournalIsBounded(t *testing.T) {
	b, balancer := pair(t)
	j := newJournal()
	j.look(b.Config(), lb.View{Revision: 1e9})
	_, begin, _ := j.since(cursor{})
	for n := range 2*maxEntries + 1 {
		b.Must(lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(balancer), Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some(fmt.Sprint(n))}}})
		j.look(b.Config(), lb.View{Revision: 1e9})
	}
	if len(j.entries) > 2*maxEntries {
		t.Errorf("%d entries are kept", len(j.entries))
	}
	if _, _, reset := j.since(begin); !reset {
		t.Error("a place that was forgotten is answered")
	}
	if _, _, reset := j.since(cursor{revision: begin.revision}); !reset {
		t.Error("a revision that was forgotten is answered")
	}
	if e, _, reset := j.since(cursor{revision: b.Config().Revision() - 1}); reset || len(e) != 1 {
		t.Errorf("the newest: %v %v", e, reset)
	}
}
