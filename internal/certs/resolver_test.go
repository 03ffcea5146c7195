package certs_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// plain seals nothing: a payload is what comes after its id.
type plain struct{}

func (plain) Open(id string, sealed []byte) ([]byte, error) {
	payload, ok := bytes.CutPrefix(sealed, []byte(id))
	if !ok {
		return nil, errors.New("sealed for another secret")
	}
	return payload, nil
}

const (
	mine   = "11111111111111111111111111111111"
	theirs = "22222222222222222222222222222222"
)

// shelf is a configuration with secrets.
type shelf struct {
	*resttest.Backend
	made int
}

func (s *shelf) store(project string, payload []byte) string {
	s.made++
	id := resttest.ID(1000 + s.made)
	spec := lb.SecretSpec{ContentType: lb.Some("text/plain"), Sealed: lb.Some(append([]byte(id), payload...))}
	spec.ProjectID = lb.Some(project)
	return s.Must(lb.CreateSecret{ID: lb.SecretID(id), Spec: spec})
}

func (s *shelf) box(project string, parts ...lb.ContainedSecret) string {
	spec := lb.SecretContainerSpec{Type: lb.Some("certificate"), Secrets: lb.Some(parts)}
	spec.ProjectID = lb.Some(project)
	return s.Must(lb.CreateSecretContainer{Spec: spec})
}

// elsewhere is a Source with one secret.
type elsewhere struct {
	id      string
	payload []byte
	asked   int
}

func (e *elsewhere) Owns(ref string) bool { return strings.HasPrefix(ref, "http://elsewhere/") }

func (e *elsewhere) Secret(_ context.Context, id string) ([]byte, error) {
	e.asked++
	if id != e.id {
		return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecret, ID: id, Msg: "does not exist"}
	}
	return e.payload, nil
}

func (e *elsewhere) Container(_ context.Context, id string) (map[string]string, error) {
	e.asked++
	if id != e.id[:35]+"c" {
		return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecretContainer, ID: id, Msg: "does not exist"}
	}
	return map[string]string{"certificate": e.id, "private_key": e.id}, nil
}

func TestCertificate(t *testing.T) {
	ca, key := newCA(t, "ca"), newKey(t)
	leaf := ca.issue(t, key, "a.example")
	bundle := append(certPEM(leaf), keyPEM(t, key)...)
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: must[[]byte](t)(pkcs8.MarshalPrivateKey(key, []byte("open"), nil))})

	s := &shelf{Backend: resttest.New(nil)}
	secret := s.store(mine, bundle)
	foreign := s.store(theirs, bundle)
	everybody := s.store("", bundle)
	empty := s.Must(lb.CreateSecret{Spec: lb.SecretSpec{}})
	expiring := s.Must(lb.CreateSecret{ID: lb.SecretID(resttest.ID(500)), Spec: lb.SecretSpec{
		ContentType: lb.Some("text/plain"), Sealed: lb.Some(append([]byte(resttest.ID(500)), bundle...)), Expires: lb.Some(resttest.Start.Add(time.Hour)),
	}})
	crossed := s.Must(lb.CreateSecret{Spec: lb.SecretSpec{ContentType: lb.Some("text/plain"), Sealed: lb.Some(append([]byte(secret), bundle...))}})
	part := func(name, id string) lb.ContainedSecret {
		return lb.ContainedSecret{Name: name, SecretID: lb.SecretID(id)}
	}
	crt, ck, phrase := s.store(mine, certPEM(leaf)), s.store(mine, encrypted), s.store(mine, []byte("open"))
	box := s.box(mine, part("certificate", crt), part("private_key", ck), part("private_key_passphrase", phrase), part("intermediates", s.store(mine, certPEM(ca.cert))))
	locked := s.box(mine, part("certificate", crt), part("private_key", ck))
	garbage := s.store(mine, []byte("garbage"))
	far := &elsewhere{id: "aaaaaaaa-0000-4000-8000-000000000001", payload: bundle}

	now := resttest.Start
	r := certs.New(certs.Config{Objects: s.Config, Opener: plain{}, Elsewhere: far, Now: func() time.Time { return now }})
	for name, tt := range map[string]struct {
		ref   string
		chain int
		err   string
	}{
		"id of a secret":      {secret, 1, ""},
		"URL of a secret":     {"https://vip:9876/key-manager/v1/secrets/" + secret, 1, ""},
		"slash at the end":    {"https://vip:9876/key-manager/v1/secrets/" + secret + "/", 1, ""},
		"nobody's":            {everybody, 1, ""},
		"id of a container":   {box, 2, ""},
		"URL of a container":  {"http://x/v1/containers/" + box, 2, ""},
		"expires later":       {expiring, 1, ""},
		"elsewhere, URL":      {"http://elsewhere/v1/secrets/" + far.id, 1, ""},
		"elsewhere, id":       {far.id, 1, ""},
		"elsewhere, box":      {"http://elsewhere/v1/containers/" + far.id[:35] + "c", 2, ""},
		"of another project":  {foreign, 0, "Could not retrieve certificate: ['" + foreign + "']"},
		"no payload":          {empty, 0, "Could not retrieve certificate"},
		"sealed for another":  {crossed, 0, "Could not retrieve certificate"},
		"container as secret": {"http://x/v1/secrets/" + box, 0, "Could not retrieve certificate"},
		"secret as container": {"http://x/v1/containers/" + secret, 0, "Could not retrieve certificate"},
		"unknown":             {resttest.ID(999), 0, "Could not retrieve certificate"},
		"unknown elsewhere":   {"http://elsewhere/v1/secrets/" + secret, 0, "Could not retrieve certificate"},
		"no reference":        {"cert.pem", 0, "Could not retrieve certificate"},
		"another path":        {"http://x/v1/orders/" + secret, 0, "Could not retrieve certificate"},
		"garbage":             {garbage, 0, "The PKCS12 bundle is unreadable."},
		"no passphrase":       {locked, 0, "Passphrase needed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := r.Certificate(t.Context(), tt.ref, mine)
			checked := r.CheckCertificates(t.Context(), mine, tt.ref)
			if tt.err == "" {
				if err != nil || len(got.Chain) != tt.chain || checked != nil {
					t.Fatalf("got %v, %v, %v", got, err, checked)
				}
				return
			}
			for _, err := range []error{err, checked} {
				var e *lb.Error
				if !errors.As(err, &e) || !errors.Is(err, lb.ErrInvalid) || !strings.HasPrefix(e.Msg, tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
			}
		})
	}

	now = now.Add(2 * time.Hour)
	if _, err := r.Certificate(t.Context(), expiring, mine); err == nil {
		t.Error("an expired secret is read")
	}
	err := r.CheckCertificates(t.Context(), mine, secret, foreign, "x")
	var e *lb.Error
	if want := "Could not retrieve certificate: ['" + foreign + "', 'x']"; !errors.As(err, &e) || e.Msg != want {
		t.Errorf("got %v, want %s", err, want)
	}
	asked := far.asked
	if _, err := r.Certificate(t.Context(), "http://unknown.example/v1/secrets/"+far.id, mine); err == nil || far.asked != asked {
		t.Error("a URL of a third host leads elsewhere")
	}
}

func TestCheckTrust(t *testing.T) {
	ca, other := newCA(t, "ca"), newCA(t, "other")
	s := &shelf{Backend: resttest.New(nil)}
	r := certs.New(certs.Config{Objects: s.Config, Opener: plain{}})
	authority, crl, wrong := s.store(mine, certPEM(ca.cert)), s.store(mine, ca.crl(t)), s.store(mine, other.crl(t))
	box := s.box(mine, lb.ContainedSecret{Name: "certificate", SecretID: lb.SecretID(authority)})
	for name, tt := range map[string]struct{ ca, crl, err string }{
		"ca":             {authority, "", ""},
		"both":           {authority, crl, ""},
		"foreign list":   {authority, wrong, "not signed by"},
		"no list":        {authority, authority, "revocation list is invalid"},
		"no ca":          {crl, "", "CA certificate is invalid"},
		"container":      {box, "", "Could not retrieve certificate"},
		"unknown list":   {authority, resttest.ID(999), "Could not retrieve certificate"},
		"unknown ca too": {resttest.ID(999), crl, "Could not retrieve certificate"},
	} {
		err := r.CheckTrust(t.Context(), mine, tt.ca, tt.crl)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.err)
		}
	}
}

func TestVersion(t *testing.T) {
	s := &shelf{Backend: resttest.New(nil)}
	late := s.Must(lb.CreateSecret{Spec: lb.SecretSpec{}})
	box := s.box("", lb.ContainedSecret{Name: "certificate", SecretID: lb.SecretID(late)})
	one, many := certs.Version(s.Config(), late), certs.Version(s.Config(), "http://x/v1/containers/"+box)
	if one == 0 || many == 0 {
		t.Fatalf("versions %d and %d", one, many)
	}
	s.Must(lb.UpdateSecret{ID: lb.SecretID(late), Spec: lb.SecretSpec{ContentType: lb.Some("text/plain"), Sealed: lb.Some([]byte("x"))}})
	if certs.Version(s.Config(), late) == one || certs.Version(s.Config(), "http://x/v1/containers/"+box) == many {
		t.Error("a new payload leaves the version")
	}
	for _, ref := range []string{"x", resttest.ID(999), "http://x/v1/secrets/" + box} {
		if v := certs.Version(s.Config(), ref); v != 0 {
			t.Errorf("%s has version %d", ref, v)
		}
	}
}
