package http2

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 asks for it; it protects nothing
	"encoding/base64"
)

// startRequest writes the request line and Host (RFC 9113 section 8.3.1).
func (h *head) startRequest() string {
	if h.pseudo&hasMethod == 0 {
		return "request without :method"
	}
	if !all(h.method, isTchar) {
		return ":method is not a token"
	}
	h.connect = h.method == "CONNECT"
	method, path := h.method, h.path
	switch {
	case h.pseudo&hasProtocol != 0:
		if !h.connect {
			return ":protocol without CONNECT"
		}
		if h.protocol == "websocket" { // else it stays a CONNECT, which is not served
			method = "GET"
		}
		fallthrough
	case !h.connect:
		if h.pseudo&(hasScheme|hasPath) != hasScheme|hasPath {
			return "request without :scheme or :path"
		}
		if h.scheme != "http" && h.scheme != "https" {
			return ":scheme other than http and https"
		}
		if path[0] != '/' && (path != "*" || method != "OPTIONS") {
			return ":path is not absolute"
		}
	default: // RFC 9113 section 8.5
		if h.pseudo != hasMethod|hasAuthority || h.authority == "" {
			return "CONNECT with other than :authority"
		}
		path = h.authority
	}
	h.text = append(append(append(append(h.text, method...), ' '), path...), " HTTP/1.1\r\n"...)
	if h.authority != "" {
		h.line("host", h.authority)
	}
	return ""
}

// endRequest writes what stands behind the fields.
func (h *head) endRequest(last bool) string {
	if h.authority == "" && h.host == "" {
		return "request without :authority and Host"
	}
	if len(h.cookie) > 0 {
		h.text = append(append(append(h.text, "cookie: "...), h.cookie...), "\r\n"...)
	}
	switch {
	case h.pseudo&hasProtocol != 0:
		if last || h.length >= 0 {
			return "extended CONNECT that is not open"
		}
		if h.protocol == "websocket" {
			h.upgrade()
		}
	case last && h.length > 0:
		return "Content-Length without a body"
	case !last && h.length < 0 && !h.connect:
		h.text = append(h.text, "transfer-encoding: chunked\r\n"...)
	}
	return ""
}

// keyLen is the length of Sec-WebSocket-Key: 16 bytes in base64.
const keyLen = 24

// upgrade makes the request the opening handshake of a WebSocket (RFC 6455 section 4.1): extended CONNECT has no key, which is ours then.
func (h *head) upgrade() {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	base64.StdEncoding.Encode(h.key[:], nonce[:])
	h.keyed = true
	h.text = append(h.text, "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: "...)
	h.text = append(append(h.text, h.key[:]...), "\r\n"...)
}

// acceptsKey reports whether the value of Sec-WebSocket-Accept answers key (RFC 6455 section 4.2.2).
func acceptsKey(key [keyLen]byte, value []byte) bool {
	sum := sha1.Sum(append(key[:], "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.EncodeToString(sum[:]) == string(value)
}
