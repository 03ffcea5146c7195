// Package password hashes passwords and compares them, a few at a time: a comparison
// costs some 50 ms of a processor that proxies. It must never know a user.
package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// MaxLen is how many bytes of a password bcrypt looks at; longer ones are refused.
const MaxLen = 72

// maxWaiting is how many callers wait for their turn; more are told to come back.
const maxWaiting = 64

// ErrBusy says that too many passwords are being compared now.
var ErrBusy = errors.New("too many passwords are being checked now, try again")

// ErrTooLong says that a password has more than [MaxLen] bytes.
var ErrTooLong = fmt.Errorf("a password may have at most %d bytes", MaxLen)

// Hasher hashes and compares. All methods may be called from any number of goroutines;
// they block until it is their turn, and return when ctx ends.
type Hasher struct {
	cost    int
	turns   chan struct{}
	waiting chan struct{}
	nobody  func() string
}

// New returns a hasher that works at a cost: the binary logarithm of the rounds, 0 for
// bcrypt's default. It uses at most a quarter of the processors, and at least one.
func New(cost int) *Hasher {
	if cost == 0 {
		cost = bcrypt.DefaultCost
	}
	h := &Hasher{
		cost:    cost,
		turns:   make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4)),
		waiting: make(chan struct{}, maxWaiting),
	}
	h.nobody = sync.OnceValue(func() string {
		text, err := bcrypt.GenerateFromPassword([]byte("nobody's"), h.cost)
		if err != nil {
			panic(err) // the cost was checked by bcrypt's range when the node started
		}
		return string(text)
	})
	return h
}

// Hash returns what is stored of a password. Errors: [ErrTooLong], [ErrBusy], that of ctx.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxLen {
		return "", ErrTooLong
	}
	if err := h.begin(ctx); err != nil {
		return "", err
	}
	defer h.end()
	text, err := bcrypt.GenerateFromPassword([]byte(password), h.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(text), nil
}

// Compare reports whether hash is that of password. For an empty hash, which is nobody's,
// it works as long as for another and reports false. Errors: [ErrBusy], that of ctx.
func (h *Hasher) Compare(ctx context.Context, hash, password string) (bool, error) {
	if err := h.begin(ctx); err != nil {
		return false, err
	}
	defer h.end()
	known := hash != ""
	if !known {
		hash = h.nobody()
	}
	same := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	return known && same && len(password) <= MaxLen, nil
}

func (h *Hasher) begin(ctx context.Context) error {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return ErrBusy
	}
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) end() { <-h.turns }
