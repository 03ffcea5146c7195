package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// vault is Secrets under the test's control.
type vault struct {
	mu    sync.Mutex
	items map[string]any
	at    map[string]uint64
}

func newVault() *vault { return &vault{items: map[string]any{}, at: map[string]uint64{}} }

// put stores a tls.Certificate, []*x509.Certificate, *x509.RevocationList or an error.
func (v *vault) put(ref string, item any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.items[ref] = item
	v.at[ref]++
}

func (v *vault) get(ref string) (any, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	item, ok := v.items[ref]
	if !ok {
		return nil, errors.New("there is no secret " + ref)
	}
	if err, broken := item.(error); broken {
		return nil, err
	}
	return item, nil
}

func (v *vault) Certificate(_ context.Context, ref, _ string) (tls.Certificate, error) {
	item, err := v.get(ref)
	if err != nil {
		return tls.Certificate{}, err
	}
	return item.(tls.Certificate), nil
}

func (v *vault) CA(_ context.Context, ref, _ string) ([]*x509.Certificate, error) {
	item, err := v.get(ref)
	if err != nil {
		return nil, err
	}
	return item.([]*x509.Certificate), nil
}

func (v *vault) CRL(_ context.Context, ref, _ string, _ []*x509.Certificate) (*x509.RevocationList, error) {
	item, err := v.get(ref)
	if err != nil {
		return nil, err
	}
	return item.(*x509.RevocationList), nil
}

func (v *vault) Version(_ *lb.Config, ref string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.at[ref]
}

const tlsPort = 8443

// tlsFront is a front whose listener terminates TLS on tlsPort. Its certificate is for
// www.example.com and signed by ca.
type tlsFront struct {
	*front
	vault *vault
	ca    *testpki.CA
}

// newTLSFront makes one. edit may be nil; it can put what it names into the vault.
func newTLSFront(t testing.TB, cfg Config, members int, edit func(*vault, *lb.ListenerSpec)) *tlsFront {
	t.Helper()
	f := &tlsFront{vault: newVault(), ca: testpki.NewCA(t, "front CA")}
	f.vault.put("default", f.ca.Issue(nil, "www.example.com"))
	cfg.Secrets = f.vault
	if cfg.HeadTimeout == 0 {
		cfg.HeadTimeout = 500 * time.Millisecond
	}
	f.front = &front{rig: newRig(t, cfg)}
	var addrs []netip.AddrPort
	for range members {
		o := newOrigin(t)
		f.origins = append(f.origins, o)
		addrs = append(addrs, o.addr)
	}
	f.listener, f.pool, f.ids = f.serveTLS(edit, addrs...)
	return f
}

// serveTLS makes a listener on tlsPort that terminates TLS, with a pool of HTTP members.
func (f *tlsFront) serveTLS(edit func(*vault, *lb.ListenerSpec), members ...netip.AddrPort) (lb.ListenerID, lb.PoolID, []lb.MemberID) {
	f.t.Helper()
	pool := lb.PoolID(f.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	var ids []lb.MemberID
	for _, m := range members {
		ids = append(ids, f.rig.member(pool, m))
	}
	spec := lb.ListenerSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTerminatedHTTPS), ProtocolPort: lb.Some(tlsPort),
		DefaultPoolID: lb.Some(pool), TLSDefaultRef: lb.Some("default"),
	}
	if edit != nil {
		edit(f.vault, &spec)
	}
	return lb.ListenerID(f.do(lb.CreateListener{Spec: spec})), pool, ids
}

// touch makes the engine look at the vault again.
func (f *tlsFront) touch() {
	f.t.Helper()
	f.do(lb.UpdateLoadBalancer{ID: f.lb, Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Description: lb.Some(time.Now().String())}}})
}

// config is that of a client that trusts the listener.
func (f *tlsFront) config() *tls.Config {
	return &tls.Config{RootCAs: f.ca.Pool(), ServerName: "www.example.com"}
}

// shake connects and shakes hands.
func (f *tlsFront) shake(cfg *tls.Config) (*tls.Conn, error) {
	f.t.Helper()
	c := tls.Client(f.dial(tlsPort), cfg)
	f.t.Cleanup(func() { c.Close() })
	return c, c.Handshake()
}

// secure is a client that has shaken hands.
func (f *tlsFront) secure(cfg *tls.Config) *peer {
	f.t.Helper()
	c, err := f.shake(cfg)
	if err != nil {
		f.t.Fatalf("handshake: %v", err)
	}
	return &peer{halfCloser: c, t: f.t, r: bufio.NewReader(c)}
}

func some[T any](v T) lb.Opt[T] { return lb.Some(v) }

// shakeNow is shake that takes a refused connection for an answer.
func (f *tlsFront) shakeNow() (*tls.Conn, error) {
	d := net.Dialer{Timeout: limit}
	c, err := d.Dial("tcp", netip.AddrPortFrom(f.addr, tlsPort).String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return nil, tls.Client(c, f.config()).Handshake()
}

// readToEnd reads until the connection is gone, in whatever way.
func readToEnd(t testing.TB, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("connection hangs, want it ended")
	}
}
