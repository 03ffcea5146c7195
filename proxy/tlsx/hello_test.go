package tlsx

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"
)

// helloOf is what a client sends first.
func helloOf(t testing.TB, cfg *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, cfg).Handshake() // ends when server is closed
		client.Close()
	}()
	b := make([]byte, MaxHello)
	n, err := server.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestServerName(t *testing.T) {
	named := helloOf(t, &tls.Config{ServerName: "www.example.com", NextProtos: []string{"h2", strings.Repeat("x", 200)}})
	if name, more := ServerName(named); name != "www.example.com" || more {
		t.Errorf("got %q, more %v", name, more)
	}
	if name, more := ServerName(helloOf(t, &tls.Config{InsecureSkipVerify: true})); name != "" || more {
		t.Errorf("without a name: %q, more %v", name, more)
	}
	for i := 1; i < len(named); i++ {
		if name, more := ServerName(named[:i]); name != "" && name != "www.example.com" || name == "" && !more {
			t.Errorf("the first %d bytes: %q, more %v", i, name, more)
		}
	}
	// In many records (RFC 8446 section 5.1 allows it).
	var split []byte
	for rest := named[5:]; len(rest) > 0; {
		n := min(len(rest), 50)
		split = append(append(split, 22, 3, 1, 0, byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	if name, _ := ServerName(split); name != "www.example.com" {
		t.Errorf("in pieces: %q", name)
	}
	for _, other := range []string{"GET / HTTP/1.1\r\n", "SSH-2.0-x", "\x16\x02\x00", "\x17\x03\x03\x00\x01a", "\x16\x03\x01\x00\x04\x02\x00\x00\x00"} {
		if name, more := ServerName([]byte(other)); name != "" || more {
			t.Errorf("%q: %q, more %v", other, name, more)
		}
	}
	bad := bytes.Replace(named, []byte("www.example.com"), []byte("www\nexample com"), 1)
	if name, _ := ServerName(bad); name != "" {
		t.Errorf("a name that is none: %q", name)
	}
}

// What is found in a part is what is found in the whole, and nothing breaks it.
func FuzzServerName(f *testing.F) {
	f.Add(helloOf(f, &tls.Config{ServerName: "www.example.com"}), 100)
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		whole, more := ServerName(b)
		if whole != "" && more || more && len(b) >= MaxHello {
			t.Errorf("%q, more %v", whole, more)
		}
		if cut >= 0 && cut < len(b) {
			if part, _ := ServerName(b[:cut]); part != "" && part != whole {
				t.Errorf("%q in a part, %q in the whole", part, whole)
			}
		}
	})
}
