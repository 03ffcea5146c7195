package node

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
)

func handshake(t *testing.T, client, server []byte) (clientErr, serverErr error) {
	t.Helper()
	configs := make([]*tls.Config, 2)
	for i, key := range [][]byte{client, server} {
		cfg, err := keyTLS(key)
		if err != nil {
			t.Fatal(err)
		}
		configs[i] = cfg
	}
	c, s := net.Pipe()
	defer c.Close()
	done := make(chan error, 1)
	go func() {
		defer s.Close()
		conn := tls.Server(s, configs[1])
		err := conn.HandshakeContext(t.Context())
		if err == nil {
			_, err = conn.Write([]byte("x"))
		}
		done <- err
	}()
	conn := tls.Client(c, configs[0])
	if clientErr = conn.HandshakeContext(t.Context()); clientErr == nil {
		_, clientErr = conn.Read(make([]byte, 1))
	}
	c.Close()
	return clientErr, <-done
}

func TestKeyTLS(t *testing.T) {
	ours, theirs := make([]byte, 32), make([]byte, 32)
	theirs[31] = 1
	if c, s := handshake(t, ours, ours); c != nil || s != nil {
		t.Fatalf("same key: client %v, server %v", c, s)
	}
	c, s := handshake(t, theirs, ours)
	if !errors.Is(c, errOtherKey) && !errors.Is(s, errOtherKey) {
		t.Fatalf("other key: client %v, server %v, want %v", c, s, errOtherKey)
	}
	if s == nil {
		t.Fatal("the server talked to a stranger")
	}
}
