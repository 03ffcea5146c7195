package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func key(t *testing.T, b byte) *Key {
	t.Helper()
	k, err := New(bytes.Repeat([]byte{b}, Size))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k := key(t, 1)
	for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("long"), 5000)} {
		sealed, err := k.Seal("id", payload)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(payload)+Overhead {
			t.Errorf("%d bytes sealed are %d, want %d more", len(payload), len(sealed), Overhead)
		}
		if len(payload) > 1 && bytes.Contains(sealed, payload[:4]) {
			t.Error("the payload can be read")
		}
		again, _ := k.Seal("id", payload)
		if bytes.Equal(sealed, again) {
			t.Error("sealed twice alike")
		}
		if got, err := key(t, 1).Open("id", sealed); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("opened %d bytes, %v", len(got), err)
		}
		if _, err := k.Open("other", sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("under another id: %v", err)
		}
		if _, err := key(t, 2).Open("id", sealed); !errors.Is(err, ErrOtherKey) {
			t.Errorf("with another key: %v", err)
		}
		for i := range min(len(sealed), 64) {
			broken := bytes.Clone(sealed)
			broken[i] ^= 1
			if _, err := k.Open("id", broken); err == nil {
				t.Errorf("opened with byte %d changed", i)
			}
			if _, err := k.Open("id", sealed[:i]); len(sealed) > i && err == nil {
				t.Errorf("opened the first %d bytes", i)
			}
		}
	}
}

func TestSign(t *testing.T) {
	k, message := key(t, 1), []byte("message")
	signed := k.Sign(message)
	if got, err := key(t, 1).Verify(signed); err != nil || string(got) != "message" {
		t.Errorf("verified %q, %v", got, err)
	}
	if _, err := key(t, 2).Verify(signed); !errors.Is(err, ErrForged) {
		t.Errorf("with another key: %v", err)
	}
	for i := range signed {
		broken := bytes.Clone(signed)
		broken[i] ^= 1
		if _, err := k.Verify(broken); !errors.Is(err, ErrForged) {
			t.Errorf("with byte %d changed: %v", i, err)
		}
		if _, err := k.Verify(signed[:i]); !errors.Is(err, ErrForged) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
}

func TestTicketKey(t *testing.T) {
	k := key(t, 1)
	one := k.TicketKey(41000)
	if one != key(t, 1).TicketKey(41000) {
		t.Error("two nodes have two keys")
	}
	if one == k.TicketKey(41001) || one == key(t, 2).TicketKey(41000) || one == [32]byte{} {
		t.Error("another epoch, or another cluster, has the same key")
	}
}

func TestSecretSize(t *testing.T) {
	if _, err := New(make([]byte, Size-1)); err == nil || !strings.Contains(err.Error(), "not 32") {
		t.Errorf("short secret: %v", err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	made, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || len(made) != Size || bytes.Equal(made, make([]byte, Size)) {
		t.Errorf("made %d bytes with mode %v", len(made), info.Mode())
	}
	if again, err := File(path); err != nil || !bytes.Equal(again, made) {
		t.Errorf("read another secret, %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := File(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("AAAA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := File(short); err == nil || !strings.Contains(err.Error(), "32 bytes in base64") {
		t.Errorf("short: %v", err)
	}
	if _, err := File(filepath.Join(short, "x")); err == nil {
		t.Error("made a file below a file")
	}
}
