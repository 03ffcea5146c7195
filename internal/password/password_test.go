package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/amphora-lb/amphora/internal/testenv"
)

func TestHasher(t *testing.T) {
	h := New(bcrypt.MinCost)
	long := strings.Repeat("x", MaxLen)
	for _, stored := range []string{"secret", "", long} {
		hash, err := h.Hash(t.Context(), stored)
		if err != nil || strings.Contains(hash, "secret") {
			t.Fatalf("hash %q, %v", hash, err)
		}
		for _, given := range []string{"secret", "Secret", "", long, long + "x"} {
			if ok, err := h.Compare(t.Context(), hash, given); err != nil || ok != (given == stored) {
				t.Errorf("%q stored, %q given: %v, %v", stored, given, ok, err)
			}
		}
	}
	if ok, err := h.Compare(t.Context(), "", "nobody's"); ok || err != nil {
		t.Errorf("nobody's password: %v, %v", ok, err)
	}
	if _, err := h.Hash(t.Context(), long+"x"); !errors.Is(err, ErrTooLong) {
		t.Errorf("long password: %v", err)
	}
}

func TestTurns(t *testing.T) {
	h := New(bcrypt.MinCost)
	for range cap(h.turns) {
		h.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() {
			_, err := h.Compare(ctx, "", "x")
			ended <- err
		}()
	}
	testenv.Eventually(t, 10*time.Second, func() error {
		if n := len(h.waiting); n < maxWaiting {
			return fmt.Errorf("%d wait, want %d", n, maxWaiting)
		}
		return nil
	})
	if _, err := h.Compare(t.Context(), "", "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range maxWaiting {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited in vain: %v", err)
		}
	}
	h.end()
	if _, err := h.Compare(t.Context(), "", "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
