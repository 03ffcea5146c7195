package tlsx

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

var versionNames = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

// params is a TLSParams in the terms of crypto/tls.
type params struct {
	versions []uint16 // ascending; not empty
	suites   []uint16 // of TLS 1.0 - 1.2
	alpn     []string
}

// read takes p apart. protocols are those that the caller speaks: only they are
// negotiated.
func read(p lb.TLSParams, protocols []string) (params, error) {
	var out params
	var refused []string
	for _, name := range p.Versions {
		if v, ok := versionNames[name]; ok {
			out.versions = append(out.versions, v)
		} else {
			refused = append(refused, name)
		}
	}
	slices.Sort(out.versions)
	out.versions = slices.Compact(out.versions)
	if len(out.versions) == 0 {
		if len(p.Versions) > 0 {
			return params{}, fmt.Errorf("tls_versions: %s is not served, add TLSv1.2 or TLSv1.3", strings.Join(refused, ", "))
		}
		out.versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}
	}
	var unknown []string
	if p.Ciphers == "" {
		p.Ciphers = "ECDHE+AEAD:ECDHE+AESGCM"
	}
	if out.suites, unknown = Ciphers(p.Ciphers); len(out.suites) == 0 {
		if out.versions[len(out.versions)-1] < tls.VersionTLS13 {
			return params{}, fmt.Errorf("tls_ciphers: no suite is left for %s: %s", strings.Join(p.Versions, ", "), why(unknown))
		}
		out.versions = []uint16{tls.VersionTLS13} // whose suites are another list
	}
	for _, name := range p.ALPN {
		if slices.Contains(protocols, name) {
			out.alpn = append(out.alpn, name)
		}
	}
	if len(protocols) > 0 && len(p.ALPN) > 0 && len(out.alpn) == 0 {
		return params{}, fmt.Errorf("alpn_protocols: %s is not served, add http/1.1", strings.Join(p.ALPN, ", "))
	}
	return out, nil
}

func why(unknown []string) string {
	if len(unknown) == 0 {
		return "the list excludes all, name suites such as ECDHE-RSA-AES128-GCM-SHA256"
	}
	return strings.Join(unknown, ", ") + " is not served, name suites such as ECDHE-RSA-AES128-GCM-SHA256"
}

// apply writes p to cfg.
func (p params) apply(cfg *tls.Config) {
	cfg.MinVersion, cfg.MaxVersion = p.versions[0], p.versions[len(p.versions)-1]
	cfg.CipherSuites, cfg.NextProtos = p.suites, p.alpn
	// Small records first would help a browser that renders as it receives, and cost
	// many calls for every response: HAProxy does not do it either.
	cfg.DynamicRecordSizingDisabled = true
}

// gap reports whether a version between others is left out.
func (p params) gap() bool {
	return int(p.versions[len(p.versions)-1]-p.versions[0])+1 != len(p.versions)
}

// pick is the newest version that both sides have. crypto/tls only knows a lowest and a
// highest one.
func (p params) pick(theirs []uint16) (uint16, error) {
	for _, v := range slices.Backward(p.versions) {
		if slices.Contains(theirs, v) {
			return v, nil
		}
	}
	return 0, errVersion
}

var errVersion = errors.New("the client has no version of TLS that the listener allows")
