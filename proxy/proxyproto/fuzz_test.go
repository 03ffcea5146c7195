package proxyproto

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"testing"

	second "github.com/pires/go-proxyproto"
)

// FuzzParse requires that what is taken for a header can be written again, that no part
// of it is taken for the whole, and that another implementation reads the same in it.
func FuzzParse(f *testing.F) {
	for _, h := range []Header{four, six, mixed, none, over(six, TLS{Version: "TLSv1.3", Certificate: true, CommonName: "me"})} {
		f.Add(AppendV1(nil, h))
		f.Add(AppendV2(nil, h))
	}
	f.Add([]byte("PROXY UNKNOWN what ever\r\nGET /"))
	f.Add([]byte(v2(proxy, overTCP4, tcp4+"\x03\x00\x04abcd")))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, h, err := Parse(b)
		if err != nil {
			if n != 0 {
				t.Fatalf("an error and %d bytes", n)
			}
			return
		}
		if n == 0 {
			if len(b) >= MaxLen {
				t.Fatal("waits for more than MaxLen bytes")
			}
			return
		}
		if short, _, err := Parse(b[:n-1]); short != 0 || err != nil {
			t.Fatalf("%d bytes of %d are taken for %d: %v", n-1, n, short, err)
		}
		again := AppendV2(nil, h)
		m, back, err := Parse(again)
		if err != nil || m != len(again) {
			t.Fatalf("written again it is not a header: %v", err)
		}
		if h.TLS == nil || len(h.TLS.Version)+len(h.TLS.CommonName) < maxValue {
			want := h
			want.Source, want.Dest, _ = h.normal()
			back.Source, back.Dest, _ = back.normal()
			if d := diff(want, back); d != "" {
				t.Fatal(d)
			}
		}
		agree(t, b[:n], h)
	})
}

// agree compares with the other implementation, which refuses some of what the
// specification lets pass.
func agree(t *testing.T, b []byte, h Header) {
	r := bufio.NewReader(bytes.NewReader(b))
	other, err := second.Read(r)
	if err != nil || h.Local || other.Command.IsLocal() {
		return
	}
	if r.Buffered() != 0 {
		t.Fatalf("the other leaves %d bytes", r.Buffered())
	}
	for _, p := range []struct {
		ours   netip.AddrPort
		theirs net.Addr
	}{{h.Source, other.SourceAddr}, {h.Dest, other.DestinationAddr}} {
		a, ok := p.theirs.(*net.TCPAddr)
		if !ok {
			t.Fatalf("%v is %T for the other", p.ours, p.theirs)
		}
		if theirs := a.AddrPort(); unmapped(theirs) != unmapped(p.ours) {
			t.Fatalf("%v is %v for the other", p.ours, theirs)
		}
	}
}

// TestOtherReadsOurs requires the other implementation to read what we write.
func TestOtherReadsOurs(t *testing.T) {
	for _, h := range []Header{four, six, over(four, TLS{Version: "TLSv1.3", Certificate: true, CommonName: "me"})} {
		for _, b := range [][]byte{AppendV1(nil, h), AppendV2(nil, h)} {
			other, err := second.Read(bufio.NewReader(bytes.NewReader(b)))
			if err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			if got := other.SourceAddr.(*net.TCPAddr).AddrPort(); got != h.Source {
				t.Errorf("%q: source %v", b, got)
			}
			if got := other.DestinationAddr.(*net.TCPAddr).AddrPort(); got != h.Dest {
				t.Errorf("%q: destination %v", b, got)
			}
		}
	}
}
