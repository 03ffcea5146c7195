package http1

import (
	"bytes"
	"errors"
	"math"
)

// ErrTruncated means that the sender ended before the body did. The part already passed on must be ended by an abort, never cleanly.
var ErrTruncated = errors.New("body ended early")

// Body finds payload and end of one body in a stream of bytes. It is reused by Reset and does not allocate unless a trailer section
// arrives. One goroutine at a time.
type Body struct {
	state    bodyState
	left     int64 // payload bytes to come: of the body, or of the chunk
	digits   int   // of the chunk size so far
	line     int   // bytes of the size line so far
	overhead int64 // size lines less what their data excuses
	lim      Limits
	err      *Error

	fieldLine []byte // the start of a trailer line that is not whole yet
	trailer   []byte // normalised trailer lines
	fields    int    // trailer lines seen
	taken     int    // trailer bytes seen
}

type bodyState uint8

const (
	bodyDone bodyState = iota
	bodyLength
	bodyUntilClose
	chunkSize
	chunkExt
	chunkSizeLF
	chunkData
	chunkCR
	chunkLF
	trailerLine
)

// Reset starts a body with that framing; length counts only for Length.
func (b *Body) Reset(f Framing, length int64, lim Limits) {
	*b = Body{lim: lim, fieldLine: b.fieldLine[:0], trailer: b.trailer[:0]}
	switch f {
	case Length:
		if length > 0 {
			b.state, b.left = bodyLength, length
		}
	case Chunked:
		b.state = chunkSize
	case UntilClose:
		b.state, b.left = bodyUntilClose, math.MaxInt64
	}
}

// Next takes bytes from the start of src: it returns the payload found, a slice of src, and the number of bytes consumed, framing
// included. It consumes all of src unless a piece of payload is returned before its end or the body ends in it; call it until src is
// used up or Done. The error is an *Error and stays; its status 400 or 431 is for a request body, that of a response has no status left.
func (b *Body) Next(src []byte) (data []byte, n int, err error) {
	if b.err != nil {
		return nil, 0, b.err
	}
	for n < len(src) && b.state != bodyDone {
		switch b.state {
		case bodyUntilClose:
			return src, len(src), nil
		case bodyLength, chunkData:
			data = src[n:]
			if int64(len(data)) > b.left {
				data = data[:b.left]
			}
			b.Skip(int64(len(data)))
			return data, n + len(data), nil
		}
		k, e := b.chunk(src[n:])
		if e != nil {
			b.err = e
			return nil, n, e
		}
		n += k
	}
	return nil, n, nil
}

// Done reports that the whole body was consumed, trailer section included. An UntilClose body is done after End.
func (b *Body) Done() bool { return b.state == bodyDone }

// End tells the body that its sender closed: it returns nil if the body was complete or lasts UntilClose, else ErrTruncated.
func (b *Body) End() error {
	if b.state == bodyUntilClose {
		b.state, b.left = bodyDone, 0
	}
	if b.state != bodyDone || b.err != nil {
		return ErrTruncated
	}
	return nil
}

// Remaining returns the payload bytes that follow next without any framing between them: the rest of a Length body or of the current
// chunk, math.MaxInt64 for UntilClose, 0 while framing comes next. The driver may move that many bytes unseen and then call Skip.
func (b *Body) Remaining() int64 {
	switch b.state {
	case bodyLength, bodyUntilClose, chunkData:
		return b.left
	}
	return 0 // in a size line left is the size, but the line is not over
}

// Skip accounts for n payload bytes, n <= Remaining, that were moved without passing through Next.
func (b *Body) Skip(n int64) {
	if b.state == bodyUntilClose {
		return
	}
	if b.left -= n; b.left > 0 {
		return
	}
	switch b.state {
	case bodyLength:
		b.state = bodyDone
	case chunkData:
		b.state = chunkCR
	}
}

// Trailer returns the trailer section after Done, ready for AppendLastChunk: normalised lines, without fields that must not be in
// a trailer section (RFC 9110 section 6.5.1). It is empty if there was none and valid until Reset.
func (b *Body) Trailer() []byte { return b.trailer }

// chunk consumes framing bytes from src, at least one (RFC 9112 section 7.1).
func (b *Body) chunk(src []byte) (int, *Error) {
	c := src[0]
	switch b.state {
	case chunkSize:
		return b.size(src)
	case chunkExt:
		n := span(src, isText)
		if b.line += n; b.line > maxSizeLine {
			return 0, errChunkExt
		}
		if n == len(src) {
			return n, nil
		}
		if src[n] != '\r' {
			return 0, errChunkExt
		}
		b.state = chunkSizeLF
		return n + 1, nil
	case chunkSizeLF:
		if c != '\n' {
			return 0, errChunkSize
		}
		return 1, b.beginChunk()
	case chunkCR:
		if c != '\r' {
			return 0, errChunkEnd
		}
		b.state = chunkLF
	case chunkLF:
		if c != '\n' {
			return 0, errChunkEnd
		}
		b.state, b.digits, b.line = chunkSize, 0, 0
	case trailerLine:
		return b.trailerBytes(src)
	}
	return 1, nil
}

const (
	maxSizeDigits = 16
	maxSizeLine   = 4 << 10  // chunk extension of one chunk
	maxOverhead   = 16 << 10 // size lines not excused by data, in a row
)

// size reads hexadecimal digits: at most 16 and a value below 2^63; no white space, which RFC 9112 section 7.1.1 calls bad.
func (b *Body) size(src []byte) (int, *Error) {
	for i, c := range src {
		var v int64
		switch {
		case '0' <= c && c <= '9':
			v = int64(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = int64(c|0x20-'a') + 10
		case c == '\r' && b.digits > 0:
			b.state = chunkSizeLF
			return i + 1, nil
		case c == ';' && b.digits > 0:
			b.state = chunkExt
			return i + 1, nil
		default:
			return 0, errChunkSize
		}
		if b.digits++; b.digits > maxSizeDigits || b.left > math.MaxInt64>>4 {
			return 0, errChunkSize
		}
		b.left = b.left<<4 | v
	}
	return len(src), nil
}

// beginChunk starts the data of a chunk or the trailer section. A sender may spend two bytes of framing on a byte of data and sixteen
// on each chunk; one that goes on spending more makes us work for nothing.
func (b *Body) beginChunk() *Error {
	if b.left == 0 {
		b.state = trailerLine
		return nil
	}
	b.overhead += int64(b.digits + b.line + 4)
	b.overhead = max(0, b.overhead-16-2*min(b.left, maxOverhead))
	if b.overhead > maxOverhead {
		return errChunkOverhead
	}
	b.state = chunkData
	return nil
}

// trailerBytes reads up to the end of one line of the trailer section (RFC 9112 section 7.1.2).
func (b *Body) trailerBytes(src []byte) (int, *Error) {
	i := bytes.IndexByte(src, '\n')
	piece := src
	if i >= 0 {
		piece = src[:i+1]
	}
	if b.taken += len(piece); b.taken > min(b.lim.Head, MaxHead) {
		return 0, errHeadTooLarge
	}
	line := piece
	if i < 0 || len(b.fieldLine) > 0 {
		b.fieldLine = append(b.fieldLine, piece...)
		line = b.fieldLine
	}
	if i < 0 {
		return len(piece), nil
	}
	b.fieldLine = b.fieldLine[:0]
	end := len(line) - 2
	if end < 0 || line[end] != '\r' {
		return 0, errBareLF
	}
	if end == 0 {
		b.state = bodyDone
		return len(piece), nil
	}
	if b.fields++; b.fields > b.lim.Fields {
		return 0, errManyFields
	}
	if indexControl(line[:end], 0) != end {
		return 0, errControl
	}
	l, err := parseField(line, 0, end)
	if err != nil {
		return 0, err
	}
	if name := line[:l.nameEnd]; l.id == fieldOther && !forbiddenTrailer(name) {
		b.trailer = append(b.trailer, name...)
		b.trailer = append(b.trailer, ": "...)
		b.trailer = append(b.trailer, line[l.value:l.valueEnd]...)
		b.trailer = append(b.trailer, "\r\n"...)
	}
	return len(piece), nil
}
