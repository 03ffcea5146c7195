package proxy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// persist gives the pool of f a session persistence.
func (f *front) persist(kind lb.PersistenceType, cookie string) {
	f.t.Helper()
	s := lb.PersistenceSpec{Type: lb.Some(kind)}
	if cookie != "" {
		s.CookieName = lb.Some(cookie)
	}
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{Persistence: lb.Some(s)}})
}

// newNamedFront is a front whose members are web servers that answer with their number. One of another path sets the cookie "app".
func newNamedFront(t testing.TB, cfg Config, members int) *front {
	t.Helper()
	f := &front{rig: newRig(t, cfg)}
	var addrs []netip.AddrPort
	for i := range members {
		addrs = append(addrs, newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
			if v, ok := strings.CutPrefix(r.URL.Path, "/login/"); ok {
				http.SetCookie(w, &http.Cookie{Name: "app", Value: v})
			}
			if _, err := r.Cookie(serverCookie); err == nil {
				w.WriteHeader(http.StatusTeapot) // it is not the member's business
			}
			fmt.Fprint(w, i)
		}))
	}
	f.listener, f.pool, f.ids = f.serve(lb.ProtocolHTTP, 8080, nil, addrs...)
	return f
}

// ask sends a request on a connection of its own, from an address, and returns the body and the cookies that were set.
func (f *front) ask(from netip.Addr, path, cookie string) (body string, set map[string]string, err error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Timeout: limit}
	c, err := d.Dial("tcp", netip.AddrPortFrom(f.addr, 8080).String())
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(limit))
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }, DisableKeepAlives: true}
	req, err := http.NewRequest(http.MethodGet, "http://a"+path, nil)
	if err != nil {
		return "", nil, err
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("status %d, body %q", resp.StatusCode, b)
	}
	set = map[string]string{}
	for _, k := range resp.Cookies() {
		set[k.Name] = k.Value
	}
	return string(b), set, err
}

func (f *front) mustAsk(from netip.Addr, path, cookie string) (string, map[string]string) {
	f.t.Helper()
	body, set, err := f.ask(from, path, cookie)
	if err != nil {
		f.t.Fatal(err)
	}
	return body, set
}

func clientAddr(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 10, byte(n >> 8), byte(n)}) }

// weigh changes the weight of member i.
func (f *front) weigh(i, weight int) {
	f.t.Helper()
	f.do(lb.UpdateMember{ID: f.ids[i], Spec: lb.MemberSpec{Weight: lb.Some(weight)}})
}

func (f *front) disable(i int) {
	f.t.Helper()
	f.do(lb.UpdateMember{ID: f.ids[i], Spec: lb.MemberSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
}

// keeping is what all kinds of persistence have in common: again asks as a client that was there before and fresh as a new one, both say
// which member answered.
func keeping(t *testing.T, f *front, again func() string, fresh func(n int) string) {
	t.Helper()
	home := again()
	var i int
	if _, err := fmt.Sscan(home, &i); err != nil {
		t.Fatal(err)
	}
	stays := func(when string) {
		t.Helper()
		for range 5 {
			if got := again(); got != home {
				t.Fatalf("%s: the client is at member %s, before it was at %s", when, got, home)
			}
		}
	}
	stays("nothing has changed")
	n := 1000
	spread := map[string]bool{}
	for range 12 {
		n++
		spread[fresh(n)] = true
	}
	if len(spread) != len(f.ids) {
		t.Fatalf("new clients came to %d members of %d", len(spread), len(f.ids))
	}

	f.weigh(i, 0)
	stays("its member drains")
	for range 12 {
		n++
		if fresh(n) == home {
			t.Fatal("a new client came to a member of weight 0")
		}
	}
	extra := newWebServer(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "extra") })
	id := f.rig.member(f.pool, extra)
	stays("a member came")
	f.do(lb.DeleteMember{ID: id})
	stays("a member went")

	f.disable(i)
	next := again()
	if next == home {
		t.Fatal("the client came to a member that is disabled")
	}
	home = next
	stays("its member is disabled")
}

func TestSourceIPPersistence(t *testing.T) {
	f := newNamedFront(t, Config{}, 3)
	f.persist(lb.PersistSourceIP, "")
	keeping(t, f,
		func() string { b, _ := f.mustAsk(clientAddr(1), "/", ""); return b },
		func(n int) string { b, _ := f.mustAsk(clientAddr(n), "/", ""); return b })
}

func TestHTTPCookiePersistence(t *testing.T) {
	f := newNamedFront(t, Config{}, 3)
	f.persist(lb.PersistHTTPCookie, "")
	from, cookie := clientAddr(1), ""
	keeping(t, f,
		func() string {
			body, set := f.mustAsk(from, "/", "a=b; "+cookie)
			v, ok := set[serverCookie]
			if ok == (cookie != "" && f.enabled(cookie)) {
				t.Fatalf("a client with the cookie %q is told %q", cookie, set)
			}
			if ok {
				cookie = serverCookie + "=" + v
			}
			return body
		},
		func(int) string { body, _ := f.mustAsk(from, "/", ""); return body })
}

func TestAppCookiePersistence(t *testing.T) {
	f := newNamedFront(t, Config{}, 3)
	f.persist(lb.PersistAppCookie, "app")
	from := clientAddr(1)
	f.mustAsk(from, "/login/s1", "")
	keeping(t, f,
		func() string { body, _ := f.mustAsk(from, "/", "x=y; app=s1"); return body },
		func(n int) string { body, _ := f.mustAsk(from, "/login/s"+fmt.Sprint(n), ""); return body })
	// A cookie that no member has set teaches nothing.
	seen := map[string]bool{}
	for range 6 {
		body, _ := f.mustAsk(from, "/", "app=made-up")
		seen[body] = true
	}
	if len(seen) != 2 { // one of three is disabled
		t.Errorf("made up cookies come to members %v", seen)
	}
}

// enabled reports whether the cookie names a member that may have clients.
func (f *front) enabled(cookie string) bool {
	_, id, _ := strings.Cut(cookie, "=")
	m, ok := f.cfg.Member(lb.MemberID(id))
	return ok && m.AdminStateUp
}

// What is on the wire: as in Octavia's HAProxy, "cookie SRV insert indirect nocache".
func TestHTTPCookieOnTheWire(t *testing.T) {
	f := newFront(t, 1, nil)
	f.persist(lb.PersistHTTPCookie, "")
	cookie := "Set-Cookie: SRV=" + string(f.ids[0]) + "; path=/"
	c := f.client()
	c.send("GET / HTTP/1.1\nHost: a\nCookie: SRV=unknown; a=b\n\n")
	m := f.member(0)
	if head := m.wantHead("GET / HTTP/1.1", "Cookie: a=b"); strings.Contains(head, "SRV") {
		t.Errorf("the member sees our cookie:\n%s", head)
	}
	m.send("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\nSet-Cookie: SRV=mine\nSet-Cookie: b=c\nContent-Length: 0\n\n")
	c.wantHead("HTTP/1.1 103 Early Hints")
	if head := c.wantHead("HTTP/1.1 200 OK", cookie, "Cache-Control: private", "Set-Cookie: b=c"); strings.Contains(head, "mine") {
		t.Errorf("the member sets our cookie:\n%s", head)
	}
	// A client that has it is not told again, and neither is anything private then.
	c.send("GET / HTTP/1.1\nHost: a\nCookie: SRV=%s\n\n", f.ids[0])
	if head := m.wantHead("GET / HTTP/1.1"); strings.Contains(head, "Cookie") {
		t.Errorf("the member sees our cookie:\n%s", head)
	}
	m.send("HTTP/1.1 204 No Content\n\n")
	if head := c.wantHead("HTTP/1.1 204 No Content"); strings.Contains(head, "SRV") || strings.Contains(head, "private") {
		t.Errorf("the client is told again:\n%s", head)
	}
	// An answer of our own begins nothing.
	f.disable(0)
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	if head := c.wantHead("HTTP/1.1 503 Service Unavailable"); strings.Contains(head, "SRV") {
		t.Errorf("our own answer sets a cookie:\n%s", head)
	}
}

// A member that refuses loses its clients to another, which keeps them.
func TestPersistenceRedispatch(t *testing.T) {
	for _, kind := range []lb.PersistenceType{lb.PersistSourceIP, lb.PersistHTTPCookie, lb.PersistAppCookie} {
		t.Run(string(kind), func(t *testing.T) {
			f := newNamedFront(t, Config{}, 2)
			cookie := ""
			if kind == lb.PersistAppCookie {
				cookie = "app"
			}
			f.persist(kind, cookie)
			bad := f.rig.member(f.pool, refused())
			// Whatever the client is to belong to: the engine believes that it is at the member that refuses.
			f.do(lb.UpdateMember{ID: bad, Spec: lb.MemberSpec{Weight: lb.Some(0)}})
			show := ""
			switch kind {
			case lb.PersistHTTPCookie:
				show = serverCookie + "=" + string(bad)
			case lb.PersistAppCookie:
				show = "app=s"
			}
			remember(t, f, kind, clientAddr(1), "s", bad)
			home, set := f.mustAsk(clientAddr(1), "/", show)
			if v, ok := set[serverCookie]; ok {
				show = serverCookie + "=" + v
			} else if kind == lb.PersistHTTPCookie {
				t.Fatal("the client is not told of its new member")
			}
			for range 5 {
				if got, _ := f.mustAsk(clientAddr(1), "/", show); got != home {
					t.Fatalf("the client is at member %s, before it was at %s", got, home)
				}
			}
		})
	}
}

// remember makes the engine believe that a client belongs to a member, as another node would.
func remember(t *testing.T, f *front, kind lb.PersistenceType, from netip.Addr, session string, id lb.MemberID) {
	t.Helper()
	if kind == lb.PersistHTTPCookie {
		return
	}
	if err := f.engine.MergeSticky(stickyBatch(f.pool, kind, from, session, id)); err != nil {
		t.Fatal(err)
	}
}

// A byte stream is kept by its source address, with a pool of protocol TCP.
func TestSourceIPPersistenceOfTCP(t *testing.T) {
	r := newRig(t, Config{})
	var origins []*origin
	var addrs []netip.AddrPort
	for range 3 {
		o := newOrigin(t)
		origins, addrs = append(origins, o), append(addrs, o.addr)
	}
	_, pool, _ := r.serve(lb.ProtocolTCP, 5432, nil, addrs...)
	r.do(lb.UpdatePool{ID: pool, Spec: lb.PoolSpec{Persistence: lb.Some(lb.PersistenceSpec{Type: lb.Some(lb.PersistSourceIP)})}})
	connect := func(from netip.Addr) int {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		c, err := d.Dial("tcp", netip.AddrPortFrom(r.addr, 5432).String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := -1
		testenv.Eventually(t, limit, func() error {
			for i, o := range origins {
				select {
				case m := <-o.conns:
					got = i
					return m.Close()
				default:
				}
			}
			return fmt.Errorf("no member has the connection")
		})
		return got
	}
	seen := map[int]bool{}
	for n := range 6 {
		home := connect(clientAddr(n))
		seen[home] = true
		for range 3 {
			if got := connect(clientAddr(n)); got != home {
				t.Fatalf("client %d is at member %d, before it was at %d", n, got, home)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("6 clients are at %d members of 3", len(seen))
	}
}

// What one engine has learned another one knows after a failover, and what it decides then counts for both.
func TestPersistenceSurvivesFailover(t *testing.T) {
	for _, kind := range []lb.PersistenceType{lb.PersistSourceIP, lb.PersistAppCookie} {
		t.Run(string(kind), func(t *testing.T) {
			standby := &front{rig: newRig(t, Config{})}
			holder := newNamedFront(t, Config{}, 4)
			t.Cleanup(standby.stop) // before that of the holder looks for what is left
			cookie := ""
			if kind == lb.PersistAppCookie {
				cookie = "app"
			}
			holder.persist(kind, cookie)
			standby.cfg, standby.rev, standby.listener, standby.pool, standby.ids = holder.cfg, holder.rev, holder.listener, holder.pool, holder.ids
			standby.engine.Apply(holder.cfg)
			testenv.Eventually(t, limit, func() error {
				if got := standby.engine.View().Revision; got != holder.rev {
					return fmt.Errorf("revision %d", got)
				}
				return nil
			})
			const clients = 40
			homes := map[int]string{}
			for n := range clients {
				homes[n], _ = holder.mustAsk(clientAddr(n), fmt.Sprintf("/login/s%d", n), "")
			}
			carry := func(from, to *front) {
				t.Helper()
				for batch := from.engine.StickyChanges(200); batch != nil; batch = from.engine.StickyChanges(200) {
					if len(batch) > 1000 {
						t.Fatalf("a batch of %d bytes", len(batch))
					}
					if err := to.engine.MergeSticky(batch); err != nil {
						t.Fatal(err)
					}
				}
			}
			carry(holder, standby)
			if n := standby.engine.StickyClients()[standby.pool]; n != clients {
				t.Fatalf("the standby knows %d clients of %d", n, clients)
			}
			check := func(f *front) {
				t.Helper()
				for n := range clients {
					got, _ := f.mustAsk(clientAddr(n), "/", fmt.Sprintf("app=s%d", n))
					if got != homes[n] {
						t.Fatalf("client %d is at member %s, before it was at %s", n, got, homes[n])
					}
				}
			}
			check(standby)
			for n := clients; n < clients+10; n++ {
				homes[n], _ = standby.mustAsk(clientAddr(n), fmt.Sprintf("/login/s%d", n), "")
			}
			standby.engine.RetellSticky()
			carry(standby, holder)
			check(holder)
			if holder.engine.MergeSticky([]byte("nonsense")) == nil {
				t.Error("nonsense is no error")
			}
		})
	}
}

// Clients stay, and none is refused, while members, weights and their number change all the time.
func TestPersistenceUnderChurn(t *testing.T) {
	f := newNamedFront(t, Config{}, 4)
	f.persist(lb.PersistSourceIP, "")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			home := map[int]string{}
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				n := w*100 + i%10
				got, _, err := f.ask(clientAddr(n), "/", "")
				switch {
				case err != nil:
					t.Error(err)
					return
				case home[n] == "":
					home[n] = got
				case home[n] != got:
					t.Errorf("client %d is at member %s, before it was at %s", n, got, home[n])
					return
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		f.weigh(r.IntN(3), r.IntN(3)) // the last one keeps its weight: new clients always find one
		if r.IntN(4) == 0 {
			id := f.rig.member(f.pool, refused())
			f.do(lb.DeleteMember{ID: id})
		}
	}
	close(stop)
	wg.Wait()
}
