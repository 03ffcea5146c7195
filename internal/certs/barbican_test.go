package certs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
	"github.com/amphora-lb/amphora/rpc/barbican"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// Seal makes plain a barbican.Sealer too.
func (plain) Seal(id string, payload []byte) ([]byte, error) {
	return append([]byte(id), payload...), nil
}

// tooLong is the id of a secret that is no certificate.
var tooLong = resttest.ID(98)

// openstack is a Keystone with one password, and a Barbican.
type openstack struct {
	url    string
	shelf  *shelf
	logins atomic.Int32
	gone   atomic.Bool
}

func newOpenstack(t *testing.T) *openstack {
	o := &openstack{shelf: &shelf{Backend: resttest.New(nil)}}
	keys := barbican.New(barbican.Config{Backend: o.shelf, Sealer: plain{}})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case o.gone.Load():
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/v3/auth/tokens":
			o.login(w, r)
		case r.Header.Get("X-Auth-Token") != fmt.Sprint("token", o.logins.Load()):
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, tooLong+"/payload"):
			_, _ = w.Write(make([]byte, 1<<20+1))
		case strings.HasSuffix(r.URL.Path, tooLong):
			_, _ = w.Write([]byte(`{"content_types":{"default":"text/plain"}}`))
		default:
			c := access.Caller{ProjectID: mine, Roles: []string{access.RoleMember}}
			keys.ServeHTTP(w, r.WithContext(access.With(r.Context(), c)))
		}
	}))
	t.Cleanup(web.Close)
	o.url = web.URL
	return o
}

func (o *openstack) login(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil || !bytes.Contains(body.Bytes(), []byte(`"password":"right"`)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("X-Subject-Token", fmt.Sprint("token", o.logins.Add(1)))
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
		"expires_at": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"),
	}})
}

func TestBarbican(t *testing.T) {
	o := newOpenstack(t)
	ca, key := newCA(t, "ca"), newKey(t)
	leaf := ca.issue(t, key, "far.example")
	crt, ck := o.shelf.store(mine, certPEM(leaf)), o.shelf.store(mine, keyPEM(t, key))
	bundle := o.shelf.store(mine, append(certPEM(leaf), keyPEM(t, key)...))
	box := o.shelf.box(mine, lb.ContainedSecret{Name: "certificate", SecretID: lb.SecretID(crt)}, lb.ContainedSecret{Name: "private_key", SecretID: lb.SecretID(ck)})

	account := certs.BarbicanConfig{
		AuthURL: o.url + "/v3", Username: "amphora", Password: "right", UserDomain: "Default",
		ProjectName: "service", ProjectDomain: "Default",
	}
	for _, endpoint := range []string{o.url + "/", o.url, o.url + "/v1"} {
		account.Endpoint = endpoint
		source := certs.NewBarbican(account)
		if err := source.Check(t.Context()); err != nil {
			t.Errorf("check %s: %v", endpoint, err)
		}
		r := certs.New(certs.Config{Objects: resttest.New(nil).Config, Opener: plain{}, Elsewhere: source})
		for _, ref := range []string{bundle, o.url + "/v1/secrets/" + bundle, o.url + "/v1/containers/" + box} {
			got, err := r.Certificate(t.Context(), ref, theirs)
			if err != nil || got.Names()[0] != "far.example" {
				t.Errorf("%s: %v", ref, err)
			}
		}
		if _, err := source.Secret(t.Context(), tooLong); !errors.Is(err, lb.ErrNotFound) {
			t.Errorf("a secret that is too long: %v", err)
		}
		_, err := r.Certificate(t.Context(), resttest.ID(99), theirs)
		if !errors.Is(err, lb.ErrNotFound) {
			t.Errorf("unknown: %v", err)
		}

		logins := o.logins.Add(1) // the token is void
		if _, err := r.Certificate(t.Context(), bundle, theirs); err != nil || o.logins.Load() != logins+1 {
			t.Errorf("with a void token: %v after %d logins", err, o.logins.Load()-logins)
		}
		o.gone.Store(true)
		if _, err := r.Certificate(t.Context(), bundle, theirs); !errors.Is(err, lb.ErrUnavailable) || !errors.Is(err, lb.ErrInvalid) {
			t.Errorf("gone: %v", err)
		}
		o.gone.Store(false)
	}

	account.Password = "wrong"
	r := certs.New(certs.Config{Objects: resttest.New(nil).Config, Opener: plain{}, Elsewhere: certs.NewBarbican(account)})
	if _, err := r.Certificate(t.Context(), bundle, theirs); !errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("wrong password: %v", err)
	}
	if err := certs.NewBarbican(account).Check(t.Context()); err == nil {
		t.Error("a wrong password passes the check")
	}
}
