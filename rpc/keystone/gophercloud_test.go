package keystone

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// cloud logs in as root in project admin, with gophercloud.
func (w *world) cloud() *gophercloud.ServiceClient {
	w.t.Helper()
	provider, err := openstack.AuthenticatedClient(w.t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: w.url + IdentityPath, Username: "root", Password: "root", DomainName: "Default", TenantName: "admin",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, service := range []string{"load-balancer", "network", "key-manager"} {
		if _, err := provider.EndpointLocator(gophercloud.EndpointOpts{Type: service, Region: DefaultRegion, Availability: gophercloud.AvailabilityPublic}); err != nil {
			w.t.Errorf("endpoint of %s: %v", service, err)
		}
	}
	client, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

func TestGophercloud(t *testing.T) {
	w := newWorld(t)
	ctx, client := t.Context(), w.cloud()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	project, err := projects.Create(ctx, client, projects.CreateOpts{Name: "shop", Description: "d", Tags: []string{"b", "a"}, DomainID: "default"}).Extract()
	must(err)
	if project.Name != "shop" || !project.Enabled || len(project.Tags) != 2 || project.DomainID != "default" {
		t.Errorf("project %+v", project)
	}
	project, err = projects.Update(ctx, client, project.ID, projects.UpdateOpts{Name: "store"}).Extract()
	must(err)
	pages, err := projects.List(client, projects.ListOpts{Name: "store"}).AllPages(ctx)
	must(err)
	if found, err := projects.ExtractProjects(pages); err != nil || len(found) != 1 || found[0].ID != project.ID || found[0].Description != "d" {
		t.Errorf("found %+v, %v", found, err)
	}
	user, err := users.Create(ctx, client, users.CreateOpts{Name: "bob", Password: "first", DefaultProjectID: project.ID, DomainID: "default"}).Extract()
	must(err)
	rolePages, err := roles.List(client, roles.ListOpts{Name: "load-balancer_member"}).AllPages(ctx)
	must(err)
	found, err := roles.ExtractRoles(rolePages)
	must(err)
	if len(found) != 1 {
		t.Fatalf("roles %+v", found)
	}
	assignment := roles.AssignOpts{UserID: user.ID, ProjectID: project.ID}
	must(roles.Assign(ctx, client, found[0].ID, assignment).ExtractErr())
	effective := true
	grantPages, err := roles.ListAssignments(client, roles.ListAssignmentsOpts{UserID: user.ID, Effective: &effective, IncludeNames: &effective}).AllPages(ctx)
	must(err)
	if grants, err := roles.ExtractRoleAssignments(grantPages); err != nil || len(grants) != 1 || grants[0].Role.Name != "load-balancer_member" || grants[0].Scope.Project.Name != "store" || grants[0].User.Name != "bob" {
		t.Errorf("assignments %+v, %v", grants, err)
	}

	login := func(password string) (*gophercloud.ProviderClient, error) {
		return openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
			IdentityEndpoint: w.url + "/v3", Username: "bob", Password: password, DomainID: "default", TenantName: "store",
		})
	}
	bobs, err := login("first")
	must(err)
	bob, err := openstack.NewIdentityV3(bobs, gophercloud.EndpointOpts{})
	must(err)
	if err := users.Delete(ctx, bob, w.ann).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusForbidden) {
		t.Errorf("bob deletes ann: %v", err)
	}
	must(users.ChangePassword(ctx, bob, user.ID, users.ChangePasswordOpts{OriginalPassword: "first", Password: "second"}).ExtractErr())
	if _, err := login("first"); !gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) {
		t.Errorf("with the old password: %v", err)
	}
	bobs, err = login("second")
	must(err)
	if ok, err := tokens.Validate(ctx, client, bobs.Token()); !ok || err != nil {
		t.Errorf("bob's token: %v, %v", ok, err)
	}
	must(tokens.Revoke(ctx, client, bobs.Token()).Err)
	if ok, err := tokens.Validate(ctx, client, bobs.Token()); ok || err != nil {
		t.Errorf("bob's revoked token: %v, %v", ok, err)
	}
	must(roles.Unassign(ctx, client, found[0].ID, roles.UnassignOpts(assignment)).ExtractErr())
	must(users.Delete(ctx, client, user.ID).ExtractErr())
	must(projects.Delete(ctx, client, project.ID).ExtractErr())
	if err := projects.Get(ctx, client, project.ID).Err; !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("deleted project: %v", err)
	}
}

// The embedded API stands for a real Keystone here.
func TestRemote(t *testing.T) {
	w := newWorld(t)
	now := w.time()
	remote, err := NewRemote(External{
		URL: w.url + "/v3", User: "root", UserDomain: "Default", Project: "admin", ProjectDomain: "Default", Password: "root",
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	token := w.login("ann", "")
	for range 2 {
		if c, err := remote.Authenticate(t.Context(), token); err != nil || c.UserID != w.ann || c.ProjectID != w.demo || !c.Has("member") || c.Open {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	for _, bad := range []string{"", "forged", strings.Repeat("x", maxToken+1)} {
		if _, err := remote.Authenticate(t.Context(), bad); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	w.backend.Must(lb.DeleteUser{ID: w.ann})
	if _, err := remote.Authenticate(t.Context(), token); err != nil {
		t.Errorf("within a minute: %v", err)
	}
	now = now.Add(cacheTime)
	if _, err := remote.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("after a minute: %v", err)
	}
}

func TestRemoteAway(t *testing.T) {
	remote, err := NewRemote(External{URL: "http://127.0.0.1:1/v3", User: "u", UserDomain: "Default", Project: "p", ProjectDomain: "Default", Password: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Authenticate(t.Context(), "token"); err == nil || errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("without a Keystone: %v", err)
	}
	path := filepath.Join(t.TempDir(), "ca")
	if _, err := NewRemote(External{CAFile: path}); err == nil {
		t.Error("without the file of authorities")
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRemote(External{CAFile: path}); err == nil || !strings.Contains(err.Error(), "no certificate in PEM") {
		t.Errorf("without an authority: %v", err)
	}
}
