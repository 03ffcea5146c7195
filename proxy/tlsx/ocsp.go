package tlsx

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/amphora-lb/amphora/internal/logkey"
)

const (
	ocspTimeout  = 10 * time.Second
	ocspLimit    = 64 << 10 // bytes of a response
	ocspRetry    = time.Minute
	ocspMaxWait  = time.Hour        // between two attempts while there is no response
	ocspAge      = 12 * time.Hour   // of a response that does not say when the next one comes
	ocspParallel = 8                // responders asked at the same time
	ocspSkew     = 5 * time.Minute  // by which a responder's clock may be ahead
	ocspTick     = 10 * time.Second // how exactly times are kept
)

// StaplerConfig configures a [Stapler]. All fields may be left out.
type StaplerConfig struct {
	// Client asks the responders. nil: one that follows no redirects and goes to no
	// address of this host or its links: the URL is in a certificate that somebody stored.
	Client *http.Client
	Logger *slog.Logger
	Now    func() time.Time
}

// Stapler fetches OCSP responses (RFC 6960) for certificates that name a responder and
// come with their issuer, and keeps them fresh. A handshake never waits for it: it shows
// the response that there is, or none.
type Stapler struct {
	cfg  StaplerConfig
	wake chan struct{} // holds one signal: there are others to watch

	mu      sync.Mutex
	watched map[*Certificate]*staple // guarded by mu
}

// staple is what is known about the response for one certificate. It belongs to Run.
type staple struct {
	due     time.Time // to be fetched
	expires time.Time // of the response that is shown; zero: none is
	wait    time.Duration
}

// NewStapler returns a Stapler that watches nothing. It starts nothing.
func NewStapler(cfg StaplerConfig) *Stapler {
	if cfg.Client == nil {
		cfg.Client = outsideClient()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Stapler{cfg: cfg, wake: make(chan struct{}, 1), watched: map[*Certificate]*staple{}}
}

// Watch makes all the certificates to be stapled, in place of those before. It does not
// block and may be called at any time.
func (s *Stapler) Watch(all []*Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[*Certificate]*staple{}
	for _, c := range all {
		if len(c.Leaf().OCSPServer) == 0 || c.issuer == nil {
			continue
		}
		if next[c] = s.watched[c]; next[c] == nil {
			next[c] = &staple{}
		}
	}
	s.watched = next
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run fetches until ctx ends, and returns nil then.
func (s *Stapler) Run(ctx context.Context) error {
	tick := time.NewTicker(ocspTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-tick.C:
		}
		s.round(ctx)
	}
}

// round fetches what is due and takes down what is out of date.
func (s *Stapler) round(ctx context.Context) {
	now := s.cfg.Now()
	s.mu.Lock()
	due := map[*Certificate]*staple{}
	for c, st := range s.watched {
		if !st.expires.IsZero() && !now.Before(st.expires) {
			st.expires = time.Time{}
			c.show(nil)
		}
		if !now.Before(st.due) {
			due[c] = st
		}
	}
	s.mu.Unlock()
	slots := make(chan struct{}, ocspParallel)
	var fetching sync.WaitGroup
	for c, st := range due {
		slots <- struct{}{}
		fetching.Go(func() {
			defer func() { <-slots }()
			s.renew(ctx, c, st)
		})
	}
	fetching.Wait()
}

// renew fetches a response for c. If that fails the one before stays until it is out of
// date.
func (s *Stapler) renew(ctx context.Context, c *Certificate, st *staple) {
	raw, answer, err := s.fetch(ctx, c)
	now := s.cfg.Now()
	if err != nil {
		st.wait = min(max(2*st.wait, ocspRetry), ocspMaxWait)
		st.due = now.Add(st.wait)
		if ctx.Err() == nil {
			s.cfg.Logger.Warn("no OCSP response for a certificate, will ask again", "certificate", c.Leaf().Subject.CommonName,
				"responder", c.Leaf().OCSPServer[0], logkey.Err, err)
		}
		return
	}
	st.wait = 0
	st.expires = answer.NextUpdate
	if st.expires.IsZero() {
		st.expires = now.Add(ocspAge)
	}
	st.due = now.Add(st.expires.Sub(now) / 2)
	c.show(raw)
}

// fetch asks the responder, and refuses everything but a valid response that says good.
func (s *Stapler) fetch(ctx context.Context, c *Certificate) ([]byte, *ocsp.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, ocspTimeout)
	defer cancel()
	leaf := c.Leaf()
	question, err := ocsp.CreateRequest(leaf, c.issuer, nil)
	if err != nil {
		return nil, nil, err
	}
	url := leaf.OCSPServer[0]
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, nil, errors.New("the responder's URL is not of http or https")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	req.Header.Set("Accept", "application/ocsp-response")
	resp, err := s.cfg.Client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, ocspLimit))
	switch {
	case err != nil:
		return nil, nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("the responder answers with status %d", resp.StatusCode)
	}
	answer, err := ocsp.ParseResponseForCert(raw, leaf, c.issuer)
	if err != nil {
		return nil, nil, err
	}
	now := s.cfg.Now()
	switch {
	case answer.Status == ocsp.Revoked:
		return nil, nil, errors.New("the certificate is revoked")
	case answer.Status != ocsp.Good:
		return nil, nil, errors.New("the responder does not know the certificate")
	case answer.ThisUpdate.After(now.Add(ocspSkew)), !answer.NextUpdate.IsZero() && !answer.NextUpdate.After(now):
		return nil, nil, errors.New("the response is out of date, or ahead of its time")
	}
	return raw, answer, nil
}

// show makes raw the response that goes with c, nil for none.
func (c *Certificate) show(raw []byte) {
	old := c.shown.Load()
	c.shown.Store(&tls.Certificate{
		Certificate: old.Certificate, PrivateKey: old.PrivateKey, Leaf: old.Leaf, OCSPStaple: raw,
		SupportedSignatureAlgorithms: old.SupportedSignatureAlgorithms, SignedCertificateTimestamps: old.SignedCertificateTimestamps,
	})
}

// outsideClient goes to other hosts only.
func outsideClient() *http.Client {
	dialer := &net.Dialer{Timeout: ocspTimeout, Control: func(_, addr string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(addr)
		if err != nil {
			return err
		}
		if ip := at.Addr().Unmap(); ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Errorf("%s is no address of a responder", ip)
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: ocspTimeout, MaxResponseHeaderBytes: ocspLimit},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       ocspTimeout,
	}
}
