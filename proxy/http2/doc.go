// Package http2 is the HTTP/2 codec of the proxy (RFC 9113, RFC 7541, RFC 8441): bytes of a connection in, requests, responses and bytes
// of a connection out. It says every message to the rest of the proxy as an HTTP/1.1 head and a body without framing, so that one
// exchange, with its rules, serves both versions.
//
// It owns frames, header compression, the states and windows of streams, and the account of what a peer costs: both ends of a
// connection, the one that serves ([Server]) and the one that asks ([Client]). It is strict: what RFC 9113 calls malformed never becomes
// a head.
//
// It must never touch a socket, a clock or a goroutine, judge what package http1 judges (targets, authorities, limits of a head), or
// keep a buffer for a connection that is idle. A [Conn] belongs to whoever holds the lock of its driver.
package http2
