package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
)

// The TLVs that are read or written (section 2.2).
const (
	typeCRC32C = 0x03
	typeSSL    = 0x20

	subtypeVersion = 0x21
	subtypeCN      = 0x22
)

// The bits of typeSSL.
const (
	clientSSL      = 1 << 0
	clientCertConn = 1 << 1
	clientCertSess = 1 << 2
)

// sslFixed is the length of client and verify, which precede the subtypes.
const sslFixed = 5

// notVerified is the result that stands for any failure: only 0 has a meaning.
const notVerified = 1

func appendTLS(b []byte, t *TLS) []byte {
	b = append(b, typeSSL, 0, 0)
	start := len(b)
	client := byte(clientSSL)
	if t.Certificate {
		client |= clientCertSess
		if t.OnConnection {
			client |= clientCertConn
		}
	}
	verify := uint32(notVerified)
	if t.Verified {
		verify = 0
	}
	b = append(b, client)
	b = binary.BigEndian.AppendUint32(b, verify)
	b = appendTLV(b, subtypeVersion, t.Version)
	if t.CommonName != "" {
		b = appendTLV(b, subtypeCN, t.CommonName)
	}
	binary.BigEndian.PutUint16(b[start-2:], uint16(len(b)-start))
	return b
}

// maxValue bounds a value, so that no certificate makes a header that is not taken.
const maxValue = 512

func appendTLV(b []byte, kind byte, value string) []byte {
	value = value[:min(len(value), maxValue)]
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// nextTLV takes the first TLV off b.
func nextTLV(b []byte) (kind byte, value, rest []byte, err error) {
	if len(b) < 3 {
		return 0, nil, nil, bad("a TLV is cut short")
	}
	end := 3 + int(binary.BigEndian.Uint16(b[1:]))
	if len(b) < end {
		return 0, nil, nil, bad("TLV %#02x has %d bytes, %d are there", b[0], end-3, len(b)-3)
	}
	return b[0], b[3:end], b[end:], nil
}

// parseTLVs reads the TLVs of a header, which is given as a whole for its checksum.
func parseTLVs(header, b []byte) (t *TLS, err error) {
	for len(b) > 0 {
		var kind byte
		var value []byte
		at := len(header) - len(b)
		if kind, value, b, err = nextTLV(b); err != nil {
			return nil, err
		}
		switch kind {
		case typeCRC32C:
			if len(value) != 4 || binary.BigEndian.Uint32(value) != checksum(header, at+3) {
				return nil, bad("the checksum is wrong")
			}
		case typeSSL:
			if t, err = parseTLS(value); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of header with zeros in place of the checksum itself.
func checksum(header []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return crc32.Update(sum, castagnoli, header[at+4:])
}

// parseTLS reads the value of typeSSL. nil: the client spoke no TLS.
func parseTLS(b []byte) (*TLS, error) {
	if len(b) < sslFixed {
		return nil, bad("the TLV about TLS has %d bytes, want %d at least", len(b), sslFixed)
	}
	client, verify := b[0], binary.BigEndian.Uint32(b[1:])
	t := &TLS{
		Certificate:  client&(clientCertSess|clientCertConn) != 0,
		OnConnection: client&clientCertConn != 0,
	}
	t.Verified = t.Certificate && verify == 0
	for b = b[sslFixed:]; len(b) > 0; {
		kind, value, rest, err := nextTLV(b)
		if err != nil {
			return nil, err
		}
		switch kind {
		case subtypeVersion:
			t.Version = string(value)
		case subtypeCN:
			t.CommonName = string(value)
		}
		b = rest
	}
	if client&clientSSL == 0 {
		return nil, nil
	}
	return t, nil
}
