package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/octavia"
)

// request sends one to the REST APIs of a node.
func request(t *testing.T, n *Node, method, path, body string, headers ...string) (status int, header http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.APIAddr().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// ready waits until the node leads.
func ready(t *testing.T, n *Node) {
	t.Helper()
	testenv.Eventually(t, 20*time.Second, func() error { return restAPI{backend{n}}.Sync(t.Context()) })
}

func TestAPIOpen(t *testing.T) {
	dir := t.TempDir()
	n, _, _ := startNode(t, DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock")))
	ready(t, n)
	for path, want := range map[string]string{
		"/": `"versions"`, "/load-balancer": `"versions"`, "/v2/lbaas/loadbalancers": `"loadbalancers"`, "/load-balancer/v2.0/lbaas/pools": `"pools"`,
		"/identity/v3": `"v3.14"`, "/v3": `"v3.14"`, "/v3/projects": `"projects"`, "/projects?name=x": `"projects"`,
		"/network": `"versions"`, "/network/v2.0/subnets": `"subnets"`, "/v2.0/networks?name=x": `"networks"`,
		"/key-manager/v1/secrets": `"secrets"`, "/v1/secrets": `"secrets"`,
	} {
		if status, _, text := request(t, n, "GET", path, ""); status != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/v2/lbaas/loadbalancers", "/v3/users", "/v2.0/networks", "/v1/secrets"} {
		if status, _, text := request(t, n, "POST", path, "{}", "Sec-Fetch-Site", "cross-site"); status != 403 {
			t.Errorf("a web page posts to %s: %d %s", path, status, text)
		}
	}
	if status, _, _ := request(t, n, "GET", "/x", ""); status != 404 {
		t.Errorf("/x: %d", status)
	}
}

func TestAPILogin(t *testing.T) {
	dir := t.TempDir()
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
	cfg.API.Auth = AuthKeystone
	n, _, _ := startNode(t, cfg)
	ready(t, n)
	hash, err := password.New(4).Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	api := restAPI{backend{n}}
	propose := func(op lb.Op) string {
		r, _, err := api.Propose(t.Context(), "", true, op)
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	project := propose(lb.CreateProject{Spec: lb.ProjectSpec{Name: lb.Some("demo")}})
	user := propose(lb.CreateUser{Spec: lb.UserSpec{Name: lb.Some("ann"), PasswordHash: lb.Some(hash), DefaultProjectID: lb.Some(project)}})
	member, _ := api.Config().RoleByName("member")
	propose(lb.Assign{Assignment: lb.Assignment{UserID: user, ProjectID: project, RoleID: member.ID}})

	for _, path := range []string{"/v2/lbaas/loadbalancers", "/key-manager/v1/secrets", "/v3/projects"} {
		status, header, text := request(t, n, "GET", path, "")
		if status != 401 || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Keystone uri=") {
			t.Errorf("%s without a token: %d %v %s", path, status, header, text)
		}
	}
	status, header, text := request(t, n, "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ann","domain":{"id":"default"},"password":"secret"}}}}}`)
	if status != 201 {
		t.Fatalf("login: %d %s", status, text)
	}
	var body struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ URL string }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	token := header.Get("X-Subject-Token")
	calls := map[string]string{"load-balancer": "/v2/lbaas/loadbalancers", "identity": "/auth/projects", "network": "/v2.0/networks", "key-manager": "/v1/secrets"}
	for _, s := range body.Token.Catalog {
		call, ok := calls[s.Type]
		if !ok {
			continue
		}
		delete(calls, s.Type)
		path := strings.TrimPrefix(s.Endpoints[0].URL, "http://"+n.APIAddr().String()) + call
		if status, _, text := request(t, n, "GET", path, "", "X-Auth-Token", token); status != 200 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if len(calls) > 0 {
		t.Errorf("not in the catalog: %v", calls)
	}
	if info, err := os.Stat(filepath.Join(dir, sealFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key of its own: %v, %v", info, err)
	}
}

// certificate writes a certificate of its own and its key to files.
func certificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPICertificateIsReloaded(t *testing.T) {
	dir := t.TempDir()
	r := &reloaded{cert: filepath.Join(dir, "cert"), key: filepath.Join(dir, "key")}
	if _, err := r.get(nil); err == nil || !strings.Contains(err.Error(), "api.tls_cert") {
		t.Fatalf("without files: %v", err)
	}
	name := func() string {
		c, err := r.get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.DNSNames[0]
	}
	certificate(t, dir, "one")
	if got := name(); got != "one" {
		t.Errorf("got %s", got)
	}
	certificate(t, dir, "two")
	later := time.Now().Add(time.Minute)
	for _, file := range []string{r.cert, r.key} {
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := name(); got != "two" {
		t.Errorf("after it was renewed: %s", got)
	}
	if err := os.WriteFile(r.cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "two" {
		t.Errorf("after it was damaged: %s", got)
	}
}

// One connection too many waits until another has ended.
func TestAPIConnectionsAreBounded(t *testing.T) {
	l, err := listenAPI("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	dial := func() net.Conn {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answers := func(conn net.Conn, within time.Duration) bool {
		_ = conn.SetReadDeadline(time.Now().Add(within))
		_, err := conn.Read(make([]byte, 1))
		return err == nil
	}
	first := dial()
	if !answers(first, 10*time.Second) {
		t.Fatal("the first connection is not served")
	}
	second := dial()
	if answers(second, 100*time.Millisecond) {
		t.Error("the second connection is served beside the first")
	}
	_ = first.Close()
	if !answers(second, 10*time.Second) {
		t.Error("the second connection is not served after the first")
	}
}

// Whoever takes no answers must not hold a connection for ever, and whoever waits for
// changes must be answered.
func TestAPITimeouts(t *testing.T) {
	dir := t.TempDir()
	n, _, _ := startNode(t, DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock")))
	s := n.rest
	for name, d := range map[string]time.Duration{"read": s.ReadTimeout, "write": s.WriteTimeout} {
		if d <= octavia.MaxWait || d > 5*time.Minute {
			t.Errorf("%s timeout is %v", name, d)
		}
	}
	if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("no limit: %+v", s)
	}
}
