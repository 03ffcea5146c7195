package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/seal"
	"github.com/amphora-lb/amphora/rpc/access"
	"github.com/amphora-lb/amphora/rpc/barbican"
	"github.com/amphora-lb/amphora/rpc/keystone"
	"github.com/amphora-lb/amphora/rpc/neutron"
	"github.com/amphora-lb/amphora/rpc/octavia"
)

// Limits of the REST APIs' server.
const (
	apiHeaderTimeout = 10 * time.Second // to send the head of a request
	// To send all of it. It goes on while a client waits for changes, and would end that.
	apiReadTimeout = octavia.MaxWait + 30*time.Second
	// From the end of a request's head until the client has taken the answer, the waiting
	// for changes included.
	apiWriteTimeout = octavia.MaxWait + 60*time.Second
	apiIdleTimeout  = 2 * time.Minute // between two requests
	// Connections at a time. More wait to be accepted: the data plane of this process needs
	// file descriptors too.
	apiMaxConns    = 4096
	apiMaxHeader   = 32 << 10        // bytes; tokens of a real Keystone are long
	apiStopTimeout = 5 * time.Second // for requests that run when the node stops
)

// sealFile is where a node without a cluster key keeps its own, in the data directory.
const sealFile = "seal.key"

// openSeal makes the key for secrets and tokens.
func (n *Node) openSeal() error {
	secret, err := n.cfg.clusterKey()
	if err == nil && secret == nil {
		secret, err = seal.File(filepath.Join(n.cfg.DataDir, sealFile))
	}
	if err != nil {
		return err
	}
	n.key, err = seal.New(secret)
	return err
}

// openAPI binds the port of the REST APIs, and makes what serves it.
func (n *Node) openAPI() error {
	cfg := n.cfg.API
	if cfg.Listen == "" {
		return nil
	}
	handler, err := n.restHandler()
	if err != nil {
		return err
	}
	log := n.cfg.Logger.With(logkey.Component, "api")
	n.rest = &http.Server{
		Handler: handler, ReadHeaderTimeout: apiHeaderTimeout, ReadTimeout: apiReadTimeout, WriteTimeout: apiWriteTimeout,
		IdleTimeout: apiIdleTimeout, MaxHeaderBytes: apiMaxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if cfg.TLSCert != "" {
		certificate := &reloaded{cert: cfg.TLSCert, key: cfg.TLSKey}
		if _, err := certificate.get(nil); err != nil {
			return err
		}
		n.rest.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
	}
	if n.restListener, err = listenAPI(cfg.Listen, apiMaxConns); err != nil {
		return fmt.Errorf("api.listen: %w", err)
	}
	return nil
}

// listenAPI listens for so many connections at a time.
func listenAPI(address string, conns int) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(l, conns), nil
}

// serveAPI serves the REST APIs until ctx ends, and then lets requests that run finish.
func (n *Node) serveAPI(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		if n.rest.TLSConfig != nil {
			ended <- n.rest.ServeTLS(n.restListener, "", "")
			return
		}
		ended <- n.rest.Serve(n.restListener)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiStopTimeout)
	defer cancel()
	if err := n.rest.Shutdown(stop); err != nil {
		_ = n.rest.Close() // those that take too long, such as who waits for changes
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// APIAddr is where the REST APIs listen, nil if they are off.
func (n *Node) APIAddr() net.Addr {
	if n.restListener == nil {
		return nil
	}
	return n.restListener.Addr()
}

// restHandler is all REST APIs behind one port. Each has a path of its own, and is found by
// the paths of its calls at the root too: a client that does not authenticate has one
// address for all.
func (n *Node) restHandler() (http.Handler, error) {
	cfg := n.cfg.API
	log := n.cfg.Logger
	catalog := keystone.Catalog{PublicURL: cfg.PublicURL, Region: cfg.Region}
	below := func(path string) string {
		if cfg.PublicURL == "" {
			return ""
		}
		return strings.TrimRight(cfg.PublicURL, "/") + path
	}
	back := restAPI{backend{n}}
	identity := keystone.New(keystone.Config{
		Backend: back, Key: n.key, Catalog: catalog, Lifetime: time.Duration(cfg.TokenLifetime), Open: cfg.Auth == AuthNone,
		Passwords: n.passwords, Log: log.With(logkey.Component, "keystone"),
	})
	guard := keystone.Guard{Catalog: catalog, Log: log.With(logkey.Component, "api")}
	switch cfg.Auth {
	case AuthKeystone:
		guard.Auth = identity
	case AuthExternal:
		remote, err := cfg.Keystone.remote()
		if err != nil {
			return nil, err
		}
		guard.Auth, guard.URL = remote, cfg.Keystone.URL
	}
	network := neutron.New(neutron.Config{Backend: back, BaseURI: below(keystone.NetworkPath), Log: log.With(logkey.Component, "neutron")})
	secrets := barbican.New(barbican.Config{Backend: back, Sealer: n.key, BaseURI: below(keystone.KeyManagerPath), Log: log.With(logkey.Component, "barbican")})
	balancers := octavia.New(octavia.Config{Backend: octaviaAPI{back}, BaseURI: below(""), Log: log.With(logkey.Component, "octavia")})

	guarded := http.NewServeMux()
	guarded.Handle("/", balancers)
	mount(guarded, keystone.NetworkPath, network, neutron.Paths)
	mount(guarded, keystone.KeyManagerPath, secrets, barbican.Paths)
	all := http.NewServeMux()
	all.Handle("/", guard.Wrap(guarded))
	if cfg.Auth != AuthExternal { // whose clients get their tokens there
		mount(all, keystone.IdentityPath, identity, keystone.Paths)
	}
	if cfg.Auth == AuthNone {
		return keystone.Local(cfg.PublicURL, all), nil
	}
	return all, nil
}

// mount serves an API below a path, and its calls at the root.
func mount(mux *http.ServeMux, path string, api http.Handler, calls []string) {
	mux.Handle(path, http.StripPrefix(path, api))
	mux.Handle(path+"/", http.StripPrefix(path, api))
	for _, call := range calls {
		mux.Handle(call, api)
		mux.Handle(call+"/", api)
	}
}

func (k KeystoneConfig) remote() (access.Authenticator, error) {
	password, err := readPrivate(k.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("api.keystone.password_file: %w", err)
	}
	return keystone.NewRemote(keystone.External{
		URL: k.URL, User: k.User, UserDomain: k.UserDomain, Project: k.Project, ProjectDomain: k.ProjectDomain,
		Password: password, CAFile: k.CAFile,
	})
}

// readPrivate reads a line from a file that only its owner may read.
func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("others may read it; run: chmod 600 " + path)}
	}
	text, err := os.ReadFile(path)
	return string(bytes.TrimSpace(text)), err
}
