package proxy

import (
	"crypto/sha1" //nolint:gosec // a fingerprint that members expect, not a proof
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// certHeaders are the request headers about the client's certificate that a listener
// may insert, with their values as in Octavia's HAProxy. c is nil if the client showed none.
// Who shows one that does not verify gets no connection; so Verify is always 0.
var certHeaders = [...]struct {
	name  string
	value func(c *x509.Certificate) string
}{
	{"X-SSL-Client-Verify", func(*x509.Certificate) string { return "0" }},
	{"X-SSL-Client-Has-Cert", func(c *x509.Certificate) string {
		if c == nil {
			return "0"
		}
		return "1"
	}},
	{"X-SSL-Client-DN", quoted(func(c *x509.Certificate) string { return tlsx.DN(c.RawSubject) })},
	{"X-SSL-Client-CN", quoted(func(c *x509.Certificate) string { name, _ := tlsx.DNField(c.RawSubject, "CN"); return name })},
	{"X-SSL-Issuer", quoted(func(c *x509.Certificate) string { return tlsx.DN(c.RawIssuer) })},
	{"X-SSL-Client-SHA1", quoted(func(c *x509.Certificate) string {
		sum := sha1.Sum(c.Raw) //nolint:gosec // see above
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	})},
	{"X-SSL-Client-Not-Before", quoted(func(c *x509.Certificate) string { return c.NotBefore.UTC().Format(asn1Time) })},
	{"X-SSL-Client-Not-After", quoted(func(c *x509.Certificate) string { return c.NotAfter.UTC().Format(asn1Time) })},
}

// asn1Time is UTCTime (X.680 section 47).
const asn1Time = "060102150405Z"

// quoted makes a value that is empty without a certificate, in double quotes. Whoever
// signed the certificate chose the text: nothing in it may end the line or the quotes.
func quoted(value func(c *x509.Certificate) string) func(c *x509.Certificate) string {
	return func(c *x509.Certificate) string {
		if c == nil {
			return `""`
		}
		const digits = "0123456789ABCDEF"
		out := []byte{'"'}
		for _, b := range []byte(value(c)) {
			if b < ' ' || b > '~' || b == '"' || b == '\\' {
				out = append(out, '\\', 'x', digits[b>>4], digits[b&15])
			} else {
				out = append(out, b)
			}
		}
		return string(append(out, '"'))
	}
}

// certFields is a set of certHeaders, a bit for each.
type certFields uint8

func certFieldsOf(h lb.InsertHeaders) certFields {
	var set certFields
	for i := range certHeaders {
		if strings.EqualFold(h.Given[certHeaders[i].name], "true") {
			set |= 1 << i
		}
	}
	return set
}

// certificateLines are the header lines of that set for this session, which keeps them:
// all its requests have the same.
func (x *session) certificateLines(set certFields) []byte {
	if x.certSet != set {
		x.certSet, x.certLines = set, nil
		for i := range certHeaders {
			if set&(1<<i) != 0 {
				h := &certHeaders[i]
				x.certLines = slices.Concat(x.certLines, []byte(h.name+": "+h.value(x.tls.client)+"\r\n"))
			}
		}
	}
	return x.certLines
}

// hstsLine is the header of RFC 6797 as Octavia's HAProxy writes it; nil: none.
func hstsLine(h lb.HSTS) []byte {
	if h.MaxAge == nil {
		return nil
	}
	line := fmt.Sprintf("Strict-Transport-Security: max-age=%d;", *h.MaxAge)
	if h.IncludeSubdomains {
		line += " includeSubDomains;"
	}
	if h.Preload {
		line += " preload;"
	}
	return []byte(line + "\r\n")
}
