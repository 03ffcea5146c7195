// Package proxyproto writes and reads the header of the PROXY protocol, versions 1 and
// 2 (haproxy.org/download/2.8/doc/proxy-protocol.txt), which tells a server behind a
// proxy who the client is. It is given bytes and returns bytes: it never reads from a
// connection, and it never decides whose header is believed.
package proxyproto
