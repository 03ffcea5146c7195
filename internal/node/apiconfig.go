package node

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"github.com/amphora-lb/amphora/rpc/keystone"
)

// DefaultAPIListen is where the REST APIs listen if the configuration file does not say.
const DefaultAPIListen = "127.0.0.1:9876"

// The ways to find out who calls the REST APIs.
const (
	AuthKeystone = "keystone" // users and tokens of this cluster
	AuthExternal = "external" // tokens of the Keystone that api.keystone names
	AuthNone     = "none"     // nobody is asked; on loopback only
)

// APIConfig says where the REST APIs listen, and for whom.
type APIConfig struct {
	Listen    string `toml:"listen"`     // address:port; "": off
	PublicURL string `toml:"public_url"` // root of the APIs as clients reach it; default: what they called
	Auth      string `toml:"auth"`       // AuthKeystone (default), AuthExternal or AuthNone
	TLSCert   string `toml:"tls_cert"`   // PEM file with the certificate and its chain; required beyond loopback
	TLSKey    string `toml:"tls_key"`    // PEM file with its key
	// Insecure lets the APIs listen beyond loopback without TLS: whoever sees the
	// network then reads passwords and tokens. For a proxy that speaks TLS, and for labs.
	Insecure      bool     `toml:"insecure"`
	Region        string   `toml:"region"`         // of the catalog; default RegionOne
	TokenLifetime Duration `toml:"token_lifetime"` // default 1h

	Keystone KeystoneConfig `toml:"keystone"`
}

// KeystoneConfig says how a real Keystone is asked whose a token is, or for a token.
type KeystoneConfig struct {
	URL           string `toml:"url"`
	User          string `toml:"user"`
	UserDomain    string `toml:"user_domain"` // default Default
	Project       string `toml:"project"`     // default service
	ProjectDomain string `toml:"project_domain"`
	PasswordFile  string `toml:"password_file"` // only its owner may read it
	CAFile        string `toml:"ca_file"`       // PEM; default: the host's authorities
}

// Duration is a time span as the file has it, such as "90s" or "1h30m".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q must be a time span such as 90s or 1h30m", text)
	}
	*d = Duration(span)
	return nil
}

const (
	minTokenLifetime = time.Minute
	maxTokenLifetime = 30 * 24 * time.Hour
)

func (c APIConfig) withDefaults() APIConfig {
	setDefault(&c.Auth, AuthKeystone)
	setDefault(&c.Region, keystone.DefaultRegion)
	if c.TokenLifetime == 0 {
		c.TokenLifetime = Duration(keystone.DefaultLifetime)
	}
	c.Keystone = c.Keystone.withDefaults()
	return c
}

func (k KeystoneConfig) withDefaults() KeystoneConfig {
	setDefault(&k.UserDomain, "Default")
	setDefault(&k.Project, "service")
	setDefault(&k.ProjectDomain, "Default")
	return k
}

func (c Config) validateAPI(p *problems) {
	a := c.API
	if a.Listen == "" {
		return
	}
	at, err := netip.ParseAddrPort(a.Listen)
	if err != nil || at.Port() == 0 && !c.Bind.IsValid() {
		p.add("api.listen", "%q must be address:port, such as %s, or \"\" to switch the REST APIs off", a.Listen, DefaultAPIListen)
	}
	exposed := err == nil && !at.Addr().Unmap().IsLoopback()
	switch {
	case a.Auth != AuthKeystone && a.Auth != AuthExternal && a.Auth != AuthNone:
		p.add("api.auth", "%q is unknown, use %q, %q or %q", a.Auth, AuthKeystone, AuthExternal, AuthNone)
	case a.Auth == AuthNone && exposed:
		p.add("api.auth", "%q is for loopback only: whoever reaches %s could change everything", a.Auth, a.Listen)
	}
	switch {
	case (a.TLSCert == "") != (a.TLSKey == ""):
		p.add("api.tls_cert", "goes with api.tls_key: give both or none")
	case exposed && a.TLSCert == "" && !a.Insecure:
		p.add("api.tls_cert", "required beyond loopback: passwords and tokens must not cross a network in the clear; set api.insecure to true if a proxy in front speaks TLS")
	}
	p.absolute("api.tls_cert", a.TLSCert)
	p.absolute("api.tls_key", a.TLSKey)
	if a.PublicURL != "" && !httpURL(a.PublicURL) {
		p.add("api.public_url", "%q must be a URL such as https://lb.example.org:9876", a.PublicURL)
	}
	if life := time.Duration(a.TokenLifetime); life < minTokenLifetime || life > maxTokenLifetime {
		p.add("api.token_lifetime", "%s is out of range, use %s to %s", life, minTokenLifetime, maxTokenLifetime)
	}
	if a.Auth == AuthExternal {
		a.Keystone.validate(p, "api.keystone", fmt.Sprintf("when api.auth is %q", AuthExternal))
	}
}

// validate checks the table of that name, which is required when it says so.
func (k KeystoneConfig) validate(p *problems, table, when string) {
	if !httpURL(k.URL) {
		p.add(table+".url", "%q must be a URL such as https://keystone.example.org/v3", k.URL)
	}
	if k.User == "" {
		p.add(table+".user", "required %s", when)
	}
	if k.PasswordFile == "" {
		p.add(table+".password_file", "required %s", when)
	}
	p.absolute(table+".password_file", k.PasswordFile)
	p.absolute(table+".ca_file", k.CAFile)
}

// absolute refuses a path that depends on where the daemon is started; "" is none.
func (p *problems) absolute(key, path string) {
	if path != "" && !filepath.IsAbs(path) {
		p.add(key, "%q must be an absolute path", path)
	}
}

func httpURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
}
