package http1

// Framing says how the end of a body is found (RFC 9112 section 6).
type Framing uint8

// The ways in which a body ends.
const (
	NoBody     Framing = iota // there is no body
	Length                    // after a number of bytes known in advance
	Chunked                   // with the last chunk and its trailer section
	UntilClose                // when the sender closes; responses only
)
