package http2

import (
	"golang.org/x/net/http2/hpack"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// block is what a header block is for.
type block uint8

const (
	blockNothing block = iota // decoded only because the table of the decoder must follow
	blockRequest
	blockResponse
	blockTrailer
)

// head turns the fields of one header block into the text of an HTTP/1.1 head. It is reused.
type head struct {
	kind  block
	text  []byte
	limit int    // of size
	size  int    // as RFC 9113 section 6.5.2 counts
	lines int    // of a trailer section
	over  bool   // more than limit: text is not whole
	bad   string // why the message is malformed (RFC 9113 section 8.1.1)

	method, scheme, authority, path, protocol, status string

	pseudo  uint8 // those that were there
	begun   bool  // a regular field was there; of a request, the start line is written
	host    string
	cookie  []byte // crumbs, joined
	length  int64  // Content-Length, -1: none
	keyed   bool   // extended CONNECT: the answer has to match key
	key     [keyLen]byte
	connect bool // the method is CONNECT
}

// Bits of head.pseudo.
const (
	hasMethod = 1 << iota
	hasScheme
	hasAuthority
	hasPath
	hasProtocol
	hasStatus
)

// begin prepares for a block.
func (h *head) begin(kind block, limit int) {
	if kind == blockTrailer {
		limit = min(limit, trailerLimits.Head)
	}
	*h = head{kind: kind, text: h.text[:0], cookie: h.cookie[:0], limit: limit, length: -1}
}

// add takes in a field, in the order received.
func (h *head) add(f hpack.HeaderField) {
	h.size += len(f.Name) + len(f.Value) + 32
	if h.kind == blockNothing || h.bad != "" || h.over {
		return
	}
	if h.size > h.limit {
		h.over = true
		return
	}
	if len(f.Name) > 0 && f.Name[0] == ':' {
		h.bad = h.addPseudo(f.Name, f.Value)
		return
	}
	if !h.begun {
		if h.begun = true; h.kind == blockRequest {
			if h.bad = h.startRequest(); h.bad != "" {
				return
			}
		} else if h.kind == blockResponse {
			if h.bad = h.startResponse(); h.bad != "" {
				return
			}
		}
	}
	h.bad = h.addField(f.Name, f.Value)
}

// addPseudo takes in a pseudo-header field (RFC 9113 section 8.3, RFC 8441 section 4).
func (h *head) addPseudo(name, value string) string {
	var bit uint8
	var to *string
	switch name {
	case ":method":
		bit, to = hasMethod, &h.method
	case ":scheme":
		bit, to = hasScheme, &h.scheme
	case ":authority":
		bit, to = hasAuthority, &h.authority
	case ":path":
		bit, to = hasPath, &h.path
	case ":protocol":
		bit, to = hasProtocol, &h.protocol
	case ":status":
		bit, to = hasStatus, &h.status
	}
	switch {
	case bit == 0 || (bit == hasStatus) != (h.kind == blockResponse) || h.kind == blockTrailer:
		return "unknown pseudo-header field, or one that does not belong there"
	case h.begun:
		return "pseudo-header field behind a regular one"
	case h.pseudo&bit != 0:
		return "pseudo-header field twice"
	case bit != hasAuthority && !all(value, isVisible), bit == hasAuthority && len(value) > 0 && !all(value, isVisible):
		return "pseudo-header field is empty or has a space or control character"
	}
	h.pseudo |= bit
	*to = value
	return ""
}

// addField takes in a regular field (RFC 9113 section 8.2).
func (h *head) addField(name, value string) string {
	if !all(name, isName) {
		return "field name is not a token in lower case"
	}
	if !validValue(value) {
		return "field value has a control character or white space around it"
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return "field that concerns a connection of HTTP/1.1"
	case "te":
		if !sameFold(value, "trailers") {
			return "TE other than trailers"
		}
	case "content-length":
		n, ok := parseLength(value)
		if !ok || h.length >= 0 && h.length != n {
			return "Content-Length is not one decimal number"
		}
		if h.length >= 0 {
			return "" // the same again: said once
		}
		h.length = n
	case "sec-websocket-key":
		if h.pseudo&hasProtocol != 0 {
			return "" // there is none in extended CONNECT; see upgrade
		}
	case "host":
		if h.kind == blockRequest {
			return h.addHost(value)
		}
	case "cookie":
		if h.kind == blockRequest { // crumbs (RFC 9113 section 8.2.3)
			if len(h.cookie) > 0 {
				h.cookie = append(h.cookie, "; "...)
			}
			h.cookie = append(h.cookie, value...)
			return ""
		}
	}
	if h.kind == blockTrailer {
		return h.addTrailer(name, value)
	}
	h.line(name, value)
	return ""
}

// trailerLimits are those of a trailer section of HTTP/1.1. Nobody parses what is made of one here again, as is done with heads.
var trailerLimits = http1.DefaultLimits()

// addTrailer takes in a field of a trailer section.
func (h *head) addTrailer(name, value string) string {
	if h.lines++; h.lines > trailerLimits.Fields {
		h.over = true
		return ""
	}
	var ok bool
	if h.text, ok = http1.AppendTrailer(h.text, name, value); !ok {
		return "control character in a trailer section"
	}
	return ""
}

// addHost keeps one authority: a Host beside :authority must say the same (RFC 9113 section 8.3.1).
func (h *head) addHost(value string) string {
	switch {
	case value == "":
		return "empty Host"
	case h.host != "" && !sameFold(h.host, value), h.authority != "" && !sameFold(h.authority, value):
		return "Host differs from the authority"
	case h.host == "" && h.authority == "":
		h.line("host", value)
	}
	h.host = value
	return ""
}

func (h *head) line(name, value string) {
	h.text = append(h.text, name...)
	h.text = append(h.text, ": "...)
	h.text = append(h.text, value...)
	h.text = append(h.text, "\r\n"...)
}

// startResponse writes the status line.
func (h *head) startResponse() string {
	if h.pseudo != hasStatus {
		return "response without :status"
	}
	s := h.status
	if len(s) != 3 || s < "100" || s > "999" || s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9' || s == "101" {
		return "invalid :status"
	}
	h.text = append(append(append(h.text, "HTTP/1.1 "...), s...), " \r\n"...)
	return ""
}

// end finishes the text. last: no body follows. noBody: a response that has none whatever it says.
func (h *head) end(last, noBody bool) {
	if h.bad != "" || h.over || h.kind == blockNothing || h.kind == blockTrailer {
		return
	}
	if !h.begun {
		h.begun = true
		if h.kind == blockRequest {
			h.bad = h.startRequest()
		} else {
			h.bad = h.startResponse()
		}
		if h.bad != "" {
			return
		}
	}
	if h.kind == blockRequest {
		h.bad = h.endRequest(last)
	} else {
		h.bad = h.endResponse(last, noBody)
	}
	if h.bad == "" {
		h.text = append(h.text, "\r\n"...)
	}
}

func (h *head) endResponse(last, noBody bool) string {
	interim := h.status[0] == '1'
	switch {
	case interim && last:
		return "interim response that ends the stream"
	case interim || noBody || h.status == "204" || h.status == "304":
		return ""
	case last && h.length > 0:
		return "Content-Length without a body"
	case last && h.length < 0:
		h.text = append(h.text, "content-length: 0\r\n"...)
	}
	return ""
}
