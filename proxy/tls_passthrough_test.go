package proxy

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Write(p)
}

func (j *journal) has(part string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !strings.Contains(j.out.String(), part) {
		return fmt.Errorf("the log lacks %q:\n%s", part, j.out.String())
	}
	return nil
}

// TLS that passes through ends at the member, and its server name is in the log.
func TestHTTPSPassesThroughWithItsName(t *testing.T) {
	var log journal
	r := newRig(t, Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	o := newOrigin(t)
	r.serve(lb.ProtocolHTTPS, tlsPort, nil, o.addr)
	ca := testpki.NewCA(t, "member CA")
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(o.accept(), &tls.Config{Certificates: []tls.Certificate{ca.Issue(nil, "www.example.com")}}).Handshake()
	}()
	c := tls.Client(slowly{r.dial(tlsPort)}, &tls.Config{RootCAs: ca.Pool(), ServerName: "www.example.com"})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, limit, func() error { return log.has("sni=www.example.com") })
}

// slowly sends in two pieces.
type slowly struct{ *net.TCPConn }

func (s slowly) Write(p []byte) (int, error) {
	n, err := s.TCPConn.Write(p[:len(p)/8])
	if err != nil {
		return n, err
	}
	<-time.After(5 * time.Millisecond)
	m, err := s.TCPConn.Write(p[n:])
	return n + m, err
}
