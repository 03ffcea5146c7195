package cluster

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// lockedBuffer collects a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func startMux(t *testing.T, cluster, id string, config *tls.Config, out io.Writer) *mux {
	t.Helper()
	m, err := listenMux("127.0.0.1:0", cluster, id, config, greetingLimit, slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- m.run() }()
	t.Cleanup(func() {
		m.close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return m
}

// testTLS returns a configuration for both sides of 127.0.0.1.
func testTLS(t *testing.T) *tls.Config {
	t.Helper()
	key, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err2 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	cert, err3 := x509.ParseCertificate(der)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

func TestMuxSelectsByFirstByte(t *testing.T) {
	for name, config := range map[string]*tls.Config{"plain": nil, "tls": testTLS(t)} {
		t.Run(name, func(t *testing.T) {
			testenv.NoLeaks(t)
			m := startMux(t, "blue", "id-1", config, io.Discard)
			for _, target := range []string{"id-1", anyNode} {
				for kind, ln := range map[byte]net.Listener{kindRaft: m.raft, kindGRPC: m.grpc} {
					conn, err := m.dial(t.Context(), kind, target, m.ln.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					got, err := ln.Accept()
					if err != nil {
						t.Fatal(err)
					}
					echo(t, conn, got)
				}
			}
		})
	}
}

// echo sends over one end and reads at the other, so that a byte lost to the
// handshake would be missed.
func echo(t *testing.T, from, to net.Conn) {
	t.Helper()
	if _, err := io.WriteString(from, "first bytes"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len("first bytes"))
	if _, err := io.ReadFull(to, buf); err != nil || string(buf) != "first bytes" {
		t.Errorf("received %q, %v", buf, err)
	}
	_, _ = from.Close(), to.Close()
}

func TestMuxRefusesOnBothSides(t *testing.T) {
	var log lockedBuffer
	blue := startMux(t, "blue", "id-1", nil, &log)
	red := startMux(t, "red", "id-2", nil, io.Discard)
	tests := []struct {
		name   string
		from   *mux
		target string
		want   string
		kind   error
	}{
		{"another cluster", red, anyNode, `this node belongs to cluster "blue", the caller to "red"`, ErrWrongCluster},
		{"another node", blue, "id-0", "this node is id-1, the caller wants id-0", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, err := test.from.dial(t.Context(), kindRaft, test.target, blue.ln.Addr().String())
			if err == nil {
				_ = conn.Close()
				t.Fatal("not refused")
			}
			if !strings.Contains(err.Error(), test.want) || (test.kind != nil && !errors.Is(err, test.kind)) {
				t.Errorf("the caller sees %q, want %q of kind %v", err, test.want, test.kind)
			}
			eventually(t, "the refusal in the log of the other side", func() bool {
				return strings.Contains(strings.ReplaceAll(log.String(), `\"`, `"`), test.want)
			})
		})
	}
}

// brokenListener fails a number of times before it is closed.
type brokenListener struct {
	net.Listener
	fails int
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.fails--; l.fails < 0 {
		return nil, net.ErrClosed
	}
	return nil, errors.New("too many open files")
}

func TestMuxSaysOnceThatItCannotAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		m := &mux{ln: &brokenListener{fails: 50}, logger: plainLogger(&log)}
		if err := m.run(); err != nil {
			t.Fatal(err)
		}
		if got := lines(&log); len(got) != 1 || !strings.Contains(got[0], "too many open files") {
			t.Errorf("the log says %q", got)
		}
	})
}

func TestPlainIsRefusedWhereTLSIs(t *testing.T) {
	secure := startMux(t, "blue", "id-1", testTLS(t), io.Discard)
	plain := startMux(t, "blue", "id-2", nil, io.Discard)
	if conn, err := plain.dial(t.Context(), kindRaft, anyNode, secure.ln.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("a plain connection got through")
	}
}

func TestAcceptTakesNoGarbage(t *testing.T) {
	tests := []struct{ name, send, want string }{
		{"http", "GET / HTTP/1.1\r\n\r\n", "GET"}, // G selects gRPC, the line does not parse
		{"tls", "\x16\x03\x01", "first byte 0x16"},
		{"no end", "R" + strings.Repeat("x", 2*maxHandshake), "no end of line"},
		{"version", "R9 blue -\n", "version"},
		{"fields", "R2 blue\n", "not the handshake"},
		{"cut", "R2 bl", "EOF"},
		{"empty", "", "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			here, there := net.Pipe()
			var sending sync.WaitGroup
			sending.Go(func() { _, _ = io.Copy(io.Discard, there) })
			sending.Go(func() {
				_, _ = io.WriteString(there, test.send)
				if test.want == "EOF" {
					_ = there.Close()
				}
			})
			_, err := accept(here, hello{cluster: "blue", target: "id-1"}, time.Minute)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			_, _ = here.Close(), there.Close()
			sending.Wait()
		})
	}
}

func TestAcceptWaitsNoLongerThanItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		begin := time.Now()
		var sending sync.WaitGroup
		sending.Go(func() {
			for _, b := range []byte("R2 blue") { // a byte a second, never a line
				if _, err := there.Write([]byte{b}); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		})
		_, err := accept(here, hello{cluster: "blue", target: "id-1"}, 3*time.Second)
		if took := time.Since(begin); err == nil || took != 3*time.Second {
			t.Errorf("gave up after %v with %v", took, err)
		}
		_ = here.Close()
		sending.Wait()
	})
}

func TestClosedMuxLetsNobodyIn(t *testing.T) {
	testenv.NoLeaks(t)
	m := startMux(t, "blue", "id-1", nil, io.Discard)
	addr := m.ln.Addr().String()
	conn, err := m.dial(t.Context(), kindGRPC, anyNode, addr)
	if err != nil {
		t.Fatal(err)
	}
	m.close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the mux")
	}
	if _, err := m.grpc.Accept(); err == nil {
		if _, err = m.grpc.Accept(); err == nil {
			t.Error("a closed listener goes on accepting")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := m.dial(ctx, kindGRPC, anyNode, addr); err == nil {
		t.Error("a closed mux dials")
	}
}
