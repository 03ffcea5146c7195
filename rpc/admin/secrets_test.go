package admin_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

// sealer marks what it seals, so that a test finds it.
type sealer struct{ err error }

func (s sealer) Seal(id string, payload []byte) ([]byte, error) {
	return append([]byte("sealed for "+id+":"), payload...), s.err
}

func secret(payload, as string) admin.NewSecret {
	return admin.NewSecret{Spec: lb.SecretSpec{MetaSpec: named("s-" + as), ContentType: lb.Some("application/octet-stream")}, Payload: []byte(payload), ContainedAs: as}
}

func TestStoreSecretsRefuses(t *testing.T) {
	large := string(make([]byte, 64<<10+1))
	for name, tt := range map[string]struct {
		cfg   admin.Config
		all   []admin.NewSecret
		kind  error
		field string
	}{
		"no key":        {all: []admin.NewSecret{secret("p", "a")}, kind: lb.ErrImmutable},
		"no secret":     {cfg: admin.Config{Sealer: sealer{}}, kind: lb.ErrInvalid, field: "payload"},
		"no payload":    {cfg: admin.Config{Sealer: sealer{}}, all: []admin.NewSecret{secret("p", "a"), secret("", "b")}, kind: lb.ErrInvalid, field: "payload"},
		"large payload": {cfg: admin.Config{Sealer: sealer{}}, all: []admin.NewSecret{secret(large, "a")}, kind: lb.ErrInvalid, field: "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			b := new(admintest.Backend)
			tt.cfg.Backend = b
			_, err := node(t, tt.cfg).StoreContainer(t.Context(), lb.SecretContainerSpec{Type: lb.Some("generic")}, tt.all...)
			wantFault(t, err, tt.kind, tt.field)
			if b.Proposals() != 0 {
				t.Error("something was proposed")
			}
		})
	}
	_, err := node(t, admin.Config{Sealer: sealer{errors.New("key of the disk")}}).StoreSecret(t.Context(), secret("p", "a"))
	if err == nil || bytes.Contains([]byte(err.Error()), []byte("disk")) {
		t.Errorf("a sealer that fails: got %v, want no details", err)
	}
}

// Neither payloads, nor what they are sealed to, nor hashes of passwords leave a node.
func TestSecretsNeverLeave(t *testing.T) {
	b := new(admintest.Backend)
	target, stop, err := admintest.Serve(admin.Config{Backend: b, Sealer: sealer{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c := dial(t, target)
	container := must[admin.Resource[lb.SecretContainer]](t)(c.StoreContainer(t.Context(),
		lb.SecretContainerSpec{MetaSpec: named("c"), Type: lb.Some("generic")}, secret("hush-1", "a"), secret("hush-2", "b")))
	if len(container.Value.Secrets) != 2 {
		t.Errorf("container %+v, want two secrets", container.Value)
	}
	must[admin.Resource[lb.User]](t)(c.CreateUser(t.Context(), lb.UserSpec{Name: lb.Some("alice")}, "first password"))
	hash := storedHash(t, b)
	if err := c.SetPassword(t.Context(), "alice", "second password"); err != nil || storedHash(t, b) == hash {
		t.Errorf("set a password: %v, and the hash is the old one: %v", err, storedHash(t, b) == hash)
	}

	conn := raw(t, target)
	defer closed(t, conn)
	api := adminpb.NewObjectsClient(conn)
	name, octets, seen := "d", "application/octet-stream", bytes.Buffer{}
	stored, err := api.StoreSecrets(t.Context(), &adminpb.StoreSecretsRequest{Secrets: []*adminpb.NewSecret{{
		Spec: &lbpb.SecretSpec{Meta: &lbpb.MetaSpec{Name: &name}, PayloadContentType: &octets}, Payload: []byte("hush-3"),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	seen.WriteString(stored.String())
	for _, kind := range []lb.Kind{lb.KindSecret, lb.KindSecretContainer, lb.KindUser} {
		list, err := api.List(t.Context(), &adminpb.ListRequest{Kind: string(kind)})
		if err != nil || len(list.Items) == 0 {
			t.Fatalf("list %s: %v %v", kind, list, err)
		}
		seen.WriteString(list.String())
	}
	one, err := api.Get(t.Context(), &adminpb.GetRequest{Kind: "user", Ref: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	seen.WriteString(one.String())
	for _, hidden := range []string{"hush", "sealed for", "first password", "second password", storedHash(t, b)} {
		if bytes.Contains(seen.Bytes(), []byte(hidden)) {
			t.Errorf("a client sees %q: %s", hidden, seen.Bytes())
		}
	}
}

// storedHash is the hash of the only user's password.
func storedHash(t *testing.T, b *admintest.Backend) string {
	t.Helper()
	for o := range b.Config().Objects() {
		if u, ok := o.(*lb.User); ok && u.PasswordHash != "" {
			return u.PasswordHash
		}
	}
	t.Fatal("no user with a password")
	return ""
}

func TestSetPasswordRefuses(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	conn := raw(t, target)
	defer closed(t, conn)
	for name, tt := range map[string]struct {
		req  *adminpb.SetPasswordRequest
		code codes.Code
	}{
		"no password":  {&adminpb.SetPasswordRequest{User: "alice"}, codes.InvalidArgument},
		"long":         {&adminpb.SetPasswordRequest{User: "alice", Password: string(bytes.Repeat([]byte("x"), 1<<16))}, codes.InvalidArgument},
		"no user":      {&adminpb.SetPasswordRequest{Password: "p"}, codes.InvalidArgument},
		"no such user": {&adminpb.SetPasswordRequest{User: "alice", Password: "p"}, codes.NotFound},
		"no name":      {&adminpb.SetPasswordRequest{Create: &lbpb.UserSpec{}, Password: "p"}, codes.InvalidArgument},
	} {
		if _, err := adminpb.NewObjectsClient(conn).SetPassword(t.Context(), tt.req); status.Code(err) != tt.code {
			t.Errorf("%s: got %v, want %v", name, err, tt.code)
		}
	}
}
