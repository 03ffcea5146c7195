// Package http1 is the HTTP/1.1 codec of the proxy (RFC 9110, RFC 9112): bytes in, parsed parts and normalised bytes out.
//
// It owns the syntax and framing of messages: what is accepted from a client or a member, where a message ends, and how its head is
// written again for the next hop. It is strict on input and writes heads from parsed parts, so that both sides of the proxy see one
// message in one way; what was not understood is not forwarded.
//
// It must never touch a socket, a clock or a goroutine, choose a member, or allocate for an ordinary message: the driver brings buffers
// and decides when to read, write and close. Values are reused from message to message; parsed parts are slices of the driver's buffer.
package http1
