package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mkdirTemp(root string) (string, error) { return os.MkdirTemp(root, "") }

func TestIdentityIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	first, err := LoadIdentity(dir, "blue")
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadIdentity(dir, "blue")
	if err != nil || !cmp.Equal(again, first) || first.Cluster != "blue" {
		t.Errorf("first %+v, then %+v, %v", first, again, err)
	}
	other, err := LoadIdentity(t.TempDir(), "blue")
	if err != nil || other.ID == first.ID {
		t.Errorf("two directories share the id %s (%v)", other.ID, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestIdentityRefusals(t *testing.T) {
	tests := []struct {
		name  string
		setup func(t *testing.T, dir string)
		want  []string
		kind  error
	}{
		{"other cluster", func(t *testing.T, dir string) {
			if _, err := LoadIdentity(dir, "red"); err != nil {
				t.Fatal(err)
			}
		}, []string{identityFile, `"red"`, `"blue"`}, ErrWrongCluster},
		{"broken file", func(t *testing.T, dir string) { put(t, dir, identityFile, "{") }, []string{identityFile}, nil},
		{"no uuid", func(t *testing.T, dir string) { put(t, dir, identityFile, `{"id":"x","cluster":"blue"}`) }, []string{identityFile, "id"}, nil},
		{"log without identity", func(t *testing.T, dir string) { put(t, dir, storeFile, "") }, []string{identityFile, storeFile, "missing"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.setup(t, dir)
			_, err := LoadIdentity(dir, "blue")
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %s", err, want)
				}
			}
			if test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("%q is not %q", err, test.kind)
			}
		})
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
