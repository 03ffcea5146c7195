package gate

import (
	"errors"
	"io/fs"
	"testing"
)

// TestCheck finds what Open will use, and leaves nothing.
func TestCheck(t *testing.T) {
	n := newHost(t)
	must(t, n.Do(func() error {
		found, refused, err := Check("eth0")
		if found != BPF || refused != nil || err != nil {
			t.Errorf("check of eth0: got %q, %v, %v", found, refused, err)
		}
		if _, err := Read("eth0"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the check: got %v, want no gate", err)
		}
		if found, refused, err := Check("eth9"); found == BPF || refused == nil && err == nil {
			t.Errorf("check of an interface that does not exist: got %q, %v, %v", found, refused, err)
		}
		return nil
	}))
}
