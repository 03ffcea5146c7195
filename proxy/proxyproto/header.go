package proxyproto

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Header is what a proxy says of a connection.
type Header struct {
	// Local: the connection is one of the proxy's own, such as a health check, or it
	// does not say whose (UNKNOWN, LOCAL, an address family without IP). The rest is
	// empty then, and the connection's own addresses count.
	Local  bool
	Source netip.AddrPort // of the client
	Dest   netip.AddrPort // that the client connected to
	TLS    *TLS           // nil: the client spoke no TLS, or version 1
}

// TLS is what a proxy says of the TLS that it has terminated (section 2.2.6).
type TLS struct {
	Version      string // such as "TLSv1.3"
	Certificate  bool   // the client has shown a certificate in this session
	OnConnection bool   // and on this very connection: the session was not resumed
	Verified     bool   // and it was verified
	CommonName   string // of the certificate's subject; ""
}

// MaxLen is how long a header that Parse takes may be. Those of version 1 have 107 bytes
// at most; those of version 2 could have 64 KiB, but what is known of TLVs needs less.
const MaxLen = 4096

// Parse reads the header at the start of b and returns its length. It is 0 as long as
// the header may be all right but is not all there. TLVs that it does not know are
// skipped. The error is final; the connection should be closed, for what follows can
// have any meaning.
func Parse(b []byte) (n int, h Header, err error) {
	switch {
	case hasPrefix(b, signature):
		return parseV2(b)
	case hasPrefix(b, "PROXY "):
		return parseV1(b)
	default:
		return 0, Header{}, errNone
	}
}

// hasPrefix reports whether b begins with prefix as far as it goes.
func hasPrefix(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

// Error says what is wrong with a header.
type Error struct{ Reason string }

func (e *Error) Error() string { return "PROXY protocol: " + e.Reason }

var errNone = &Error{"the connection does not begin with a header"}

func bad(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// normal is h with addresses that both versions can write: without zones and
// v4-mapped IPv6, and of one family. ok is false if version 1 cannot write them.
func (h Header) normal() (src, dst netip.AddrPort, ok bool) {
	src, dst = unmapped(h.Source), unmapped(h.Dest)
	if h.Local || !src.IsValid() || !dst.IsValid() {
		return src, dst, false
	}
	return src, dst, src.Addr().Is4() == dst.Addr().Is4()
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// line returns b up to its CRLF; n is 0 if that is not there.
func line(b []byte) (text []byte, n int) {
	i := bytes.Index(b, []byte("\r\n"))
	if i < 0 {
		return nil, 0
	}
	return b[:i], i + 2
}
