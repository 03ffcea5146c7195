package lb

import (
	"regexp"
	"slices"
	"strings"
)

// defaultCiphers is OWASP's suite B, Octavia's default.
const defaultCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:" +
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:" +
	"DHE-RSA-CHACHA20-POLY1305"

const maxCiphers = 2048 // characters

var (
	cipherChars = regexp.MustCompile(`^[A-Za-z0-9\-+!:@=_.]+$`)
	tlsVersions = []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
	alpnValues  = []string{"h2", "http/1.1", "http/1.0"}
	defaultTLS  = []string{"TLSv1.2", "TLSv1.3"}
)

// defaultTLSParams are those of a listener or pool that speaks TLS. The slices are
// shared by all.
var defaultTLSParams = TLSParams{Ciphers: defaultCiphers, Versions: defaultTLS, ALPN: alpnValues}

// fill gives p its values. def is what stands for those that are null, or absent when
// p has none.
func (s TLSParamsSpec) fill(c *checker, p *TLSParams, def TLSParams) {
	if p.Ciphers == "" {
		p.Ciphers = def.Ciphers
	}
	if p.Versions == nil {
		p.Versions = def.Versions
	}
	if p.ALPN == nil {
		p.ALPN = def.ALPN
	}
	optional(&p.Ciphers, s.Ciphers, def.Ciphers)
	optional(&p.Versions, s.Versions, def.Versions)
	optional(&p.ALPN, s.ALPN, def.ALPN)
	if given(s.Ciphers) {
		c.text("tls_ciphers", p.Ciphers, maxCiphers)
		if !cipherChars.MatchString(p.Ciphers) {
			c.failure("tls_ciphers", "Invalid characters in cipher string. Only alphanumeric, -, +, !, :, @, =, _, and . are allowed.")
		}
	}
	if given(s.Versions) {
		c.choices("tls_versions", p.Versions, tlsVersions,
			"Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.",
			"Invalid TLS versions: ")
	}
	if given(s.ALPN) {
		c.choices("alpn_protocols", p.ALPN, alpnValues,
			"Empty ALPN protocol list. Either specify at least one ALPN protocol or remove this parameter to use the default.",
			"Invalid ALPN protocol: ")
	}
}

// choices checks a list: one entry at least, and only such as are allowed.
func (c *checker) choices(field string, list, allowed []string, empty, unknown string) {
	if len(list) == 0 {
		c.failure(field, "%s", empty)
		return
	}
	var bad []string
	for _, v := range list {
		if !slices.Contains(allowed, v) {
			bad = append(bad, v)
		}
	}
	if bad != nil {
		c.failure(field, "%s", unknown+strings.Join(bad, ", "))
	}
}

// ref gives dst a reference to a secret; null and "" are none. Whether it leads
// anywhere is for the edge to find out: secrets may be kept by another service.
func (c *checker) ref(field string, dst *string, o Opt[string]) {
	optional(dst, o, "")
	c.text(field, *dst, maxText)
}
