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
	Head      bool // the method is HEAD
	Expect    bool // the client waits for 100 (Continue); clear it before AppendRequest after having answered 100
	Upgrade   bool // the client offers an upgrade that may be passed on (never to h2c or TLS, never with a body); clear it to refuse
	Trailers  bool // the client accepts a trailer section in the response (TE: trailers)
}

// Parse reads a request head from the start of buf, which may hold only a part of it or more than it. It returns the bytes that the
// head took, or 0 without an error when more bytes are needed: call it again with the same bytes and more behind them (the buffer may
// have moved); what was scanned is not scanned again. The error is an *Error. After a head or an error the next call begins a new request.
func (r *Request) Parse(buf []byte, lim Limits) (n int, err error) { return 0, nil }

// Reset forgets the request and keeps its memory. Needed only to give up a head that is half read.
func (r *Request) Reset() {}

// Idempotent reports whether the method may be sent again without harm when its outcome is unknown (RFC 9110 section 9.2.2).
func (r *Request) Idempotent() bool { return false }

// Forward is what the proxy tells the member about the request besides what the client sent.
type Forward struct {
	Host  []byte // authority of the member, written if the client sent no Host (HTTP/1.0); must not be empty
	For   []byte // address of the client, appended to X-Forwarded-For; empty: the field passes unchanged
	Port  []byte // port that the client connected to, replaces X-Forwarded-Port; empty: the field passes unchanged
	Proto []byte // "http" or "https", replaces X-Forwarded-Proto; empty: the field passes unchanged
	Close bool   // ask the member to close after the response
}

// AppendRequest appends the head of r as the member shall see it: HTTP/1.1, without the fields that concern the client's connection
// only (RFC 9110 section 7.6.1), framed as parsed. A Chunked body follows as chunks, a Length body as it is.
func AppendRequest(dst []byte, r *Request, f *Forward) []byte { return dst }
