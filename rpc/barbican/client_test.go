package barbican_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/containers"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// TestGophercloud goes through what gophercloud's packages can do.
func TestGophercloud(t *testing.T) {
	a, ctx := newAPI(t), t.Context()
	web := httptest.NewServer(a.handler)
	defer web.Close()
	client := &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{}, Endpoint: web.URL + "/key-manager/", ResourceBase: web.URL + "/key-manager/v1/",
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	made, err := secrets.Create(ctx, client, secrets.CreateOpts{
		Name: "p12", SecretType: secrets.CertificateSecret, Payload: "AAEC",
		PayloadContentType: "application/octet-stream", PayloadContentEncoding: "base64",
	}).Extract()
	check(err)
	id := made.SecretRef[len(made.SecretRef)-36:]
	shown, err := secrets.Get(ctx, client, id).Extract()
	check(err)
	if shown.Name != "p12" || shown.ContentTypes["default"] != "application/octet-stream" || shown.Created.IsZero() {
		t.Errorf("shown: %+v", shown)
	}
	res := secrets.GetPayload(ctx, client, id, secrets.GetPayloadOpts{PayloadContentType: "application/octet-stream"})
	check(res.Err)
	payload, err := io.ReadAll(res.Body)
	check(err)
	if string(payload) != "\x00\x01\x02" {
		t.Errorf("payload %q", payload)
	}

	later, err := secrets.Create(ctx, client, secrets.CreateOpts{Name: "later"}).Extract()
	check(err)
	laterID := later.SecretRef[len(later.SecretRef)-36:]
	check(secrets.Update(ctx, client, laterID, secrets.UpdateOpts{ContentType: "text/plain", Payload: "hello"}).ExtractErr())

	listed := 0
	check(secrets.List(client, secrets.ListOpts{Limit: 1}).EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
		all, err := secrets.ExtractSecrets(p)
		listed += len(all)
		return true, err
	}))
	if listed != 2 {
		t.Errorf("%d secrets listed", listed)
	}

	box, err := containers.Create(ctx, client, containers.CreateOpts{
		Type: containers.GenericContainer, Name: "box", SecretRefs: []containers.SecretRef{{Name: "a", SecretRef: made.SecretRef}},
	}).Extract()
	check(err)
	boxID := box.ContainerRef[len(box.ContainerRef)-36:]
	if got, err := containers.Get(ctx, client, boxID).Extract(); err != nil || len(got.SecretRefs) != 1 {
		t.Errorf("container: %+v, %v", got, err)
	}
	got, err := containers.CreateConsumer(ctx, client, boxID, containers.CreateConsumerOpts{Name: "lb", URL: "http://x"}).Extract()
	if err != nil || len(got.Consumers) != 1 {
		t.Errorf("consumer: %+v, %v", got, err)
	}
	check(containers.DeleteConsumer(ctx, client, boxID, containers.DeleteConsumerOpts{Name: "lb", URL: "http://x"}).Err)

	acl, err := acls.GetSecretACL(ctx, client, id).Extract()
	if err != nil || !(*acl)["read"].ProjectAccess {
		t.Errorf("acl: %+v, %v", acl, err)
	}
	users := []string{"octavia"}
	_, err = acls.UpdateSecretACL(ctx, client, id, acls.SetOpts{{Type: "read", Users: &users}}).Extract()
	check(err)

	check(containers.Delete(ctx, client, boxID).ExtractErr())
	check(secrets.Delete(ctx, client, id).ExtractErr())
	if _, err := secrets.Get(ctx, client, id).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("after the deletion: %v", err)
	}
}
