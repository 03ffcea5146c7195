package admintest

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// Serve serves cfg, with an empty [Backend] and log of events where it has
// none, on a unix socket of its own. It returns the socket's target and what
// stops the server and removes the socket.
func Serve(cfg admin.Config) (target string, stop func() error, err error) {
	if cfg.Backend == nil {
		cfg.Backend = new(Backend)
	}
	if cfg.Events == nil {
		cfg.Events = event.NewLog(event.Config{Node: "a"})
	}
	server, err := admin.NewServer(cfg)
	if err != nil {
		return "", nil, err
	}
	// Not the test's own folder: the path of a unix socket is at most 107 bytes.
	dir, err := os.MkdirTemp("", "admin")
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, "s")
	ln, err := admin.Listen(path)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, ln) }()
	return "unix://" + path, func() error {
		cancel()
		return errors.Join(<-served, os.RemoveAll(dir))
	}, nil
}
