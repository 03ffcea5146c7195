package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/netip"
	"testing"
)

func sharedKey(epoch uint64) [32]byte { return sha256.Sum256([]byte(fmt.Sprint("shared", epoch))) }

// A client that was served by one amphora resumes its session on the other.
func TestResumptionAcrossEngines(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		a := newTLSFront(t, Config{TicketKey: sharedKey}, 0, nil)
		// The same configuration, hence the same ids, on another engine.
		b := &tlsFront{front: &front{rig: newRig(t, Config{TicketKey: sharedKey, Secrets: a.vault, Bind: netip.Addr{}})}, vault: a.vault, ca: a.ca}
		b.listener, _, _ = b.serveTLS(nil)
		c := &tlsFront{front: &front{rig: newRig(t, Config{Secrets: a.vault})}, vault: a.vault, ca: a.ca}
		c.serveTLS(nil)
		if a.listener != b.listener {
			t.Fatal("the two engines serve different listeners")
		}
		cache := tls.NewLRUClientSessionCache(0)
		for i, f := range []*tlsFront{a, a, b, c} {
			conn, err := f.enter(nil, func(c *tls.Config) { c.ClientSessionCache, c.MaxVersion = cache, version })
			if err != nil {
				t.Fatal(err)
			}
			if got, want := conn.ConnectionState().DidResume, i == 1 || i == 2; got != want {
				t.Errorf("%s, connection %d: resumed is %v, want %v", tls.VersionName(version), i, got, want)
			}
		}
		if s := b.engine.Stats()[b.listener]; s.Resumed != 1 {
			t.Errorf("%d sessions resumed", s.Resumed)
		}
		// Another name, or another listener, is another session.
		conn, err := a.enter(nil, func(c *tls.Config) {
			c.ClientSessionCache, c.MaxVersion, c.ServerName, c.InsecureSkipVerify = renamed{cache}, version, "x.example", true
		})
		if err != nil || conn.ConnectionState().DidResume {
			t.Errorf("%s: a session is resumed under another name (%v)", tls.VersionName(version), err)
		}
	}
}

// renamed finds the session of www.example.com under every name.
type renamed struct{ tls.ClientSessionCache }

func (r renamed) Get(string) (*tls.ClientSessionState, bool) {
	return r.ClientSessionCache.Get("www.example.com")
}

func (r renamed) Put(string, *tls.ClientSessionState) {}
