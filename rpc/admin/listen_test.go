package admin_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/rpc/admin"
)

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "admin.sock")
	ln, err := admin.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|admin.SocketMode {
		t.Errorf("socket has mode %v, %v", info.Mode(), err)
	}
	if ln.Addr().String() != path {
		t.Errorf("address %s, want %s", ln.Addr(), path)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestListenTakesTheSocketOfTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	closed(t, dead)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no stale socket to begin with: %v", err)
	}
	ln, err := admin.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}

func TestListenLeavesOthersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	ln, err := admin.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := admin.Listen(path); err == nil || !strings.Contains(err.Error(), "another amphorad answers") {
		t.Errorf("over a living socket: %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first one lost its socket: %v", err)
	} else {
		conn.Close()
	}

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen(file); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("over a file: %v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "x" {
		t.Error("the file was touched")
	}
}
