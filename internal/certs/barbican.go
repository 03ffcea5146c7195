package certs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/containers"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/amphora-lb/amphora/lb"
)

const (
	barbicanLimit = 10 * time.Second // of one call, the one to Keystone included
	maxPayload    = 1 << 20          // a long list of revoked certificates
)

// BarbicanConfig says how to reach a Barbican. The account needs to read the secrets that
// load balancers name: whoever stores one gives it that right (openstack acl user add).
type BarbicanConfig struct {
	AuthURL       string // of Keystone
	Username      string
	Password      string
	UserDomain    string // name
	ProjectName   string
	ProjectDomain string // name
	// Endpoint is the URL of Barbican, which references to its secrets begin with.
	Endpoint string
	HTTP     *http.Client // nil: the default one
}

// Barbican is a [Source]. It logs in when it is first asked, and again when its token ends.
type Barbican struct {
	cfg BarbicanConfig

	mu     sync.Mutex
	client *gophercloud.ServiceClient // guarded by mu; nil until logged in
}

var _ Source = (*Barbican)(nil)

// NewBarbican returns a source that has asked nobody yet.
func NewBarbican(cfg BarbicanConfig) *Barbican { return &Barbican{cfg: cfg} }

// Owns reports whether ref is a URL below the endpoint.
func (b *Barbican) Owns(ref string) bool {
	return strings.HasPrefix(ref, strings.TrimRight(b.cfg.Endpoint, "/")+"/")
}

// Check logs in, and reports what keeps it from that. It blocks for some seconds at most.
func (b *Barbican) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, barbicanLimit)
	defer cancel()
	client, err := b.login(ctx)
	if err != nil {
		return err
	}
	err = secrets.List(client, secrets.ListOpts{Limit: 1}).EachPage(ctx, func(context.Context, pagination.Page) (bool, error) { return false, nil })
	if err != nil {
		return unreachable("list secrets in Barbican", err)
	}
	return nil
}

// Secret returns a payload, in the form in which it was stored.
func (b *Barbican) Secret(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, barbicanLimit)
	defer cancel()
	client, err := b.login(ctx)
	if err != nil {
		return nil, err
	}
	meta, err := secrets.Get(ctx, client, id).Extract()
	if err != nil {
		return nil, b.failed(lb.KindSecret, id, err)
	}
	res := secrets.GetPayload(ctx, client, id, secrets.GetPayloadOpts{PayloadContentType: meta.ContentTypes["default"]})
	if res.Err != nil {
		return nil, b.failed(lb.KindSecret, id, res.Err)
	}
	defer res.Body.Close()
	payload, err := io.ReadAll(io.LimitReader(res.Body, maxPayload+1))
	if err != nil {
		return nil, b.failed(lb.KindSecret, id, err)
	}
	if len(payload) > maxPayload {
		return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecret, ID: id, Msg: fmt.Sprintf("has more than %d bytes", maxPayload)}
	}
	return payload, nil
}

// Container returns the ids of the secrets of a container, by their names there.
func (b *Barbican) Container(ctx context.Context, id string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, barbicanLimit)
	defer cancel()
	client, err := b.login(ctx)
	if err != nil {
		return nil, err
	}
	box, err := containers.Get(ctx, client, id).Extract()
	if err != nil {
		return nil, b.failed(lb.KindSecretContainer, id, err)
	}
	ids := map[string]string{}
	for _, s := range box.SecretRefs {
		at, ok := parseRef(s.SecretRef)
		if !ok {
			return nil, fmt.Errorf("container %s in Barbican refers to %q, which is no secret", id, s.SecretRef)
		}
		ids[s.Name] = at.id
	}
	return ids, nil
}

// login returns a client that is logged in. Callers wait for each other here, so one that
// finds Keystone gone holds up others for barbicanLimit at most.
func (b *Barbican) login(ctx context.Context) (*gophercloud.ServiceClient, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client != nil {
		return b.client, nil
	}
	provider, err := openstack.NewClient(b.cfg.AuthURL)
	if err != nil {
		return nil, fmt.Errorf("use Keystone at %s: %w", b.cfg.AuthURL, err)
	}
	if b.cfg.HTTP != nil {
		provider.HTTPClient = *b.cfg.HTTP
	}
	err = openstack.Authenticate(ctx, provider, gophercloud.AuthOptions{
		IdentityEndpoint: b.cfg.AuthURL, Username: b.cfg.Username, Password: b.cfg.Password,
		DomainName: b.cfg.UserDomain, AllowReauth: true,
		Scope: &gophercloud.AuthScope{ProjectName: b.cfg.ProjectName, DomainName: b.cfg.ProjectDomain},
	})
	if err != nil {
		return nil, unreachable("log in at Keystone", err)
	}
	endpoint := gophercloud.NormalizeURL(strings.TrimSuffix(strings.TrimRight(b.cfg.Endpoint, "/"), "/v1"))
	b.client = &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint, ResourceBase: endpoint + "v1/", Type: "key-manager"}
	return b.client, nil
}

func unreachable(doing string, err error) error {
	return &lb.Error{Kind: lb.ErrUnavailable, Msg: doing + ": " + err.Error()}
}

// failed says why Barbican did not give what it was asked for.
func (b *Barbican) failed(kind lb.Kind, id string, err error) error {
	for _, code := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusNotAcceptable, http.StatusBadRequest} {
		if gophercloud.ResponseCodeIs(err, code) {
			return &lb.Error{Kind: lb.ErrNotFound, Resource: kind, ID: id, Msg: fmt.Sprintf("Barbican answers %d", code)}
		}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	away := unreachable(fmt.Sprintf("get %s %s from Barbican", kind, id), err)
	if gophercloud.ResponseCodeIs(err, http.StatusInternalServerError) {
		return &Answered{away} // as when it cannot decrypt this one
	}
	return away
}
