package barbican_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// TestAccessRules is who may do what with a secret of another project, and of none. The
// owner's rights are in TestRights.
func TestAccessRules(t *testing.T) {
	const none = ""
	callers := map[string]access.Caller{
		"reader": caller(theirs, access.RoleReader), "member": caller(theirs, access.RoleMember), "system-member": {Roles: []string{access.RoleMember}},
		"global-observer": caller(theirs, access.RoleGlobalObserver), "lb-admin": caller(theirs, access.RoleLBAdmin), "admin": caller(theirs, access.RoleAdmin),
	}
	for _, tt := range []struct {
		project, request string
		may              string // all others get 403
		status           int
	}{
		{mine, "GET /v1/secrets/{secret}", "global-observer lb-admin admin", 200},
		{mine, "GET /v1/secrets/{secret}/payload", "admin", 200},
		{mine, "GET /v1/secrets/{secret} Accept: text/plain", "admin", 200},
		{mine, "GET /v1/secrets/{secret}/acl", "global-observer lb-admin admin", 200},
		{mine, "GET /v1/secrets/{secret}/consumers", "global-observer lb-admin admin", 200},
		{mine, "PUT /v1/secrets/{empty} Content-Type: text/plain", "lb-admin admin", 204},
		{mine, "DELETE /v1/secrets/{empty}", "lb-admin admin", 204},
		{mine, "GET /v1/containers/{box}", "global-observer lb-admin admin", 200},
		{mine, "DELETE /v1/containers/{box}", "lb-admin admin", 204},
		{none, "GET /v1/secrets/{secret}", "reader member system-member global-observer lb-admin admin", 200},
		{none, "GET /v1/secrets/{secret}/payload", "admin", 200},
		{none, "PUT /v1/secrets/{empty} Content-Type: text/plain", "lb-admin admin", 204},
		{none, "DELETE /v1/secrets/{empty}", "lb-admin admin", 204},
		{none, "DELETE /v1/containers/{box}", "lb-admin admin", 204},
	} {
		for name, who := range callers {
			a := newAPI(t)
			id := "11111111-1111-4111-8111-111111111111"
			sealed, _ := xor{}.Seal(id, []byte("the key"))
			meta := lb.MetaSpec{ProjectID: lb.Some(tt.project)}
			a.Must(lb.CreateSecret{ID: lb.SecretID(id), Spec: lb.SecretSpec{MetaSpec: meta, ContentType: lb.Some("text/plain"), Sealed: lb.Some(sealed)}})
			ids := strings.NewReplacer("{secret}", id, "{empty}", a.Must(lb.CreateSecret{Spec: lb.SecretSpec{MetaSpec: meta}}),
				"{box}", a.Must(lb.CreateSecretContainer{Spec: lb.SecretContainerSpec{MetaSpec: meta, Type: lb.Some("generic")}}))
			want := http.StatusForbidden
			if strings.Contains(" "+tt.may+" ", " "+name+" ") {
				want = tt.status
			}
			parts := append(strings.SplitN(tt.request, " ", 3), "X-None: x")
			a.caller = who
			w := a.call(want, parts[0], ids.Replace(parts[1]), "x", parts[2])
			if leak := strings.Contains(w.Body.String(), "the key"); leak != (want == 200 && name == "admin" && (strings.Contains(tt.request, "payload") || strings.Contains(tt.request, "Accept"))) {
				t.Errorf("%s of %q by %s: the payload is shown: %v", tt.request, tt.project, name, leak)
			}
		}
	}
	// Whose token is for no project stores for nobody: that is an administrator's.
	a := newAPI(t)
	a.caller = callers["system-member"]
	a.call(http.StatusForbidden, "POST", "/v1/secrets", `{}`)
	a.call(http.StatusForbidden, "POST", "/v1/containers", `{"type":"generic"}`)
}
