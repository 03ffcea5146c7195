package tlsx

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"testing"
	"time"
)

func keyOf(epoch uint64) [32]byte { return sha256.Sum256([]byte(fmt.Sprint(epoch))) }

// session is some session, with which a ticket can be made.
func session(t testing.TB) *tls.SessionState {
	t.Helper()
	// TLS 1.3, server, suite, time, secret, no extras, no flags, no certificates.
	raw := []byte{3, 4, 1, 0x13, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 'k', 'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	s, err := tls.ParseSessionState(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTickets(t *testing.T) {
	start := time.Unix(1_800_000_000, 0).Truncate(TicketEpoch)
	at := start
	now := func() time.Time { return at }
	a, b := NewTickets(keyOf, now), NewTickets(keyOf, now)
	stranger := NewTickets(nil, now)
	scope, name := []byte("scope"), tls.ConnectionState{ServerName: "a.example"}
	made, err := a.wrap(name, session(t), scope)
	if err != nil {
		t.Fatal(err)
	}
	for step, tt := range []struct {
		epochs int
		opens  bool
	}{{0, true}, {1, true}, {2, true}, {3, false}, {-1, true}, {-2, false}, {0, true}} {
		at = start.Add(time.Duration(tt.epochs) * TicketEpoch)
		for who, ts := range map[string]*Tickets{"maker": a, "other": b} {
			if got := ts.unwrap(made, name, scope) != nil; got != tt.opens {
				t.Errorf("step %d, %d epochs later: the %s opens it: %v, want %v", step, tt.epochs, who, got, tt.opens)
			}
		}
		if n := len(*a.keys.Load()); n > oldEpochs+3 {
			t.Errorf("%d keys are kept", n)
		}
	}
	at = start
	for what, got := range map[string]*tls.SessionState{
		"another key":   stranger.unwrap(made, name, scope),
		"another scope": a.unwrap(made, name, []byte("other")),
		"another name":  a.unwrap(made, tls.ConnectionState{ServerName: "b.example"}, scope),
		"nothing":       a.unwrap(nil, name, scope),
		"its epoch":     a.unwrap(made[:8], name, scope),
	} {
		if got != nil {
			t.Errorf("%s opens it", what)
		}
	}
	if a.unwrap(made, tls.ConnectionState{ServerName: "A.Example"}, scope) == nil {
		t.Error("the case of the name matters")
	}
	for i := range made {
		made[i] ^= 1
		if a.unwrap(made, name, scope) != nil {
			t.Errorf("it opens with byte %d changed", i)
		}
		made[i] ^= 1
	}
}

func FuzzUnwrap(f *testing.F) {
	ts := NewTickets(keyOf, nil)
	made, err := ts.wrap(tls.ConnectionState{}, session(f), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(made[1:])
	f.Fuzz(func(t *testing.T, ticket []byte) {
		if ts.unwrap(ticket, tls.ConnectionState{}, nil) != nil {
			t.Error("a ticket was made without the key")
		}
	})
}
