package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A damaged file is named, and so is the way out.
func TestDamagedFilesSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"raft.db", "node.json"} {
		dir := t.TempDir()
		open := func() error {
			if _, err := LoadIdentity(dir, "test"); err != nil {
				return err
			}
			s, err := openStore(dir)
			if err != nil {
				return err
			}
			return s.Close()
		}
		if err := open(); err != nil {
			t.Fatalf("a new directory: %v", err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		err := open()
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "cluster join") {
			t.Errorf("%s is damaged: got %v, want the file and the way out", name, err)
		}
	}
}
