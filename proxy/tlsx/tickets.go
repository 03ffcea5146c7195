package tlsx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// TicketEpoch is how long session tickets are made with one key.
	TicketEpoch = 12 * time.Hour
	// oldEpochs is how many keys before the present one still open tickets.
	oldEpochs = 2
)

// Tickets seals sessions into tickets (RFC 5077, RFC 8446 section 4.6.1) that every
// amphora with the same key source opens. Its methods may be called from any number of
// goroutines, and take no lock.
type Tickets struct {
	key  func(epoch uint64) [32]byte
	now  func() time.Time
	keys atomic.Pointer[map[uint64]cipher.AEAD] // those that are accepted now
}

// NewTickets makes Tickets with a key for each epoch since 1970; key must give the same
// ones on all amphorae. nil: random ones, that nobody else has. now may be nil.
func NewTickets(key func(epoch uint64) [32]byte, now func() time.Time) *Tickets {
	if key == nil {
		var secret [32]byte
		rand.Read(secret[:]) // never fails
		key = func(epoch uint64) [32]byte {
			return sha256.Sum256(binary.BigEndian.AppendUint64(secret[:len(secret):len(secret)], epoch))
		}
	}
	if now == nil {
		now = time.Now
	}
	return &Tickets{key: key, now: now}
}

// aead returns the key of an epoch and the present epoch. nil: it is too old, or too far
// ahead. One ahead is that of an amphora whose clock is.
func (t *Tickets) aead(epoch, present uint64) (cipher.AEAD, error) {
	if epoch+oldEpochs < present || epoch > present+1 {
		return nil, nil
	}
	known := t.keys.Load()
	if known != nil && (*known)[epoch] != nil {
		return (*known)[epoch], nil
	}
	key := t.key(epoch)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	// Random nonces of 96 bits are safe for 2^32 tickets (NIST SP 800-38D, 8.3): both
	// amphorae together may make 99,000 a second.
	made, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	next := map[uint64]cipher.AEAD{epoch: made}
	if known != nil {
		for e, k := range *known {
			if e+oldEpochs >= present {
				next[e] = k
			}
		}
	}
	t.keys.Store(&next) // if another goroutine was faster, one of the two makes it again
	return made, nil
}

func (t *Tickets) present() uint64 {
	return uint64(max(t.now().Unix(), 0)) / uint64(TicketEpoch/time.Second)
}

// enable lets cfg make and accept tickets. They are bound to the scope of the server name,
// which is all that a session must not outlive or leave and has one length for all names,
// and to the name: RFC 6066 section 3.
func (t *Tickets) enable(cfg *tls.Config, scope func(name string) []byte) {
	cfg.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		return t.wrap(cs, ss, scope(cs.ServerName))
	}
	cfg.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		return t.unwrap(ticket, cs, scope(cs.ServerName)), nil
	}
}

func (t *Tickets) wrap(cs tls.ConnectionState, ss *tls.SessionState, scope []byte) ([]byte, error) {
	state, err := ss.Bytes()
	if err != nil {
		return nil, err
	}
	epoch := t.present()
	key, err := t.aead(epoch, epoch)
	if err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint64(nil, epoch)
	return key.Seal(head, nil, state, bound(head, scope, cs.ServerName)), nil
}

// unwrap returns nil for a ticket that is not accepted: the handshake is then a full one.
func (t *Tickets) unwrap(ticket []byte, cs tls.ConnectionState, scope []byte) *tls.SessionState {
	if len(ticket) < 8 {
		return nil
	}
	head, sealed := ticket[:8], ticket[8:]
	key, err := t.aead(binary.BigEndian.Uint64(head), t.present())
	if key == nil || err != nil {
		return nil
	}
	state, err := key.Open(nil, nil, sealed, bound(head, scope, cs.ServerName))
	if err != nil {
		return nil
	}
	ss, err := tls.ParseSessionState(state)
	if err != nil {
		return nil
	}
	return ss
}

// bound is what a ticket is bound to. scope has a fixed length.
func bound(head, scope []byte, name string) []byte {
	b := append(make([]byte, 0, len(head)+len(scope)+len(name)), head...)
	b = append(b, scope...)
	return append(b, strings.ToLower(name)...)
}
