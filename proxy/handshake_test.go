package proxy

import (
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// oddKey is a private key that counts what it is asked, and panics if it shall.
type oddKey struct {
	crypto.Signer
	panics bool
	asked  *atomic.Int32
}

func (k oddKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.asked.Add(1)
	if k.panics {
		panic("odd key")
	}
	return k.Signer.Sign(random, digest, opts)
}

// newOddFront shows a certificate with an oddKey.
func newOddFront(t *testing.T, cfg Config, panics bool) (*tlsFront, *atomic.Int32) {
	asked := new(atomic.Int32)
	return newTLSFront(t, cfg, 0, func(v *vault, s *lb.ListenerSpec) {
		item, err := v.get("default")
		if err != nil {
			t.Fatal(err)
		}
		cert := item.(tls.Certificate)
		cert.PrivateKey = oddKey{cert.PrivateKey.(crypto.Signer), panics, asked}
		v.put("odd", cert)
		s.TLSDefaultRef = some("odd")
	}), asked
}

// hold takes all slots until the function that it returns is called.
func hold(s slots) (giveBack func()) {
	for range cap(s) {
		s <- struct{}{}
	}
	return func() {
		for range cap(s) {
			<-s
		}
	}
}

func TestPanickingHandshakeGivesItsSlotBack(t *testing.T) {
	f, asked := newOddFront(t, Config{}, true)
	for range 2 * cap(f.engine.shaking) {
		if _, err := f.shake(f.config()); err == nil {
			t.Fatal("a handshake succeeded without a key")
		}
	}
	if int(asked.Load()) != 2*cap(f.engine.shaking) {
		t.Errorf("%d handshakes came to the key, want all %d", asked.Load(), 2*cap(f.engine.shaking))
	}
}

// Nothing is computed for clients whose time has passed while they waited.
func TestOverdueHandshakeIsNotComputed(t *testing.T) {
	const timeout = 50 * time.Millisecond
	f, asked := newOddFront(t, Config{HandshakeTimeout: timeout}, false)
	giveBack := hold(f.engine.shaking)
	c := f.dial(tlsPort)
	go func() { _ = tls.Client(c, f.config()).Handshake() }() // ends with c
	testenv.Eventually(t, limit, func() error {
		if f.engine.Stats()[f.listener].Active != 1 {
			return errors.New("the client is not there yet")
		}
		return nil
	})
	<-time.After(2 * timeout)
	giveBack()
	testenv.Eventually(t, limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.HandshakesFailed != 1 {
			return fmt.Errorf("stats: %+v", s)
		}
		return nil
	})
	if asked.Load() != 0 {
		t.Error("a handshake was computed for nobody")
	}
}

// A flood of clients does not keep requests from members that speak TLS.
func TestMembersHandshakesHaveSlotsOfTheirOwn(t *testing.T) {
	b := newBacked(t, 1, nil)
	c := b.secure(b.config())
	testenv.Eventually(t, limit, func() error {
		if b.engine.Stats()[b.listener].Handshakes != 1 {
			return errors.New("the engine has not read the end of the client's handshake yet")
		}
		return nil
	})
	defer hold(b.engine.shaking)()
	c.send(getRoot)
	m, _, err := b.serveTLS(0, b.named("www.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	b.pass(c, m)
}
