package proxyproto

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

var (
	four  = Header{Source: at("192.0.2.1:56324"), Dest: at("198.51.100.2:443")}
	six   = Header{Source: at("[2001:db8::1]:1"), Dest: at("[2001:db8::2]:65535")}
	mixed = Header{Source: at("192.0.2.1:5"), Dest: at("[2001:db8::2]:80")}
	none  = Header{Local: true}
)

func over(h Header, t TLS) Header {
	h.TLS = &t
	return h
}

func diff(want, got Header) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}))
}

func TestAppendV1(t *testing.T) {
	for want, h := range map[string]Header{
		"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n": four,
		"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n":  six,
		"PROXY UNKNOWN\r\n":                      mixed,
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n": {Source: at("[::ffff:192.0.2.1]:1"), Dest: at("192.0.2.2:2")},
		"PROXY TCP6 fe80::1 fe80::2 1 2\r\n":     {Source: at("[fe80::1%eth0]:1"), Dest: at("[fe80::2]:2")},
	} {
		if got := string(AppendV1(nil, h)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := string(AppendV1([]byte("x"), none)); got != "xPROXY UNKNOWN\r\n" {
		t.Errorf("a connection of our own: %q", got)
	}
}

// The bytes are those of the specification, section 2.2.
func TestAppendV2(t *testing.T) {
	const start = "0d0a0d0a000d0a515549540a"
	for _, tt := range []struct {
		name, want string
		h          Header
	}{
		{"IPv4", "21 11 000c c0000201 c6336402 dc04 01bb", four},
		{"IPv6", "21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff", six},
		{"two families", "21 21 0024 00000000000000000000ffffc0000201 20010db8000000000000000000000002 0005 0050", mixed},
		{"our own", "20 00 0000", none},
		{"nothing known", "20 00 0000", Header{}},
		{
			"TLS", "21 11 001e c0000201 c6336402 dc04 01bb  20 000f 01 00000001 21 0007 544c5376312e33",
			over(four, TLS{Version: "TLSv1.3"}),
		},
		{
			"TLS with a certificate", "21 11 0023 c0000201 c6336402 dc04 01bb  20 0014 07 00000000 21 0007 544c5376312e33 22 0002 6d65",
			over(four, TLS{Version: "TLSv1.3", Certificate: true, OnConnection: true, Verified: true, CommonName: "me"}),
		},
	} {
		got := hex.EncodeToString(AppendV2(nil, tt.h))
		if want := start + strings.ReplaceAll(tt.want, " ", ""); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, want)
		}
	}
}

// What is written is read, whatever follows, and no part of it is taken for the whole.
func TestThereAndBack(t *testing.T) {
	long := strings.Repeat("n", 2*maxValue)
	for name, tt := range map[string]struct {
		b    []byte
		want Header
	}{
		"v1 IPv4":    {AppendV1(nil, four), four},
		"v1 IPv6":    {AppendV1(nil, six), six},
		"v1 unknown": {AppendV1(nil, none), none},
		"v2 IPv4":    {AppendV2(nil, four), four},
		"v2 IPv6":    {AppendV2(nil, six), six},
		"v2 local":   {AppendV2(nil, none), none},
		"v2 TLS":     {AppendV2(nil, over(six, TLS{Version: "TLSv1.2"})), over(six, TLS{Version: "TLSv1.2"})},
		"v2 certificate": {
			AppendV2(nil, over(four, TLS{Version: "TLSv1.3", Certificate: true, Verified: true, CommonName: "me"})),
			over(four, TLS{Version: "TLSv1.3", Certificate: true, Verified: true, CommonName: "me"}),
		},
		"v2 long name": {
			AppendV2(nil, over(four, TLS{Certificate: true, CommonName: long})),
			over(four, TLS{Certificate: true, CommonName: long[:maxValue]}),
		},
	} {
		for i := range tt.b {
			if n, _, err := Parse(tt.b[:i]); n != 0 || err != nil {
				t.Errorf("%s: %d bytes of %d: %d, %v", name, i, len(tt.b), n, err)
			}
		}
		n, got, err := Parse(append(bytes.Clone(tt.b), "GET /"...))
		if err != nil || n != len(tt.b) {
			t.Errorf("%s: %d bytes of %d, %v", name, n, len(tt.b), err)
		}
		if d := diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// v2 makes a header of the rest of one.
func v2(command, family byte, body string) string {
	b := append([]byte(signature), command, family)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(body)))) + body
}

const tcp4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"GET / HTTP/1.1\r\n":                                 "does not begin with a header",
		"PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n":            "does not begin",
		"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n":             `protocol "TCP5"`,
		"PROXY \r\n":                                         `protocol ""`,
		"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n":               "3 fields",
		"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n":            "5 fields",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n":            "5 fields",
		"PROXY TCP4 192.0.2.1 192.0.2.256 1 2\r\n":           `address "192.0.2.256"`,
		"PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n":           `address "2001:db8::1"`,
		"PROXY TCP6 192.0.2.1 2001:db8::1 1 2\r\n":           `address "192.0.2.1"`,
		"PROXY TCP6 fe80::1%lo 2001:db8::1 1 2\r\n":          "address",
		"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n":         `port "65536"`,
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n":            `port "02"`,
		"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n":            `port "+1"`,
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n":               "", // the CR may still come
		"PROXY " + strings.Repeat("x", maxV1):                "no CRLF",
		v2(0x11, overTCP4, tcp4):                             "version and command 0x11",
		v2(0x22, overTCP4, tcp4):                             "version and command 0x22",
		v2(proxy, overTCP4, tcp4[1:]):                        "too few",
		v2(proxy, overTCP6, tcp4):                            "too few",
		v2(proxy, overTCP4, tcp4+"\x04"):                     "cut short",
		v2(proxy, overTCP4, tcp4+"\x04\x00\x02x"):            "TLV 0x04 has 2 bytes",
		v2(proxy, overTCP4, tcp4+"\x20\x00\x04abcd"):         "about TLS",
		v2(proxy, overTCP4, tcp4+"\x20\x00\x06\x01abcd\x21"): "cut short",
		v2(proxy, overTCP4, tcp4+"\x03\x00\x04abcd"):         "checksum",
		v2(proxy, overTCP4, strings.Repeat("x", MaxLen)):     "more than 4096",
	} {
		n, _, err := Parse([]byte(in))
		if want == "" && (n != 0 || err != nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %d, %v, want %q", in, n, err, want)
		}
	}
}

func TestParseIgnores(t *testing.T) {
	sum := []byte(v2(proxy, overTCP4, tcp4+"\x04\x00\x01x\x03\x00\x04\x00\x00\x00\x00"))
	binary.BigEndian.PutUint32(sum[len(sum)-4:], checksum(sum, len(sum)-4))
	for in, want := range map[string]Header{
		"PROXY UNKNOWN ffff::1 whatever\r\n":             none,
		v2(local, overTCP4, tcp4):                        none,
		v2(proxy, 0x12, tcp4):                            none, // datagrams
		v2(proxy, 0x31, strings.Repeat("x", 216)):        none, // AF_UNIX
		v2(proxy, 0x00, ""):                              none,
		v2(proxy, overTCP4, tcp4+"\xea\x00\x02hi"):       four, // Amazon's
		v2(proxy, overTCP4, tcp4+"\x20\x00\x05\x06abcd"): four, // not over TLS
		string(sum): four,
	} {
		n, got, err := Parse([]byte(in))
		if err != nil || n != len(in) || diff(want, got) != "" {
			t.Errorf("%q: %d, %v %s", in, n, err, diff(want, got))
		}
	}
}
