package proxy

import (
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"testing"
)

// The client is in the same process: its work is in the numbers.

func BenchmarkTLSHandshake(b *testing.B) {
	for _, bb := range []struct {
		name    string
		rsa     bool
		resumed bool
		version uint16
	}{
		{"ecdsa/1.3", false, false, tls.VersionTLS13},
		{"ecdsa/1.2", false, false, tls.VersionTLS12},
		{"rsa2048/1.3", true, false, tls.VersionTLS13},
		{"resumed/1.3", false, true, tls.VersionTLS13},
		{"resumed/1.2", false, true, tls.VersionTLS12},
	} {
		b.Run(bb.name, func(b *testing.B) {
			f := newTLSFront(b, Config{}, 0, nil)
			if bb.rsa {
				f.vault.put("default", f.ca.IssueRSA(nil, "www.example.com"))
				f.touch()
			}
			cfg := f.config()
			cfg.MaxVersion = bb.version
			if bb.resumed {
				cfg.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			}
			answer := make([]byte, 4096)
			for b.Loop() {
				c := tls.Client(f.dial(tlsPort), cfg)
				// Tickets of TLS 1.3 come with the answer.
				if _, err := io.WriteString(c, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(answer); err != nil {
					b.Fatal(err)
				}
				_ = c.Close()
			}
		})
	}
}

func BenchmarkTLSBulk(b *testing.B) {
	body := make([]byte, 1<<20)
	for name, suite := range map[string]uint16{"aes128": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "chacha20": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256} {
		b.Run(name, func(b *testing.B) {
			f := newTLSFront(b, Config{}, 0, nil)
			f.rig.member(f.pool, newWebServer(b, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				_, _ = w.Write(body)
			}))
			cfg := f.config()
			cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{suite}
			c := f.secure(cfg)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				c.send(getRoot)
				resp, err := http.ReadResponse(c.r, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}

func BenchmarkTLSSmall(b *testing.B) {
	f := newTLSFront(b, Config{}, 0, nil)
	f.rig.member(f.pool, newSmallMember(b))
	conn, err := f.shake(f.config())
	if err != nil {
		b.Fatal(err)
	}
	c := &smallClient{c: conn, request: []byte(smallRequest), buf: make([]byte, 4096)}
	write(b, conn, smallRequest)
	if c.want, err = conn.Read(c.buf); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.do(); err != nil {
			b.Fatal(err)
		}
	}
}
