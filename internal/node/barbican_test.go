package node

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// openstack is a node that is another one's Keystone and Barbican, with a user amphora of
// project service.
type openstack struct {
	*Node
	stop    func()
	token   string
	project string
}

func newOpenstack(t *testing.T) *openstack {
	dir := t.TempDir()
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
	cfg.API.Auth = AuthKeystone
	o := &openstack{}
	o.Node, _, o.stop = startNode(t, cfg)
	ready(t, o.Node)
	hash, err := password.New(4).Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	o.project = o.propose(t, lb.CreateProject{Spec: lb.ProjectSpec{Name: lb.Some("service")}})
	user := o.propose(t, lb.CreateUser{Spec: lb.UserSpec{Name: lb.Some("amphora"), PasswordHash: lb.Some(hash), DefaultProjectID: lb.Some(o.project)}})
	member, _ := o.state.Config().RoleByName("member")
	o.propose(t, lb.Assign{Assignment: lb.Assignment{UserID: user, ProjectID: o.project, RoleID: member.ID}})
	_, header, _ := request(t, o.Node, "POST", "/identity/v3/auth/tokens",
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"amphora","domain":{"id":"default"},"password":"secret"}}}}}`)
	o.token = header.Get("X-Subject-Token")
	return o
}

func (o *openstack) propose(t *testing.T, op lb.Op) string {
	t.Helper()
	r, _, err := restAPI{backend{o.Node}}.Propose(t.Context(), "", true, op)
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// store stores a bundle as `openstack secret store` does, and returns its reference.
func (o *openstack) store(t *testing.T, bundle []byte) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"name": "site", "payload": string(bundle), "payload_content_type": "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	status, _, text := request(t, o.Node, "POST", "/key-manager/v1/secrets", string(body), "X-Auth-Token", o.token, "Content-Type", "application/json")
	var answer struct {
		Ref string `json:"secret_ref"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 201 {
		t.Fatalf("store a secret: %d %s", status, text)
	}
	return answer.Ref
}

// config is what names o in a configuration.
func (o *openstack) config(t *testing.T, word string) BarbicanConfig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "http://" + o.APIAddr().String()
	return BarbicanConfig{
		URL: at + "/key-manager", Every: Duration(time.Second),
		Keystone: KeystoneConfig{URL: at + "/identity/v3", User: "amphora", PasswordFile: file},
	}
}

// One node shows its clients certificates of another one's Barbican: through both APIs they are checked, a
// change is noticed, and the last good copy stays when the other one is gone.
func TestBarbicanElsewhere(t *testing.T) {
	o := newOpenstack(t)
	dir := t.TempDir()
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
	cfg.Barbican = o.config(t, "secret")
	n, client, _ := startNode(t, cfg)
	ready(t, n)
	ref := o.store(t, bundleFor(t, "one.example"))
	id := ref[strings.LastIndex(ref, "/")+1:]
	lost := strings.TrimSuffix(ref, id) + "00000000-0000-4000-8000-00000000ffff"

	if _, err := client.Subnets.Create(t.Context(), lb.SubnetSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24"))}); err != nil {
		t.Fatal(err)
	}
	subnet, err := client.Subnets.Get(t.Context(), "public")
	if err != nil {
		t.Fatal(err)
	}
	balancer, err := client.LoadBalancers.Create(t.Context(), lb.LoadBalancerSpec{VIPSubnetID: lb.Some(subnet.Value.ID)})
	if err != nil {
		t.Fatal(err)
	}
	// A shared check: whichever API brings a reference.
	port := freePort(t)
	spec := lb.ListenerSpec{
		LoadBalancerID: lb.Some(balancer.Value.ID), Protocol: lb.Some(lb.ProtocolTerminatedHTTPS), ProtocolPort: lb.Some(port), TLSDefaultRef: lb.Some(lost),
	}
	if _, err := client.Listeners.Create(t.Context(), spec); !errors.Is(err, lb.ErrInvalid) || !strings.Contains(err.Error(), "Could not retrieve certificate: ['"+lost+"']") {
		t.Errorf("gRPC takes a reference that leads nowhere: %v", err)
	}
	body := fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"TERMINATED_HTTPS","protocol_port":%d,"default_tls_container_ref":%q}}`, balancer.Value.ID, freePort(t), lost)
	if status, _, text := request(t, n, "POST", "/v2/lbaas/listeners", body, "Content-Type", "application/json"); status != 400 || !strings.Contains(text, "Could not retrieve certificate") {
		t.Errorf("REST takes a reference that leads nowhere: %d %s", status, text)
	}
	spec.TLSDefaultRef = lb.Some(ref)
	if _, err := client.Listeners.Create(t.Context(), spec); err != nil {
		t.Fatalf("a reference to Barbican: %v", err)
	}

	serves := func(name string) func() error {
		return func() error {
			c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", fmt.Sprint("127.0.0.1:", port), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.ConnectionState().PeerCertificates[0].VerifyHostname(name); err != nil {
				return fmt.Errorf("another certificate is shown: %w", err)
			}
			return nil
		}
	}
	testenv.Eventually(t, 10*time.Second, serves("one.example"))
	before := n.secrets.Version(n.state.Config(), ref)
	sealed, err := o.key.Seal(id, bundleFor(t, "two.example"))
	if err != nil {
		t.Fatal(err)
	}
	again := lb.SecretSpec{MetaSpec: lb.MetaSpec{ProjectID: lb.Some(o.project)}, ContentType: lb.Some("text/plain"), Sealed: lb.Some(sealed)}
	o.propose(t, lb.Batch{Ops: []lb.Op{lb.DeleteSecret{ID: lb.SecretID(id)}, lb.CreateSecret{ID: lb.SecretID(id), Spec: again}}})
	testenv.Eventually(t, 10*time.Second, serves("two.example"))
	if n.secrets.Version(n.state.Config(), ref) == before {
		t.Error("the version says that nothing has changed")
	}

	o.stop()
	testenv.Eventually(t, 10*time.Second, func() error {
		for _, text := range (local{n}).LocalView().Warnings {
			if strings.Contains(text, "is served as it was at") && strings.Contains(text, ref) {
				return nil
			}
		}
		return fmt.Errorf("no word that Barbican is away: %q", n.warnings())
	})
	if err := serves("two.example")(); err != nil {
		t.Errorf("while Barbican is away: %v", err)
	}
}

func TestExamineAsksBarbican(t *testing.T) {
	o := newOpenstack(t)
	for word, want := range map[string]int{"secret": 0, "wrong": 1} {
		cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), t.TempDir(), "/x")
		cfg.Barbican = o.config(t, word)
		advice, err := Examine(t.Context(), cfg.withDefaults())
		if err != nil || len(advice) != want {
			t.Errorf("password %s: %q, %v", word, advice, err)
		}
	}
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), t.TempDir(), "/x")
	cfg.Barbican = o.config(t, "secret")
	if err := os.Chmod(cfg.Barbican.Keystone.PasswordFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Check(cfg.withDefaults()); err == nil || !strings.Contains(err.Error(), "barbican.keystone.password_file: ") || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a password that others may read: %v", err)
	}
}

// bundleFor is a certificate for a name, with its key.
func bundleFor(t *testing.T, name string) []byte {
	t.Helper()
	dir := t.TempDir()
	certificate(t, dir, name)
	var bundle []byte
	for _, file := range []string{"cert", "key"} {
		part, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		bundle = append(bundle, part...)
	}
	return bundle
}
