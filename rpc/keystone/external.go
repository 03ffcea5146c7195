package keystone

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"golang.org/x/sync/singleflight"

	"github.com/amphora-lb/amphora/rpc/access"
)

const (
	cacheTime    = time.Minute // a token revoked in Keystone is good here for so long at most
	cacheSize    = 10000
	externalCall = 10 * time.Second
)

// External says how a real Keystone is asked. The user needs the right to validate
// tokens, such as the role service or admin.
type External struct {
	URL           string // such as https://keystone.example.org/v3
	User          string
	UserDomain    string
	Project       string
	ProjectDomain string
	Password      string
	CAFile        string           // PEM; "": the host's authorities
	Now           func() time.Time // nil: the clock
}

// Remote asks a real Keystone whose tokens are. All methods may be called from any number
// of goroutines.
type Remote struct {
	cfg    External
	http   http.Client
	asking singleflight.Group

	mu     sync.Mutex
	client *gophercloud.ServiceClient  // guarded by mu; nil: not logged in yet
	known  map[[sha256.Size]byte]known // guarded by mu
}

// known is a caller that Keystone told us about.
type known struct {
	caller access.Caller
	until  time.Time
}

var _ access.Authenticator = (*Remote)(nil)

// NewRemote makes an authenticator. It logs in when it is first asked, so that a node
// starts while Keystone is away.
func NewRemote(cfg External) (*Remote, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Remote{cfg: cfg, known: map[[sha256.Size]byte]known{}, http: http.Client{Timeout: externalCall}}
	if cfg.CAFile == "" {
		return r, nil
	}
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read Keystone's authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read Keystone's authorities: %s has no certificate in PEM", cfg.CAFile)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	r.http.Transport = transport
	return r, nil
}

// Authenticate implements [access.Authenticator]. It asks Keystone once a minute about a
// token, and remembers nothing about tokens that it does not know.
func (r *Remote) Authenticate(ctx context.Context, token string) (access.Caller, error) {
	if token == "" || len(token) > maxToken {
		return access.Caller{}, unauthenticated("there is no token, or one of %d bytes", len(token))
	}
	key := sha256.Sum256([]byte(token)) // what is not kept cannot leak
	if caller, ok := r.remembered(key); ok {
		return caller, nil
	}
	// Clients come with many requests at once: one of them asks.
	answer := r.asking.DoChan(string(key[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*externalCall)
		defer cancel()
		return r.ask(ctx, key, token)
	})
	select {
	case <-ctx.Done():
		return access.Caller{}, ctx.Err()
	case a := <-answer:
		caller, _ := a.Val.(access.Caller)
		return caller, a.Err
	}
}

func (r *Remote) remembered(key [sha256.Size]byte) (access.Caller, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[key]
	return k.caller, ok && r.cfg.Now().Before(k.until)
}

func (r *Remote) ask(ctx context.Context, key [sha256.Size]byte, token string) (access.Caller, error) {
	client, err := r.login(ctx)
	if err != nil {
		return access.Caller{}, fmt.Errorf("log in to Keystone at %s: %w", r.cfg.URL, err)
	}
	result := tokens.Get(ctx, client, token)
	var refused gophercloud.ErrUnexpectedResponseCode
	if errors.As(result.Err, &refused) && refused.Actual == http.StatusNotFound {
		return access.Caller{}, unauthenticated("Keystone at %s does not know the token", r.cfg.URL)
	}
	body := struct {
		User    tokens.User     `json:"user"`
		Project *tokens.Project `json:"project"`
		Roles   []tokens.Role   `json:"roles"`
		Expires time.Time       `json:"expires_at"`
	}{}
	if err := result.ExtractInto(&body); err != nil {
		return access.Caller{}, fmt.Errorf("ask Keystone at %s about a token: %w", r.cfg.URL, err)
	}
	now := r.cfg.Now()
	if !now.Before(body.Expires) {
		return access.Caller{}, unauthenticated("the token of %s expired", body.User.ID)
	}
	caller := access.Caller{UserID: body.User.ID}
	if body.Project != nil {
		caller.ProjectID = body.Project.ID
	}
	for _, role := range body.Roles {
		caller.Roles = append(caller.Roles, role.Name)
	}
	r.remember(key, known{caller, earlier(body.Expires, now.Add(cacheTime))})
	return caller, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (r *Remote) remember(key [sha256.Size]byte, k known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= cacheSize {
		now := r.cfg.Now()
		for key, old := range r.known {
			if !now.Before(old.until) {
				delete(r.known, key)
			}
		}
		if len(r.known) >= cacheSize {
			clear(r.known)
		}
	}
	r.known[key] = k
}

// login returns a client that logs in again by itself when its own token expires.
func (r *Remote) login(ctx context.Context) (*gophercloud.ServiceClient, error) {
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	if client != nil {
		return client, nil
	}
	provider, err := openstack.NewClient(r.cfg.URL)
	if err != nil {
		return nil, err
	}
	provider.HTTPClient = r.http
	err = openstack.Authenticate(ctx, provider, gophercloud.AuthOptions{
		IdentityEndpoint: r.cfg.URL, Username: r.cfg.User, Password: r.cfg.Password, DomainName: r.cfg.UserDomain,
		AllowReauth: true,
		Scope:       &gophercloud.AuthScope{ProjectName: r.cfg.Project, DomainName: r.cfg.ProjectDomain},
	})
	if err != nil {
		return nil, err
	}
	// The URL that was configured, not one of the catalog: that may be of another network.
	client = &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: provider.IdentityBase + "v3/", Type: "identity"}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		r.client = client
	}
	return r.client, nil
}
