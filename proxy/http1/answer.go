package http1

// Continue is the interim response to Expect: 100-continue when the proxy itself answers it.
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// Answer returns a complete response of our own for status: 400, 408, 413, 414, 417, 431, 500, 501, 502, 503, 504 or 505 (any other
// gets 500). head leaves the body out (answer to HEAD); keepAlive announces that the connection stays open. The bytes are shared by all callers
// and must not be changed.
func Answer(status int, keepAlive, head bool) []byte { return nil }
