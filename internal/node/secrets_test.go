package node

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// store seals a certificate with its key as the key manager API does, and returns its id.
func store(t *testing.T, n *Node, cert tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for _, der := range cert.Certificate {
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	id := uuid.NewString()
	sealed, err := n.key.Seal(id, bundle)
	if err != nil {
		t.Fatal(err)
	}
	spec := lb.SecretSpec{ContentType: lb.Some("application/octet-stream"), Sealed: lb.Some(sealed)}
	if _, _, err := (backend{n}).Propose(t.Context(), "", lb.CreateSecret{ID: lb.SecretID(id), Spec: spec}); err != nil {
		t.Fatal(err)
	}
	return id
}

// A sealed certificate is served, goes on being served when its secret is deleted, and is
// said to be lost then.
func TestSealedCertificateIsServed(t *testing.T) {
	dir := t.TempDir()
	n, c, _ := startNode(t, DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock")))
	ctx := t.Context()
	testenv.Eventually(t, 10*time.Second, func() error { return backend{n}.Sync(ctx) })
	ca := testpki.NewCA(t, "CA")
	id := store(t, n, ca.Issue(nil, "www.example.com"))
	subnet, err := c.Subnets.Create(ctx, lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24"))})
	if err != nil {
		t.Fatal(err)
	}
	front, err := c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{MetaSpec: named("front"), VIPSubnetID: lb.Some(subnet.Value.ID)})
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	listener, err := c.Listeners.Create(ctx, lb.ListenerSpec{
		MetaSpec: named("web"), LoadBalancerID: lb.Some(front.Value.ID), Protocol: lb.Some(lb.ProtocolTerminatedHTTPS), ProtocolPort: lb.Some(port),
		TLSDefaultRef: lb.Some(id),
	})
	if err != nil {
		t.Fatal(err)
	}
	shake := func() error {
		d := net.Dialer{Timeout: time.Second}
		c, err := tls.DialWithDialer(&d, "tcp", "127.0.0.1:"+strconv.Itoa(port), &tls.Config{RootCAs: ca.Pool(), ServerName: "www.example.com"})
		if err != nil {
			return err
		}
		return c.Close()
	}
	testenv.Eventually(t, 10*time.Second, shake)
	if _, _, err := (backend{n}).Propose(ctx, "", lb.DeleteSecret{ID: lb.SecretID(id)}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 10*time.Second, func() error {
		got, want := n.engine.View().Errors[string(listener.Value.ID)], "default_tls_container_ref: Could not retrieve certificate: ['"+id+"']"
		if got != want {
			return fmt.Errorf("the listener's error is %q, want %q", got, want)
		}
		return nil
	})
	if err := shake(); err != nil {
		t.Errorf("after the secret is gone: %v", err)
	}
}
