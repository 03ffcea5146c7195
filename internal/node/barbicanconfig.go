package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/amphora-lb/amphora/internal/certs"
)

// BarbicanConfig says where the secrets are that TLS references name and this cluster does
// not store itself. The zero value: nowhere.
type BarbicanConfig struct {
	URL   string   `toml:"url"`   // which references to its secrets begin with
	Every Duration `toml:"every"` // between two looks at a secret that is served; default 1m

	Keystone KeystoneConfig `toml:"keystone"` // where the account logs in that reads them
}

const (
	minEvery = time.Second
	maxEvery = 24 * time.Hour
)

func (c BarbicanConfig) withDefaults() BarbicanConfig {
	if c.URL == "" {
		return c
	}
	if c.Every == 0 {
		c.Every = Duration(certs.DefaultEvery)
	}
	c.Keystone = c.Keystone.withDefaults()
	return c
}

func (c BarbicanConfig) validate(p *problems) {
	if c == (BarbicanConfig{}) {
		return
	}
	if !httpURL(c.URL) {
		p.add("barbican.url", "%q must be a URL such as https://barbican.example.org:9311", c.URL)
	}
	if every := time.Duration(c.Every); every != 0 && (every < minEvery || every > maxEvery) {
		p.add("barbican.every", "%s is out of range, use %s to %s", every, minEvery, maxEvery)
	}
	c.Keystone.validate(p, "barbican.keystone", "when there is a table [barbican]")
}

// source makes what asks Barbican, nil if there is none. It asks nobody yet.
func (c BarbicanConfig) source() (*certs.Barbican, error) {
	if c.URL == "" {
		return nil, nil
	}
	password, err := readPrivate(c.Keystone.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("barbican.keystone.password_file: %w", err)
	}
	client, err := trusting(c.Keystone.CAFile)
	if err != nil {
		return nil, fmt.Errorf("barbican.keystone.ca_file: %w", err)
	}
	return certs.NewBarbican(certs.BarbicanConfig{
		Endpoint: c.URL, AuthURL: c.Keystone.URL, HTTP: client,
		Username: c.Keystone.User, Password: password, UserDomain: c.Keystone.UserDomain,
		ProjectName: c.Keystone.Project, ProjectDomain: c.Keystone.ProjectDomain,
	}), nil
}

// trusting is a client that trusts the authorities in a PEM file; "": those of the host.
func trusting(caFile string) (*http.Client, error) {
	if caFile == "" {
		return &http.Client{}, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM", caFile)
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}}, nil
}
