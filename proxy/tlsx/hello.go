package tlsx

import (
	"golang.org/x/crypto/cryptobyte"
)

// MaxHello is how many bytes of a connection are worth looking at for a server name.
const MaxHello = 16 << 10

const (
	recordHandshake  = 22
	typeClientHello  = 1
	extServerName    = 0
	nameTypeHostName = 0
)

// ServerName finds the server name in the first bytes of a connection (RFC 8446 section
// 4.1.2, RFC 6066 section 3), without any judgement on the rest of it. more says that it
// may still come: ask again with the same bytes and others behind them.
func ServerName(b []byte) (name string, more bool) {
	hello, complete, ok := handshakeBytes(b)
	if !ok {
		return "", false
	}
	more = !complete && len(b) < MaxHello
	s := cryptobyte.String(hello)
	var kind uint8
	var length uint32
	if !s.ReadUint8(&kind) || !s.ReadUint24(&length) {
		return "", more
	}
	if kind != typeClientHello {
		return "", false
	}
	if int(length) <= len(s) {
		s, more = s[:length], false
	} else {
		more = len(b) < MaxHello
	}
	var skip cryptobyte.String
	if !s.Skip(2+32) || !s.ReadUint8LengthPrefixed(&skip) || !s.ReadUint16LengthPrefixed(&skip) || !s.ReadUint8LengthPrefixed(&skip) {
		return "", more
	}
	if !s.Skip(2) { // length of the extensions, of which some may be missing
		return "", more
	}
	for !s.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !s.ReadUint16(&kind) || !s.ReadUint16LengthPrefixed(&data) {
			return "", more
		}
		if kind == extServerName {
			return hostName(data), false
		}
	}
	return "", more
}

// handshakeBytes takes handshake messages out of the records in b. complete says that b
// ends with a record; ok is false if it is no TLS.
func handshakeBytes(b []byte) (out []byte, complete, ok bool) {
	for len(b) > 0 {
		if b[0] != recordHandshake || len(b) > 1 && b[1] != 3 {
			return out, true, len(out) > 0
		}
		if len(b) < 5 {
			return out, false, true
		}
		n := int(b[3])<<8 | int(b[4])
		b = b[5:]
		if n > len(b) {
			return append(out, b...), false, true
		}
		if out == nil {
			out = b[:n:n]
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out, true, true
}

func hostName(ext cryptobyte.String) string {
	var list cryptobyte.String
	if !ext.ReadUint16LengthPrefixed(&list) {
		return ""
	}
	for !list.Empty() {
		var kind uint8
		var name cryptobyte.String
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) {
			return ""
		}
		if kind == nameTypeHostName && printable(name) {
			return string(name)
		}
	}
	return ""
}

// printable keeps what is no host name out of logs.
func printable(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(name) <= 255
}
