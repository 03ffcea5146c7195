package barbican_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
	"github.com/amphora-lb/amphora/rpc/barbican"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// xor seals so that a test sees what was not sealed, and sealed for whom.
type xor struct{}

func (xor) Seal(id string, payload []byte) ([]byte, error) {
	sealed := []byte(id)
	for _, b := range payload {
		sealed = append(sealed, b^0xff)
	}
	return sealed, nil
}

func (xor) Open(id string, sealed []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(sealed, []byte(id))
	if !ok {
		return nil, errors.New("sealed for another")
	}
	payload := make([]byte, len(rest))
	for i, b := range rest {
		payload[i] = b ^ 0xff
	}
	return payload, nil
}

const (
	mine   = "11111111111111111111111111111111"
	theirs = "22222222222222222222222222222222"
)

func caller(project string, roles ...string) access.Caller {
	return access.Caller{UserID: "u", ProjectID: project, Roles: roles}
}

// api is the API, called by whom the test says.
type api struct {
	t *testing.T
	*resttest.Backend
	handler http.Handler
	caller  access.Caller
	now     time.Time
}

func newAPI(t *testing.T) *api {
	a := &api{t: t, Backend: resttest.New(nil), caller: caller(mine, access.RoleMember), now: resttest.Start}
	inner := barbican.New(barbican.Config{Backend: a, Sealer: xor{}, Now: func() time.Time { return a.now }})
	a.handler = http.StripPrefix("/key-manager", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(access.With(r.Context(), a.caller)))
	}))
	return a
}

// call sends body, with headers given as "Name: value", and wants that status.
func (a *api) call(status int, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	if u, ok := strings.CutPrefix(path, "http://example.com"); ok {
		path = u
	} else {
		path = "/key-manager" + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Code != status {
		a.t.Errorf("%s %s answers %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	return w
}

func (a *api) json(status int, method, path, body string, headers ...string) map[string]any {
	a.t.Helper()
	w := a.call(status, method, path, body, headers...)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		a.t.Errorf("%s %s: %v in %q", method, path, err, w.Body)
	}
	return out
}

// store makes a secret and returns its URL.
func (a *api) store(body string) string {
	a.t.Helper()
	ref, _ := a.json(http.StatusCreated, "POST", "/v1/secrets", body)["secret_ref"].(string)
	if !strings.HasPrefix(ref, "http://example.com/key-manager/v1/secrets/") {
		a.t.Fatalf("secret_ref is %q", ref)
	}
	return ref
}

func TestSecret(t *testing.T) {
	a := newAPI(t)
	ref := a.store(`{"name":"n","payload":"c2Vj\ncmV0","payload_content_type":"application/octet-stream","payload_content_encoding":"base64",
		"secret_type":"certificate","algorithm":"RSA","bit_length":2048,"mode":null,"expiration":"2026-02-01T00:00:00"}`)
	got := a.json(http.StatusOK, "GET", ref, "")
	for name, want := range map[string]any{
		"name": "n", "secret_type": "certificate", "algorithm": "RSA", "bit_length": 2048.0, "mode": nil, "status": "ACTIVE",
		"created": "2026-01-02T03:04:05", "updated": "2026-01-02T03:04:05", "expiration": "2026-02-01T00:00:00", "secret_ref": ref,
		"content_types": map[string]any{"default": "application/octet-stream"},
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for s := range a.Config().Secrets() {
		if s.ProjectID != mine || bytes.Contains(s.Sealed, []byte("secret")) || !bytes.HasPrefix(s.Sealed, []byte(s.ID)) {
			t.Errorf("stored as %+v", s)
		}
	}
	for _, path := range []string{ref, ref + "/payload", ref + "/payload/"} {
		w := a.call(http.StatusOK, "GET", path, "", "Accept: application/octet-stream")
		if w.Body.String() != "secret" || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %q, %v", path, w.Body, w.Header())
		}
	}
	a.call(http.StatusNotAcceptable, "GET", ref+"/payload", "", "Accept: text/plain")
	a.call(http.StatusConflict, "PUT", ref, "again", "Content-Type: text/plain")

	a.now = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	a.call(http.StatusNotFound, "GET", ref, "")
	if total := a.json(http.StatusOK, "GET", "/v1/secrets", "")["total"]; total != 0.0 {
		t.Errorf("an expired secret is listed")
	}
	a.now = resttest.Start
	a.call(http.StatusNoContent, "DELETE", ref, "")
	a.call(http.StatusNotFound, "GET", ref, "")
	a.call(http.StatusNotFound, "DELETE", ref, "")
}

func TestTwoSteps(t *testing.T) {
	a := newAPI(t)
	ref := a.store(`{"name":"later"}`)
	if got := a.json(http.StatusOK, "GET", ref, ""); got["content_types"] != nil || got["secret_type"] != "opaque" {
		t.Errorf("without payload: %v", got)
	}
	a.call(http.StatusNotFound, "GET", ref+"/payload", "", "Accept: text/plain")
	a.call(http.StatusUnsupportedMediaType, "PUT", ref, "x")
	a.call(http.StatusUnsupportedMediaType, "PUT", ref, "x", "Content-Type: image/png")
	a.call(http.StatusBadRequest, "PUT", ref, "", "Content-Type: text/plain")
	a.call(http.StatusBadRequest, "PUT", ref, "!", "Content-Type: application/octet-stream", "Content-Encoding: base64")
	a.call(http.StatusBadRequest, "PUT", ref, "x", "Content-Type: application/octet-stream", "Content-Encoding: gzip")
	a.call(http.StatusRequestEntityTooLarge, "PUT", ref, strings.Repeat("x", 20001), "Content-Type: text/plain")
	a.call(http.StatusRequestEntityTooLarge, "PUT", ref, strings.Repeat("x", 50000), "Content-Type: text/plain")
	a.call(http.StatusNoContent, "PUT", ref, strings.Repeat("x", 20000), "Content-Type: text/plain; charset=UTF-8")
	w := a.call(http.StatusOK, "GET", ref+"/payload", "", "Accept: text/*")
	if w.Body.Len() != 20000 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d bytes of %s", w.Body.Len(), w.Header().Get("Content-Type"))
	}
}

func TestBadSecrets(t *testing.T) {
	a := newAPI(t)
	for body, want := range map[string]string{
		`[]`:                                    "Invalid JSON",
		`{"name":5}`:                            "name",
		`{"payload":"x"}`:                       "'payload_content_type' must also be supplied",
		`{"payload_content_type":"text/plain"}`: "payload must be provided",
		`{"payload":"","payload_content_type":"text/plain"}`:                                             "must be non empty",
		`{"payload":"x","payload_content_type":"image/png"}`:                                             "is not one of",
		`{"payload":"x","payload_content_type":"text/plain;charset=latin-1"}`:                            "is not one of",
		`{"payload":"x","payload_content_type":"application/octet-stream"}`:                              "payload_content_encoding must be specified",
		`{"payload":"x","payload_content_type":"text/plain","payload_content_encoding":"base64"}`:        "must not be specified",
		`{"payload":"!","payload_content_type":"application/pkcs8","payload_content_encoding":"base64"}`: "Invalid payload",
		`{"payload":"x","payload_content_type":"application/pkcs8","payload_content_encoding":"hex"}`:    "is not base64",
		`{"secret_type":"nonsense"}`:                  "secret_type",
		`{"bit_length":-1}`:                           "bit_length",
		`{"bit_length":1.5}`:                          "bit_length",
		`{"expiration":"2020-01-01"}`:                 "before current time",
		`{"expiration":"soon"}`:                       "Invalid date",
		`{"name":"` + strings.Repeat("x", 256) + `"}`: "name",
	} {
		got := a.json(http.StatusBadRequest, "POST", "/v1/secrets", body)
		if text, _ := got["description"].(string); !strings.Contains(text, want) || got["code"] != 400.0 || got["title"] != "Bad Request" {
			t.Errorf("%s: %v, want %q", body, got, want)
		}
	}
	for range a.Config().Secrets() {
		t.Error("something was stored")
	}
	a.call(http.StatusRequestEntityTooLarge, "POST", "/v1/secrets", `{"payload":"`+strings.Repeat("x", 20001)+`","payload_content_type":"text/plain"}`)
}

func TestRights(t *testing.T) {
	a := newAPI(t)
	ref := a.store(`{"payload":"x","payload_content_type":"text/plain"}`)
	box := a.json(http.StatusCreated, "POST", "/v1/containers", `{"type":"generic","secret_refs":[{"secret_ref":"`+ref+`"}]}`)["container_ref"].(string)
	for name, tt := range map[string]struct {
		caller                     access.Caller
		create, show, payload, del int
	}{
		"nobody": {access.Caller{}, 403, 403, 403, 403},
		"reader": {caller(mine, access.RoleReader), 403, 200, 403, 403},
		"member": {caller(mine, access.RoleMember), 201, 200, 200, 204},
		"other":  {caller(theirs, access.RoleMember), 201, 403, 403, 403},
		"admin":  {caller(theirs, access.RoleAdmin), 201, 200, 200, 204},
	} {
		t.Run(name, func(t *testing.T) {
			b := *a
			b.t = t
			a.caller = tt.caller
			b.call(tt.create, "POST", "/v1/secrets", `{}`)
			b.call(tt.show, "GET", ref, "")
			b.call(tt.show, "GET", box, "")
			b.call(tt.show, "GET", ref+"/acl", "")
			b.call(tt.payload, "GET", ref+"/payload", "")
			b.call(tt.payload, "PUT", ref+"/acl", `{"read":{"users":["u"]}}`)
			a.caller = caller(mine, access.RoleMember)
			spare := b.store(`{}`)
			a.caller = tt.caller
			b.call(tt.del, "DELETE", spare, "")
			if tt.del == 403 {
				b.call(403, "DELETE", box, "")
				b.call(403, "PUT", spare, "x", "Content-Type: text/plain")
			}
		})
	}
	a.caller = caller(theirs, access.RoleMember)
	a.call(http.StatusNotFound, "POST", "/v1/containers", `{"type":"generic","secret_refs":[{"secret_ref":"`+ref+`"}]}`)
}

func TestPages(t *testing.T) {
	a := newAPI(t)
	for i := range 12 {
		a.store(fmt.Sprintf(`{"name":"s%d","algorithm":"aes","bit_length":%d}`, i, 128+i%2*128))
	}
	a.caller = caller(theirs, access.RoleMember)
	a.store(`{"name":"s0"}`)
	a.caller = caller(mine, access.RoleMember)
	page := a.json(http.StatusOK, "GET", "/v1/secrets?limit=5&offset=5", "")
	if n := len(page["secrets"].([]any)); n != 5 || page["total"] != 12.0 {
		t.Fatalf("%d of %v", n, page["total"])
	}
	if next := a.json(http.StatusOK, "GET", page["next"].(string), ""); len(next["secrets"].([]any)) != 2 || next["next"] != nil {
		t.Errorf("next page is %v", next)
	}
	first := a.json(http.StatusOK, "GET", page["previous"].(string), "")
	if first["previous"] != nil || first["secrets"].([]any)[0].(map[string]any)["name"] != "s0" {
		t.Errorf("previous page is %v", first)
	}
	for query, want := range map[string]float64{"?name=s3": 1, "?bits=256": 6, "?alg=AES": 12, "?secret_type=private": 0, "?mode=cbc": 0, "?limit=x&offset=-1": 12} {
		if total := a.json(http.StatusOK, "GET", "/v1/secrets"+query, "")["total"]; total != want {
			t.Errorf("%s: %v, want %v", query, total, want)
		}
	}
}

func TestContainer(t *testing.T) {
	a := newAPI(t)
	crt, key := a.store(`{"name":"crt"}`), a.store(`{"name":"key"}`)
	body := fmt.Sprintf(`{"type":"certificate","name":"pair","secret_refs":[{"name":"certificate","secret_ref":%q},{"name":"private_key","secret_ref":%q}]}`, crt, key)
	box := a.json(http.StatusCreated, "POST", "/v1/containers/", body)["container_ref"].(string)
	got := a.json(http.StatusOK, "GET", box, "")
	refs := got["secret_refs"].([]any)
	if got["name"] != "pair" || got["type"] != "certificate" || len(refs) != 2 || refs[1].(map[string]any)["secret_ref"] != key {
		t.Errorf("got %v", got)
	}
	a.call(http.StatusConflict, "DELETE", crt, "")

	consumer := `{"name":"octavia","URL":"http://x/listeners/1"}`
	if got := a.json(http.StatusOK, "POST", box+"/consumers/", consumer); len(got["consumers"].([]any)) != 1 {
		t.Errorf("registered: %v", got)
	}
	a.call(http.StatusBadRequest, "POST", box+"/consumers", `{"name":"octavia"}`)
	if got := a.json(http.StatusOK, "DELETE", box+"/consumers", consumer); got["container_ref"] != box {
		t.Errorf("deregistered: %v", got)
	}
	if got := a.json(http.StatusOK, "GET", box+"/consumers", ""); got["total"] != 0.0 {
		t.Errorf("listed: %v", got)
	}
	a.json(http.StatusOK, "POST", crt+"/consumers", `{"service":"octavia","resource_type":"listener","resource_id":"1"}`)
	a.call(http.StatusBadRequest, "POST", crt+"/consumers", `{}`)

	if got := a.json(http.StatusOK, "GET", "/v1/containers?type=certificate", ""); got["total"] != 1.0 {
		t.Errorf("listed: %v", got)
	}
	a.call(http.StatusBadRequest, "POST", "/v1/containers", `{"type":"nonsense"}`)
	a.call(http.StatusBadRequest, "POST", "/v1/containers", `{"type":"certificate","secret_refs":[]}`)
	a.call(http.StatusBadRequest, "POST", "/v1/containers", `{"type":"generic","secret_refs":[{"secret_ref":"x"}]}`)
	a.call(http.StatusNotFound, "POST", "/v1/containers", `{"type":"generic","secret_refs":[{"secret_ref":"http://x/v1/secrets/`+resttest.ID(99)+`"}]}`)
	a.call(http.StatusNoContent, "DELETE", box, "")
	a.call(http.StatusNotFound, "GET", box, "")
	a.call(http.StatusNoContent, "DELETE", crt, "")
}

func TestACL(t *testing.T) {
	a := newAPI(t)
	ref := a.store(`{}`)
	if got := a.call(http.StatusOK, "GET", ref+"/acl", "").Body.String(); strings.TrimSpace(got) != `{"read":{"project-access":true}}` {
		t.Errorf("got %s", got)
	}
	for body, status := range map[string]int{
		`{"read":{"users":["x"],"project-access":true}}`: 200,
		`{"read":{"project-access":false}}`:              400,
		`{}`:                                             400,
	} {
		a.json(status, "PUT", ref+"/acl", body)
		a.json(status, "PATCH", ref+"/acl", body)
	}
	a.call(http.StatusOK, "DELETE", ref+"/acl", "")
	a.call(http.StatusNotFound, "GET", "/v1/secrets/"+resttest.ID(99)+"/acl", "")
}

func TestFaults(t *testing.T) {
	a := newAPI(t)
	ref := a.store(`{}`)
	a.call(http.StatusMultipleChoices, "GET", "/", "")
	a.call(http.StatusOK, "GET", "/v1", "")
	a.call(http.StatusNotFound, "GET", "/v1/orders", "")
	if w := a.call(http.StatusMethodNotAllowed, "PATCH", "/v1/secrets", ""); w.Header().Get("Allow") == "" {
		t.Errorf("405 without Allow: %v", w.Header())
	}
	a.Fail(&lb.Error{Kind: lb.ErrUnavailable, Msg: "no quorum"})
	a.call(http.StatusServiceUnavailable, "GET", ref, "")
	a.call(http.StatusServiceUnavailable, "POST", "/v1/secrets", `{}`)
	a.Fail(errors.New("disk on fire"))
	w := a.call(http.StatusInternalServerError, "GET", ref, "")
	if body, _ := io.ReadAll(w.Body); strings.Contains(string(body), "fire") {
		t.Errorf("the client is told %s", body)
	}
	a.Fail(nil)
	a.Must(lb.CreateSecret{ID: lb.SecretID(resttest.ID(77)), Spec: lb.SecretSpec{
		MetaSpec: lb.MetaSpec{ProjectID: lb.Some(mine)}, ContentType: lb.Some("text/plain"), Sealed: lb.Some([]byte("other")),
	}})
	a.call(http.StatusInternalServerError, "GET", "/v1/secrets/"+resttest.ID(77)+"/payload", "")
}
