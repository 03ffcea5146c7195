package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/rpc/admin"
)

// complain prints what went wrong, one line each, and what may help.
func (c *cli) complain(err error) {
	text := err.Error()
	if e := (interface{ GRPCStatus() *status.Status })(nil); errors.As(err, &e) {
		text = e.GRPCStatus().Message() // without the words of gRPC around it
	}
	for line := range strings.Lines(text) {
		fmt.Fprintf(c.stderr, "amphoractl: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if hint := c.hint(err); hint != "" {
		fmt.Fprintf(c.stderr, "hint: %s\n", hint)
	}
}

func (c *cli) hint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is amphorad running on this host? --socket or AMPHORA_SOCKET says where it listens"
	case errors.Is(err, admin.ErrNotSocket), errors.Is(err, syscall.ENOTDIR):
		return "--socket or AMPHORA_SOCKET must name the socket that amphorad listens on"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "amphorad is not running: only its socket is left"
	case errors.Is(err, fs.ErrPermission):
		return "run this as root, or as a user of the group that owns the socket and its directory"
	case errors.Is(err, context.Canceled):
		return "interrupted before the node answered: a change may have been made all the same"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("it took longer than %v; --timeout waits longer, amphoractl cluster status shows whether there is a quorum", c.timeout)
	}
	return ""
}
