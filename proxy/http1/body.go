package http1

import "errors"

// ErrTruncated means that the sender ended before the body did. The part already passed on must be ended by an abort, never cleanly.
var ErrTruncated = errors.New("body ended early")

// Body finds payload and end of one body in a stream of bytes. It is reused by Reset and does not allocate unless a trailer section
// arrives. One goroutine at a time.
type Body struct {
	framing Framing
}

// Reset starts a body with that framing; length counts only for Length.
func (b *Body) Reset(f Framing, length int64, lim Limits) {}

// Next takes bytes from the start of src: it returns the payload found, a slice of src, and the number of bytes consumed, framing
// included. It consumes all of src unless a piece of payload is returned before its end or the body ends in it; call it until src is
// used up or Done. The error is an *Error with status 400 or 431.
func (b *Body) Next(src []byte) (data []byte, n int, err error) { return nil, 0, nil }

// Done reports that the whole body was consumed, trailer section included. An UntilClose body is never done; see End.
func (b *Body) Done() bool { return false }

// End tells the body that its sender closed: it returns nil if the body was complete or lasts UntilClose, else ErrTruncated.
func (b *Body) End() error { return nil }

// Remaining returns the payload bytes still to come of a Length body, or of the current chunk; the driver may move that many bytes
// from socket to socket unseen and then call Skip. It is 0 between chunks and for UntilClose.
func (b *Body) Remaining() int64 { return 0 }

// Skip accounts for n payload bytes, n <= Remaining, that were moved without passing through Next.
func (b *Body) Skip(n int64) {}

// Trailer returns the trailer section after Done, ready for AppendLastChunk: normalised lines, without fields that must not be in
// a trailer section (RFC 9110 section 6.5.1). It is valid until Reset.
func (b *Body) Trailer() []byte { return nil }
