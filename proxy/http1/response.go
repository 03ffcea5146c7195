package http1

// Response is the head of one response, interim (1xx) or final. Reuse and validity are as for Request.
type Response struct {
	Fields Fields // the field lines as received

	Status int    // 100 to 999
	Reason []byte // reason phrase, may be empty

	Minor     int     // minor version of the member, 0 or 1
	Framing   Framing // how the member ends the body; NoBody for HEAD, 1xx, 204 and 304
	Length    int64   // bytes of the body if Framing is Length
	KeepAlive bool    // the member's connection may be used again once the body has been read to its end
}

// Parse reads a response head from the start of buf, as Request.Parse does. It needs to know the request that is answered: only its
// Head, Upgrade and Minor are read. Every error is an *Error with status 502. A 101 is refused unless req.Upgrade is set.
func (r *Response) Parse(buf []byte, lim Limits, req *Request) (n int, err error) { return 0, nil }

// Reset forgets the response and keeps its memory. Needed only to give up a head that is half read.
func (r *Response) Reset() {}

// Interim reports a 1xx response that another response follows; 101 (Switching Protocols) is not one. An interim response is passed on
// to HTTP/1.1 clients and dropped for HTTP/1.0 clients (RFC 9110 section 15.2).
func (r *Response) Interim() bool { return false }

// ClientFraming returns how the body goes on to the client: as received, but Chunked becomes UntilClose for an HTTP/1.0 client and
// UntilClose becomes Chunked for an HTTP/1.1 client, so that a truncated body is never taken for a whole one.
func (r *Response) ClientFraming(req *Request) Framing { return NoBody }

// AppendResponse appends the head of r as the client of req shall see it: HTTP/1.1, without the fields that concern the member's
// connection only, framed as ClientFraming says. keepAlive tells the client whether its connection stays open after the response; it
// is forced to false when the framing is UntilClose (not for interim responses and 101, which say nothing about it). The second
// result is what the client was told.
func AppendResponse(dst []byte, r *Response, req *Request, keepAlive bool) ([]byte, bool) {
	return dst, false
}
