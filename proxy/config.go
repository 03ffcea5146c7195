package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/proxy/flowlog"
	"github.com/amphora-lb/amphora/proxy/sticky"
)

// Config configures an [Engine]. The zero value serves on the VIPs with the
// defaults below.
type Config struct {
	Logger *slog.Logger // nil: discard

	// Bind is where every listener listens instead of its VIP, so that one host
	// without VIPs can serve for development. Two load balancers that use the
	// same port are then in each other's way. The zero Addr: the VIPs.
	Bind netip.Addr

	// Secrets finds certificates and keys. nil: listeners and pools that need some are in
	// error.
	Secrets Secrets
	// TicketKey gives the key of TLS session tickets for an epoch, which is a time of
	// [tlsx.TicketEpoch] counted since 1970. Amphorae with the same keys resume each other's
	// sessions. It must be safe for concurrent use. nil: random keys of this Engine's own.
	TicketKey func(epoch uint64) [32]byte

	// TrustedProxies are the networks of proxies in front that begin every connection
	// with a PROXY protocol header, version 1 or 2. What it says of the client counts
	// everywhere: for allowed_cidrs, X-Forwarded-For, SOURCE_IP, logs and members. A
	// connection from there without a header is closed: to guess would let a client of
	// the proxy forge one.
	TrustedProxies []netip.Prefix
	// OCSP asks the responders that certificates name. nil: a client that goes to no address
	// of this host.
	OCSP *http.Client

	// Logs get a record of every request, and of every TCP connection, when it has
	// ended. The Engine runs them. None: nothing is recorded, at no cost.
	Logs []*flowlog.Log

	// HeadTimeout is how long a client may take from the first byte of a request
	// to the end of its head, however steadily it sends. 0: 15 s.
	HeadTimeout time.Duration
	// HandshakeTimeout is how long a client may take for its TLS handshake. 0: 15 s.
	HandshakeTimeout time.Duration
	// RetryPause is the wait before the same member is tried again, when no other
	// is left. 0: 1 s, as in HAProxy.
	RetryPause time.Duration
	// IdlePerMember bounds the idle connections kept to each member. 0: 1024.
	IdlePerMember int
	// MemberIdleTimeout is how long an idle member connection is kept. It should
	// be shorter than the members' own keep-alive timeout, so that they rarely
	// close first. 0: 4 s.
	MemberIdleTimeout time.Duration
	// Remembered is how many clients are remembered of each pool that has a session
	// persistence of SOURCE_IP or APP_COOKIE. 0: 65536.
	Remembered int
	// ExtraStreams is how many requests may be under way beyond the first of each HTTP/2
	// connection, of all clients together. The first ones are bounded by the connection limits
	// of listeners, like requests of HTTP/1.1; each takes 50 to 70 KB. What is beyond is
	// refused in a way that lets the client send it again. 0: 16384.
	ExtraStreams int
	// MaxRequests is how many requests a client connection may carry; the last
	// answer says "Connection: close". 0: no limit.
	MaxRequests int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Secrets == nil {
		c.Secrets = noSecrets{}
	}
	c.HeadTimeout = orDefault(c.HeadTimeout, 15*time.Second)
	c.HandshakeTimeout = orDefault(c.HandshakeTimeout, 15*time.Second)
	c.RetryPause = orDefault(c.RetryPause, time.Second)
	c.IdlePerMember = orDefault(c.IdlePerMember, 1024)
	c.MemberIdleTimeout = orDefault(c.MemberIdleTimeout, 4*time.Second)
	c.Remembered = orDefault(c.Remembered, sticky.DefaultSize)
	c.ExtraStreams = orDefault(c.ExtraStreams, 16<<10)
	return c
}

func orDefault[T ~int | ~int64](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Validate reports everything that is wrong with the Config.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"HeadTimeout", int64(c.HeadTimeout)},
		{"HandshakeTimeout", int64(c.HandshakeTimeout)},
		{"RetryPause", int64(c.RetryPause)},
		{"IdlePerMember", int64(c.IdlePerMember)},
		{"MemberIdleTimeout", int64(c.MemberIdleTimeout)},
		{"Remembered", int64(c.Remembered)},
		{"ExtraStreams", int64(c.ExtraStreams)},
		{"MaxRequests", int64(c.MaxRequests)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("validate proxy config: %s is negative, use 0 for the default", f.name))
		}
	}
	return errors.Join(errs...)
}

// attempts is how many connections are tried for one request or TCP client: one,
// and three retries, as in Octavia's HAProxy ("retries 3").
const attempts = 4
