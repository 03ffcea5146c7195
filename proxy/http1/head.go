package http1

import "bytes"

// coding is what Transfer-Encoding says.
type coding uint8

const (
	codingNone    coding = iota
	codingChunked        // exactly "chunked", once
	codingUnknown        // well-formed, chunked last, but with a coding that is not implemented
	codingBad
)

const (
	maxEmptyLines = 4  // before a request line, RFC 9112 section 2.2 asks for at least one
	maxOptions    = 64 // in Connection: each is compared with every field line
)

// head is the part of the parser that requests and responses share: where it stands in the buffer, and what the fields said.
type head struct {
	line, scan int  // start of the line being read; start of what was not searched for its end
	begun      bool // the start line was read
	done       bool // the head was delivered or refused

	coding  coding
	lengths int   // Content-Length lines
	length  int64 // their value

	options             int // elements of Connection
	close, keepAlive    bool
	optUpgrade, named   bool // Connection: Upgrade; Connection names other fields
	upgrade, upgradeBad bool // an Upgrade field; one that must not be passed on
	trailers            bool // TE: trailers
	expect, expectBad   bool
	hosts, forwards     int // Host and X-Forwarded-For lines
	host                field
}

// nextLine returns the bounds of the next line without its CRLF; ok is false if more bytes are needed. No control character but HTAB is
// left in the line.
func (h *head) nextLine(buf []byte, limit int) (start, end int, ok bool, err *Error) {
	i := indexControl(buf, h.scan)
	switch {
	case i+1 >= limit:
		return 0, 0, false, errHeadTooLarge
	case i == len(buf) || buf[i] == '\r' && i+1 == len(buf):
		h.scan = i
		return 0, 0, false, nil
	case buf[i] == '\n':
		return 0, 0, false, errBareLF
	case buf[i] != '\r' || buf[i+1] != '\n':
		return 0, 0, false, errControl
	}
	start = h.line
	h.line, h.scan = i+2, i+2
	return start, i, true, nil
}

// readFields reads field lines up to the empty line; ok is false if more bytes are needed.
func (h *head) readFields(f *Fields, buf []byte, lim Limits, limit int) (ok bool, err *Error) {
	for {
		start, end, ok, err := h.nextLine(buf, limit)
		if !ok {
			return false, err
		}
		if start == end {
			f.buf = buf[:h.line]
			if h.named {
				h.markNamed(f)
			}
			return true, nil
		}
		if len(f.list) >= lim.Fields {
			return false, errManyFields
		}
		l, err := parseField(buf, start, end)
		if err != nil {
			return false, err
		}
		f.list = append(f.list, l)
		if l.id != fieldOther {
			if err := h.note(l, buf[l.value:l.valueEnd]); err != nil {
				return false, err
			}
		}
	}
}

// note takes in a field that the codec acts on.
func (h *head) note(l field, value []byte) *Error {
	switch l.id {
	case fieldHost:
		h.hosts++
		h.host = l
	case fieldForwardedFor:
		h.forwards++
	case fieldContentLength:
		n, ok := parseLength(value)
		if !ok || h.lengths > 0 && n != h.length {
			return errLength
		}
		h.lengths++
		h.length = n
	case fieldTransferEncoding:
		if h.coding != codingNone {
			return errCoding
		}
		h.coding = parseCoding(value)
	case fieldConnection:
		return h.noteConnection(value)
	case fieldTE:
		for len(value) > 0 {
			var e []byte
			e, value = nextElement(value)
			h.trailers = h.trailers || equalFold(e, "trailers")
		}
	case fieldExpect:
		if equalFold(value, "100-continue") && !h.expectBad {
			h.expect = true
		} else {
			h.expectBad = true
		}
	case fieldUpgrade:
		for len(value) > 0 {
			var e []byte
			e, value = nextElement(value)
			if !mayUpgrade(e) {
				h.upgradeBad = true
			}
			h.upgrade = true
		}
	}
	return nil
}

func (h *head) noteConnection(value []byte) *Error {
	for len(value) > 0 {
		var e []byte
		e, value = nextElement(value)
		if h.options++; h.options > maxOptions {
			return errConnection
		}
		switch {
		case equalFold(e, "close"):
			h.close = true
		case equalFold(e, "keep-alive"):
			h.keepAlive = true
		case equalFold(e, "upgrade"):
			h.optUpgrade = true
		default:
			h.named = true
		}
	}
	return nil
}

// markNamed marks the lines whose names Connection lists (RFC 9110 section 7.6.1).
func (h *head) markNamed(f *Fields) {
	for i := range f.list {
		if f.list[i].id != fieldConnection {
			continue
		}
		_, value := f.At(i)
		for len(value) > 0 {
			var e []byte
			e, value = nextElement(value)
			for j := range f.list {
				if l := &f.list[j]; int(l.nameEnd-l.name) == len(e) && sameFold(f.buf[l.name:l.nameEnd], e) {
					l.named = true
				}
			}
		}
	}
}

// parseLength reads digits only, up to 2^63-1 (RFC 9110 section 8.6): no sign, no list, no space, not nothing.
func parseLength(v []byte) (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range v {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// parseCoding judges the value of the only Transfer-Encoding line (RFC 9112 sections 6.1 and 7).
func parseCoding(v []byte) coding {
	if equalFold(v, "chunked") {
		return codingChunked
	}
	for {
		e, rest := nextElement(v)
		switch last := equalFold(e, "chunked"); {
		case rest == nil && last:
			return codingUnknown
		case rest == nil, last, !isTokenText(e), equalFold(e, "identity"):
			return codingBad
		}
		v = rest
	}
}

// mayUpgrade reports whether a protocol may be offered to a member. Not another HTTP and not TLS: behind such a switch the client
// would talk to the member past every rule of this package.
func mayUpgrade(e []byte) bool {
	name := e
	if i := bytes.IndexByte(e, '/'); i >= 0 {
		if name = e[:i]; !isTokenText(e[i+1:]) {
			return false
		}
	}
	return isTokenText(name) && !equalFold(name, "h2c") && !equalFold(name, "h2") && !equalFold(name, "http") && !equalFold(name, "tls")
}
