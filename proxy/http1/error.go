package http1

import "strconv"

// Error says why a message is refused and which answer the proxy owes the client. After it the connection that the message came
// from must not be reused: where the next message starts is unknown.
type Error struct {
	Status int    // status code of our own answer: 4xx, 501 or 505 for a request, 502 for a response
	Reason string // what was wrong, a constant without data of the message
}

// Error returns the reason with the status.
func (e *Error) Error() string { return e.Reason + " (" + strconv.Itoa(e.Status) + ")" }

// badGateway is e for a message that came from a member.
func (e *Error) badGateway() *Error { return &Error{502, e.Reason} }

// One value per rule: refusing a request does not allocate either, for refused requests come in floods.
var (
	errBareLF        = &Error{400, "line does not end in CRLF"}
	errHeadTooLarge  = &Error{431, "head is too large"}
	errManyFields    = &Error{431, "too many field lines"}
	errFold          = &Error{400, "field line is folded or starts with white space"}
	errFieldName     = &Error{400, "field name is not a token"}
	errSpaceColon    = &Error{400, "white space before the colon of a field line"}
	errControl       = &Error{400, "control character in a line"}
	errLength        = &Error{400, "Content-Length is not one decimal number"}
	errLengths       = &Error{400, "more than one Content-Length"}
	errCoding        = &Error{400, "Transfer-Encoding is not exactly chunked"}
	errUnknownCoding = &Error{501, "transfer coding other than chunked"}
	errCodingLength  = &Error{400, "both Transfer-Encoding and Content-Length"}
	errCodingOld     = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errConnection    = &Error{400, "too many options in Connection"}

	errStart         = &Error{400, "message does not start with a method"}
	errMethod        = &Error{400, "method is not a token followed by one space"}
	errMethodLong    = &Error{501, "method is too long"}
	errConnect       = &Error{501, "CONNECT is not served"}
	errTrace         = &Error{400, "TRACE with a body"}
	errTarget        = &Error{400, "request target has an invalid character or form"}
	errTargetLong    = &Error{414, "request target is too long"}
	errVersion       = &Error{400, "request line does not end in an HTTP version"}
	errVersionOther  = &Error{505, "major version is not 1"}
	errHostMissing   = &Error{400, "no Host in HTTP/1.1"}
	errHosts         = &Error{400, "more than one Host"}
	errHost          = &Error{400, "invalid authority"}
	errHostMismatch  = &Error{400, "Host differs from the authority of the target"}
	errExpect        = &Error{417, "expectation other than 100-continue"}
	errStatusLine    = &Error{502, "malformed status line"}
	errSwitch        = &Error{502, "101 without an offered upgrade"}
	errInterimBody   = &Error{502, "interim response with a body"}
	errChunkSize     = &Error{400, "malformed chunk size"}
	errChunkEnd      = &Error{400, "chunk does not end in CRLF"}
	errChunkExt      = &Error{400, "malformed chunk extension"}
	errChunkOverhead = &Error{400, "chunk extensions outweigh the data"}
)
