// Package certs finds what a TLS reference names, a certificate with its key, a CA or a
// revocation list, and checks it as Octavia does. A reference is the URL of a secret or
// of a container of secrets, or only its id; it leads to the configuration of this
// cluster, or to a Barbican elsewhere.
//
// It must never write a key to a log or into an error.
package certs
