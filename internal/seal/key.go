package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// Size is how many bytes a cluster's secret has.
const Size = 32

// Overhead is by how many bytes what [Key.Seal] returns is longer than what it was given.
const Overhead = 1 + idSize + 12 + 16 // version, key's id, nonce, tag

const (
	version = 1
	idSize  = 4
)

// Errors of [Key.Open] and [Key.Verify].
var (
	// ErrOtherKey says that something was sealed by a cluster with another secret.
	ErrOtherKey = errors.New("sealed with another key: compare the files named by cluster.key_file, or bring the old one back")
	// ErrDamaged says that something is not what was sealed, or under that name.
	ErrDamaged = errors.New("the sealed data is damaged")
	// ErrForged says that a signature is not ours.
	ErrForged = errors.New("the signature is not valid")
)

// Key seals and signs. All methods may be called from any number of goroutines, and none
// blocks.
type Key struct {
	payloads cipher.AEAD
	tokens   []byte
	tickets  []byte
	id       []byte // tells keys apart, and nothing about them
}

// New derives the keys from a secret of [Size] bytes: one for each purpose (HKDF, RFC
// 5869), so that what is made for one says nothing about another.
func New(secret []byte) (*Key, error) {
	if len(secret) != Size {
		return nil, fmt.Errorf("derive keys: the secret has %d bytes, not %d", len(secret), Size)
	}
	k := &Key{}
	var aesKey []byte
	for _, d := range []struct {
		key  *[]byte
		use  string
		size int
	}{{&aesKey, "payloads", 32}, {&k.tokens, "tokens", 32}, {&k.tickets, "tickets", 32}, {&k.id, "key id", idSize}} {
		var err error
		if *d.key, err = hkdf.Key(sha256.New, secret, nil, "amphora seal "+d.use+" v1", d.size); err != nil {
			return nil, fmt.Errorf("derive the key for %s: %w", d.use, err)
		}
	}
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return nil, fmt.Errorf("use the key for payloads: %w", err)
	}
	// Random nonces of 96 bits are safe for 2^32 payloads (NIST SP 800-38D, 8.3).
	if k.payloads, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("use the key for payloads: %w", err)
	}
	return k, nil
}

// Seal encrypts payload with AES-256-GCM under the name id: it opens under no other. The
// error is always nil; it is there for sealers that ask another machine.
func (k *Key) Seal(id string, payload []byte) ([]byte, error) {
	out := append([]byte{version}, k.id...)
	return k.payloads.Seal(out, nil, payload, bound(out, id)), nil
}

// Open returns what was sealed under that id. Errors: [ErrOtherKey], [ErrDamaged].
func (k *Key) Open(id string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrDamaged
	}
	head, rest := sealed[:1+idSize], sealed[1+idSize:]
	if string(head[1:]) != string(k.id) {
		return nil, ErrOtherKey
	}
	payload, err := k.payloads.Open(nil, nil, rest, bound(head, id))
	if err != nil {
		return nil, ErrDamaged
	}
	return payload, nil
}

// bound is what a payload is bound to: its head and its id.
func bound(head []byte, id string) []byte { return append(append([]byte{}, head...), id...) }

// SignatureSize is the length of a signature in bytes.
const SignatureSize = sha256.Size

// Sign returns message with a signature behind it (HMAC-SHA256).
func (k *Key) Sign(message []byte) []byte {
	return k.mac(message).Sum(message[:len(message):len(message)])
}

// Verify returns the message that was signed. Error: [ErrForged].
func (k *Key) Verify(signed []byte) ([]byte, error) {
	cut := len(signed) - SignatureSize
	if cut < 0 || !hmac.Equal(k.mac(signed[:cut]).Sum(nil), signed[cut:]) {
		return nil, ErrForged
	}
	return signed[:cut], nil
}

// TicketKey is the key of TLS session tickets for an epoch: the same on every node, for
// ever, and saying nothing about those of other epochs.
func (k *Key) TicketKey(epoch uint64) (key [32]byte) {
	h := hmac.New(sha256.New, k.tickets)
	h.Write(binary.BigEndian.AppendUint64(nil, epoch))
	h.Sum(key[:0])
	return key
}

func (k *Key) mac(message []byte) hash.Hash {
	h := hmac.New(sha256.New, k.tokens)
	h.Write(message)
	return h
}
