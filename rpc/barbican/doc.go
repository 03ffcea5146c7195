// Package barbican serves the part of OpenStack's Key Manager API v1 that clients use to
// store the certificates and keys of a load balancer: secrets, and containers of secrets.
//
// A payload is sealed before it is proposed and opened when it is asked for: it must
// never be in a log or in a message.
package barbican
