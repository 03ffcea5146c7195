package http1

// Request is the head of one request. The zero value is ready for use and is reused for the next request of a connection without
// allocating. Byte slices refer to the buffer given to Parse and are valid as long as that buffer is left alone; the other fields
// stay valid until the next Parse or Reset. One goroutine at a time.
type Request struct {
	Fields Fields // the field lines as received

	Method []byte // any token; never CONNECT
	Target []byte // origin-form or "*"; absolute-form is already reduced to origin-form (RFC 9112 section 3.2)
	Host   []byte // authority of the request: from an absolute-form target, else from Host; empty only for HTTP/1.0 without Host

	Minor   int     // minor version, 0 or 1 (a later one counts as 1, RFC 9110 section 2.5)
	Framing Framing // NoBody, Length or Chunked
	Length  int64   // bytes of the body if Framing is Length

	KeepAlive bool // the client's connection may carry another request after this one
	Head      bool // the method is HEAD; known as soon as the request line is, also if the head is refused
	Expect    bool // the client waits for 100 (Continue); clear it before AppendRequest after having answered 100
	Upgrade   bool // the client offers an upgrade that may be passed on (see AppendRequest); clear it to refuse
	Trailers  bool // the client accepts a trailer section in the response (TE: trailers)

	h        head
	line     requestLine
	hostAway bool   // the Host line is not copied: the authority comes from the target, or there is none
	scratch  []byte // a target that is not in the buffer as one piece
}

// requestLine holds positions of the request line while the rest of the head arrives.
type requestLine struct {
	method, methodEnd, target, targetEnd, end int

	plain bool // the line is what would be written, so that its bytes may be copied
}

// Parse reads a request head from the start of buf, which may hold only a part of it or more than it. It returns the bytes that the
// head took, or 0 without an error when more bytes are needed: call it again with the same bytes and more behind them (the buffer may
// have moved); what was scanned is not scanned again. The error is an *Error. After a head or an error the next call begins a new request.
func (r *Request) Parse(buf []byte, lim Limits) (n int, err error) {
	if r.h.done {
		r.Reset()
	}
	ok, e := r.parse(buf, lim)
	if e != nil {
		r.h.done = true
		return 0, e
	}
	if !ok {
		return 0, nil
	}
	r.h.done = true
	return r.h.line, nil
}

// Reset forgets the request and keeps its memory. Needed only to give up a head that is half read.
func (r *Request) Reset() {
	*r = Request{Fields: Fields{list: r.Fields.list[:0]}, scratch: r.scratch[:0]}
}

// Idempotent reports whether the method may be sent again without harm when its outcome is unknown (RFC 9110 section 9.2.2).
func (r *Request) Idempotent() bool {
	switch string(r.Method) {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

func (r *Request) parse(buf []byte, lim Limits) (bool, *Error) {
	h, limit := &r.h, min(lim.Head, MaxHead)
	for !h.begun {
		start, end, ok, err := h.nextLine(buf, limit)
		if err != nil {
			return false, err
		}
		if !ok {
			return false, r.checkPartial(buf[h.line:], lim)
		}
		if start == end && start < 2*maxEmptyLines {
			continue
		}
		if err := r.parseLine(buf, start, end, lim); err != nil {
			return false, err
		}
		h.begun = true
	}
	if ok, err := h.readFields(&r.Fields, buf, lim, limit); !ok {
		return false, err
	}
	r.Method = buf[r.line.method:r.line.methodEnd]
	r.Target = buf[r.line.target:r.line.targetEnd]
	if err := r.finishTarget(buf); err != nil {
		return false, err
	}
	return true, r.finish()
}

// checkPartial refuses early what can no longer become a request line: a client that speaks another protocol may never send a LF.
func (r *Request) checkPartial(b []byte, lim Limits) *Error {
	if len(b) > 0 && class[b[0]]&isToken == 0 && b[0] != '\r' {
		return errStart
	}
	if len(b) > maxMethod+lim.Target+len("  HTTP/1.1\r") {
		return errTargetLong
	}
	return nil
}

const maxMethod = 32

// parseLine reads the request line buf[start:end] (RFC 9112 section 3): exactly one space between its parts and none elsewhere.
func (r *Request) parseLine(buf []byte, start, end int, lim Limits) *Error {
	line := buf[start:end]
	m := span(line, isToken)
	r.Head = string(line[:m]) == "HEAD"
	switch {
	case m == 0:
		return errStart
	case m == len(line) || line[m] != ' ':
		return errMethod
	case m > maxMethod:
		return errMethodLong
	case string(line[:m]) == "CONNECT":
		return errConnect
	}
	t := m + 1
	rest := line[t:]
	n := span(rest, isTarget)
	switch {
	case n > lim.Target:
		return errTargetLong
	case n == 0 || n == len(rest) || rest[n] != ' ':
		return errTarget
	}
	minor, err := parseVersion(rest[n+1:])
	if err != nil {
		return err
	}
	r.Minor = min(minor, 1)
	r.line = requestLine{
		method: start, methodEnd: start + m, target: start + t, targetEnd: start + t + n, end: end + 2,
		plain: minor == 1,
	}
	return nil
}

// parseVersion reads HTTP-version (RFC 9112 section 2.3) and returns the minor version.
func parseVersion(v []byte) (int, *Error) {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || !isDigit(v[5]) || v[6] != '.' || !isDigit(v[7]) {
		return 0, errVersion
	}
	if v[5] != '1' {
		return 0, errVersionOther
	}
	return int(v[7] - '0'), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// finish derives framing and connection semantics once all fields are known.
func (r *Request) finish() *Error {
	h := &r.h
	switch {
	case h.coding == codingNone && h.lengths > 1:
		return errLengths
	case h.coding == codingNone && h.lengths == 1:
		r.Framing, r.Length = Length, h.length
	case h.coding == codingNone:
	case r.Minor == 0:
		return errCodingOld
	case h.coding == codingBad:
		return errCoding
	case h.coding == codingUnknown:
		return errUnknownCoding
	case h.lengths > 0:
		return errCodingLength
	default:
		r.Framing = Chunked
	}
	bodied := r.Framing == Chunked || r.Length > 0
	if bodied && string(r.Method) == "TRACE" {
		return errTrace
	}
	if h.expectBad && r.Minor == 1 {
		return errExpect
	}
	r.KeepAlive = !h.close && (r.Minor == 1 || h.keepAlive)
	if r.Minor == 1 {
		r.Expect = h.expect && bodied
		r.Upgrade = h.upgrade && !h.upgradeBad && h.optUpgrade && !bodied
		r.Trailers = h.trailers
	}
	return nil
}
