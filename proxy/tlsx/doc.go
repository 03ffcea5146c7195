// Package tlsx turns what listeners and pools say about TLS into configurations of
// crypto/tls: versions, cipher suites, certificates by server name, client
// certificates with their revocation lists, session tickets that every amphora
// accepts, and stapled OCSP responses.
//
// It owns no connection and no listener. It must never read a secret by itself: it
// is given certificates and keys, and writes none of them to a log or into an error.
package tlsx
