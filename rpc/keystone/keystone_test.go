package keystone

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/internal/seal"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// world is an identity API with a few users: ann is a member of demo, which is her default
// project, root is admin in admin, and watcher reads the system. Everybody's password is
// the name.
type world struct {
	t       *testing.T
	backend *resttest.Backend
	server  *Server
	url     string // of the root

	mu  sync.Mutex
	now time.Time // guarded by mu

	last string // token of the test

	demo, admin, ann, root, watcher string
}

func newKey(t testing.TB) *seal.Key {
	t.Helper()
	key, err := seal.New(bytes.Repeat([]byte{7}, seal.Size))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var hasher = password.New(bcrypt.MinCost)

func newWorld(t *testing.T, change ...func(*Config)) *world {
	w := &world{t: t, backend: resttest.New(nil), now: resttest.Start.Add(time.Minute)}
	project := func(name string) string {
		return w.backend.Must(lb.CreateProject{Spec: lb.ProjectSpec{Name: lb.Some(name)}})
	}
	w.demo, w.admin = project("demo"), project("admin")
	w.ann = w.user("ann", w.demo)
	w.root, w.watcher = w.user("root", ""), w.user("watcher", "")
	w.assign(w.ann, w.demo, "member")
	w.assign(w.root, w.admin, "admin")
	w.assign(w.watcher, "", "reader")
	cfg := Config{Backend: w.backend, Key: newKey(t), Passwords: hasher, Now: w.time}
	for _, f := range change {
		f(&cfg)
	}
	w.server = New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/", w.server)
	mux.Handle(IdentityPath+"/", http.StripPrefix(IdentityPath, w.server))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) user(name, project string) string {
	hash, err := hasher.Hash(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	spec := lb.UserSpec{Name: lb.Some(name), PasswordHash: lb.Some(hash)}
	if project != "" {
		spec.DefaultProjectID = lb.Some(project)
	}
	return w.backend.Must(lb.CreateUser{Spec: spec})
}

func (w *world) assignment(user, project, role string) lb.Assignment {
	r, ok := w.backend.Config().RoleByName(role)
	if !ok {
		w.t.Fatalf("no role %s", role)
	}
	return lb.Assignment{UserID: user, ProjectID: project, RoleID: r.ID}
}

func (w *world) assign(user, project, role string) {
	w.backend.Must(lb.Assign{Assignment: w.assignment(user, project, role)})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// do sends a request; headers are name and value by turns.
func (w *world) do(method, path, token, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return a
}

// passwordAuth is the body of a login; scope is JSON, "" for none.
func passwordAuth(name, secret, scope string) string {
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + name + `","domain":{"id":"default"},"password":"` + secret + `"}}}`
	if scope != "" {
		body += `,"scope":` + scope
	}
	return body + `}}`
}

// login returns a token of a user whose password is the name.
func (w *world) login(name, scope string) string {
	w.t.Helper()
	a := w.do("POST", "/v3/auth/tokens", "", passwordAuth(name, name, scope))
	if a.status != http.StatusCreated {
		w.t.Fatalf("login of %s: %d %s", name, a.status, a.text)
	}
	return a.header.Get("X-Subject-Token")
}

func (w *world) want(a answer, status int, part string) {
	w.t.Helper()
	if a.status != status || !strings.Contains(a.text, part) {
		w.t.Errorf("answer %d %s, want %d with %q", a.status, a.text, status, part)
	}
}
