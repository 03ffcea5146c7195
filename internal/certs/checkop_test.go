package certs_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// balanced is a shelf with a load balancer, a listener and a pool of project mine.
type balanced struct {
	*shelf
	subnet   lb.SubnetID
	lb       lb.LoadBalancerID
	listener lb.ListenerID
	pool     lb.PoolID
	bundle   string
	payload  []byte
}

func newBalanced(t *testing.T) *balanced {
	ca, key := newCA(t, "ca"), newKey(t)
	b := &balanced{shelf: &shelf{Backend: resttest.New(nil)}}
	b.payload = append(certPEM(ca.issue(t, key, "a.example")), keyPEM(t, key)...)
	b.bundle = b.store(mine, b.payload)
	b.subnet = lb.SubnetID(b.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24")),
	}}))
	b.lb = lb.LoadBalancerID(b.Must(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{ProjectID: lb.Some(mine)}, VIPSubnetID: lb.Some(b.subnet)}}))
	b.listener = lb.ListenerID(b.Must(lb.CreateListener{Spec: b.secure(443, b.bundle)}))
	b.pool = lb.PoolID(b.Must(lb.CreatePool{Spec: b.encrypted("")}))
	return b
}

func (b *balanced) secure(port int, ref string) lb.ListenerSpec {
	return lb.ListenerSpec{
		LoadBalancerID: lb.Some(b.lb), Protocol: lb.Some(lb.ProtocolTerminatedHTTPS), ProtocolPort: lb.Some(port), TLSDefaultRef: lb.Some(ref),
	}
}

func (b *balanced) encrypted(ref string) lb.PoolSpec {
	s := lb.PoolSpec{LoadBalancerID: lb.Some(b.lb), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin), TLSEnabled: lb.Some(true)}
	if ref != "" {
		s.TLSRef = lb.Some(ref)
	}
	return s
}

func TestCheckOp(t *testing.T) {
	b := newBalanced(t)
	ca, other := newCA(t, "trust"), newCA(t, "other")
	authority, list := b.store(mine, certPEM(ca.cert)), b.store(mine, ca.crl(t))
	foreignList := b.store(mine, other.crl(t))
	b.Must(lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{ClientCARef: lb.Some(authority)}})
	foreign, none := b.store(theirs, b.payload), resttest.ID(999)
	fresh := resttest.ID(998)
	stored := lb.CreateSecret{ID: lb.SecretID(fresh), Spec: lb.SecretSpec{
		MetaSpec: lb.MetaSpec{ProjectID: lb.Some(mine)}, ContentType: lb.Some("text/plain"), Sealed: lb.Some(append([]byte(fresh), b.payload...)),
	}}
	whole := func(listener, pool string) lb.LoadBalancerSpec {
		l, p := b.secure(443, listener), b.encrypted(pool)
		l.Name, p.Name = lb.Some("l"), lb.Some("p")
		l.LoadBalancerID, p.LoadBalancerID = lb.Opt[lb.LoadBalancerID]{}, lb.Opt[lb.LoadBalancerID]{}
		return lb.LoadBalancerSpec{
			MetaSpec: lb.MetaSpec{ProjectID: lb.Some(mine)}, VIPSubnetID: lb.Some(b.subnet), Listeners: []lb.ListenerSpec{l}, Pools: []lb.PoolSpec{p},
		}
	}
	for name, tt := range map[string]struct {
		op     lb.Op
		refers bool
		lost   string // the reference that is refused, "": none; "crl": a list
	}{
		"no listener":             {lb.DeletePool{ID: b.pool}, false, ""},
		"listener, name":          {lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("x")}}}, false, ""},
		"listener":                {lb.CreateListener{Spec: b.secure(444, b.bundle)}, true, ""},
		"listener, lost":          {lb.CreateListener{Spec: b.secure(444, none)}, true, none},
		"listener, foreign":       {lb.CreateListener{Spec: b.secure(444, foreign)}, true, foreign},
		"listener, refused by lb": {lb.CreateListener{Spec: b.secure(0, none)}, true, ""},
		"SNI, lost":               {lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{SNIRefs: lb.Some([]string{b.bundle, none})}}, true, none},
		"CA, lost":                {lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{ClientCARef: lb.Some(none)}}, true, none},
		"list":                    {lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{ClientCRLRef: lb.Some(list)}}, true, ""},
		"list of another CA":      {lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{ClientCRLRef: lb.Some(foreignList)}}, true, "crl"},
		"pool":                    {lb.CreatePool{Spec: b.encrypted(b.bundle)}, true, ""},
		"pool, lost":              {lb.CreatePool{Spec: b.encrypted(none)}, true, none},
		"pool, update, lost":      {lb.UpdatePool{ID: b.pool, Spec: lb.PoolSpec{TLSRef: lb.Some(none)}}, true, none},
		"pool, CA":                {lb.UpdatePool{ID: b.pool, Spec: lb.PoolSpec{CARef: lb.Some(authority), CRLRef: lb.Some(list)}}, true, ""},
		"tree":                    {lb.CreateLoadBalancer{Spec: whole(b.bundle, b.bundle)}, true, ""},
		"tree, listener lost":     {lb.CreateLoadBalancer{Spec: whole(none, b.bundle)}, true, none},
		"tree, pool lost":         {lb.CreateLoadBalancer{Spec: whole(b.bundle, none)}, true, none},
		"stored with it":          {lb.Batch{Ops: []lb.Op{stored, lb.CreateListener{Spec: b.secure(444, fresh)}}}, true, ""},
		"batch, lost":             {lb.Batch{Ops: []lb.Op{lb.CreateListener{Spec: b.secure(444, fresh)}}}, true, fresh},
	} {
		t.Run(name, func(t *testing.T) {
			if got := certs.Refers(tt.op); got != tt.refers {
				t.Errorf("refers: %v", got)
			}
			before := b.Config()
			err := certs.New(certs.Config{Objects: b.Config, Opener: plain{}}).CheckOp(t.Context(), tt.op)
			want := "Could not retrieve certificate: ['" + tt.lost + "']"
			if tt.lost == "crl" {
				want = "not signed by"
			}
			var e *lb.Error
			switch {
			case tt.lost == "" && err != nil, tt.lost != "" && (!errors.As(err, &e) || !strings.Contains(e.Msg, want)):
				t.Errorf("got %v, want %s", err, want)
			case b.Config() != before:
				t.Error("checking changed something")
			}
		})
	}
}

// A reference that is there already is not read again: a Barbican that is away keeps
// nobody from changing something else.
func TestCheckOpTakesOldReferences(t *testing.T) {
	b := newBalanced(t)
	b.Must(lb.DeleteSecret{ID: lb.SecretID(b.bundle)})
	r := certs.New(certs.Config{Objects: b.Config, Opener: plain{}})
	again := lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{TLSDefaultRef: lb.Some(b.bundle), ConnectionLimit: lb.Some(7)}}
	if err := r.CheckOp(t.Context(), again); err != nil {
		t.Errorf("the same reference again: %v", err)
	}
	if err := r.CheckOp(t.Context(), lb.CreatePool{Spec: b.encrypted(b.bundle)}); err == nil {
		t.Error("a new reference to what is gone is taken")
	}
}
