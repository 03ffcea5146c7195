package tlsx

import (
	"crypto/tls"
	"slices"
	"strings"
)

// suite is a cipher suite of TLS 1.0 - 1.2 that is served, with the words that OpenSSL
// selects it by (openssl-ciphers(1)).
type suite struct {
	id    uint16
	name  string // OpenSSL's
	words []string
}

// suites are all of crypto/tls but those with RC4 and 3DES, which the OpenSSL of
// current distributions does not have either.
var suites = []suite{
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA", "AES128", "AESGCM"),
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDSA", "AES256", "AESGCM"),
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDSA", "CHACHA20", "AEAD"),
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", "ECDSA", "AES128", "SHA256"),
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", "ECDSA", "AES128", "SHA1"),
	ecdhe(tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", "ECDSA", "AES256", "SHA1"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", "aRSA", "AES128", "AESGCM"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", "aRSA", "AES256", "AESGCM"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", "aRSA", "CHACHA20", "AEAD"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", "aRSA", "AES128", "SHA256"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", "aRSA", "AES128", "SHA1"),
	ecdhe(tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", "aRSA", "AES256", "SHA1"),
	kRSA(tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", "AES128", "AESGCM"),
	kRSA(tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", "AES256", "AESGCM"),
	kRSA(tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", "AES128", "SHA256"),
	kRSA(tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", "AES128", "SHA1"),
	kRSA(tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", "AES256", "SHA1"),
}

func ecdhe(id uint16, name, auth, cipher, mac string) suite {
	words := []string{"kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH", auth, cipher, mac}
	if auth == "ECDSA" {
		words = append(words, "aECDSA")
	}
	return suite{id, name, more(words, "TLSv1")}
}

func kRSA(id uint16, name, cipher, mac string) suite {
	return suite{id, name, more([]string{"kRSA", "RSA", "aRSA", cipher, mac}, "SSLv3")}
}

// more adds the words that follow from others. since is the version that a suite with
// SHA-1 came with.
func more(words []string, since string) []string {
	words = append(words, "ALL", "HIGH", "DEFAULT")
	switch {
	case slices.Contains(words, "SHA1"):
		words = append(words, "SHA", since)
		if since == "TLSv1" {
			words = append(words, "TLSv1.0")
		}
	default:
		words = append(words, "TLSv1.2")
	}
	if !slices.Contains(words, "CHACHA20") {
		words = append(words, "AES")
	}
	return words
}

// words13 are the suites of TLS 1.3. All three are always on: crypto/tls has no choice
// there, and OpenSSL keeps them in another list than the one that Octavia fills.
var words13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// absent are words that OpenSSL knows and that no suite here has: leaving them out, or
// asking for them besides others, is not worth a word.
var absent = []string{
	"COMPLEMENTOFDEFAULT", "COMPLEMENTOFALL", "MEDIUM", "LOW", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "eNULL", "NULL", "aNULL", "kDHE", "kEDH",
	"DHE", "EDH", "DH", "kDH", "kDHr", "kDHd", "aDH", "ADH", "AECDH", "aDSS", "DSS", "PSK", "kPSK", "aPSK", "kECDHEPSK", "kDHEPSK", "kRSAPSK",
	"SRP", "kSRP", "aSRP", "3DES", "DES", "RC4", "RC2", "IDEA", "SEED", "CAMELLIA", "CAMELLIA128", "CAMELLIA256", "ARIA", "ARIA128", "ARIA256",
	"ARIAGCM", "AESCCM", "AESCCM8", "GOST94", "GOST89MAC", "aGOST", "aGOST01", "kGOST", "MD5", "SHA384", "kECDH", "kECDHr", "kECDHe", "aECDH",
	"CBC", "SUITEB128", "SUITEB192", "FIPS",
}

// Ciphers reads a cipher list in OpenSSL's notation (openssl-ciphers(1)) and returns the
// suites of TLS 1.0 - 1.2 that it leaves, in no order: crypto/tls prefers by itself what
// is safe and fast. unknown are the names in it that mean nothing here, such as suites
// with finite-field Diffie-Hellman; OpenSSL ignores what it does not know as well.
func Ciphers(list string) (ids []uint16, unknown []string) {
	on, killed := map[uint16]bool{}, map[uint16]bool{}
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		op := word[0]
		switch op {
		case '@':
			continue // order and security level
		case '!', '-', '+':
			word = word[1:]
		}
		found, known := matching(word)
		if !known && op != '!' && op != '-' {
			unknown = append(unknown, word)
		}
		for _, id := range found {
			switch op {
			case '!':
				killed[id] = true
				on[id] = false
			case '-':
				on[id] = false
			case '+': // order only
			default:
				on[id] = !killed[id]
			}
		}
	}
	for _, s := range suites {
		if on[s.id] {
			ids = append(ids, s.id)
		}
	}
	return ids, unknown
}

// matching returns the suites that have every word of a+b+c, or that name.
func matching(term string) (ids []uint16, known bool) {
	words := strings.Split(term, "+")
	known = len(words) == 1 && slices.Contains(words13, term)
	for _, s := range suites {
		all := true
		for _, w := range words {
			all = all && (w == s.name || slices.Contains(s.words, w))
		}
		if all {
			ids = append(ids, s.id)
		}
	}
	for _, w := range words {
		known = known || slices.Contains(absent, w)
	}
	return ids, known || len(ids) > 0
}
