package tlsx

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// shortNames are OpenSSL's names of the usual attributes (RFC 4519, RFC 5280 appendix A).
var shortNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "GN", "2.5.4.43": "initials",
	"2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1": "emailAddress",
}

// attribute is one part of a distinguished name.
type attribute struct{ name, value string }

// attributes reads a distinguished name (RawSubject, RawIssuer of a certificate) in its
// order. A name that cannot be read has none.
func attributes(raw []byte) []attribute {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 {
		return nil
	}
	var all []attribute
	for _, set := range sequence {
		for _, a := range set {
			name := a.Type.String()
			if short, ok := shortNames[name]; ok {
				name = short
			}
			all = append(all, attribute{name, fmt.Sprint(a.Value)})
		}
	}
	return all
}

// DN writes a distinguished name, given in DER, in one line, as HAProxy does:
// /C=DE/O=Example/CN=client. Slashes in values stand as they are; it is for people, and
// for members that expect it.
func DN(raw []byte) string {
	var b strings.Builder
	for _, a := range attributes(raw) {
		b.WriteString("/" + a.name + "=" + a.value)
	}
	return b.String()
}

// DNField returns the first value of the attribute with that short name, whatever its
// case, of a distinguished name in DER.
func DNField(raw []byte, name string) (value string, ok bool) {
	for _, a := range attributes(raw) {
		if strings.EqualFold(a.name, name) {
			return a.value, true
		}
	}
	return "", false
}
