package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/proxyproto"
)

// probe checks t once. The error says why the member is not healthy, in words
// for an operator. It blocks for at most t.Timeout.
func probe(ctx context.Context, cfg *Config, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	switch t.Type {
	case lb.MonitorPing:
		return probePing(ctx, t)
	case lb.MonitorUDPConnect:
		return probeUDP(ctx, t)
	}
	conn, err := cfg.Dial(ctx, t.Addr)
	if err != nil {
		return describe(ctx, t, "connect", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return probeStream(ctx, cfg, t, conn)
}

// probeStream checks t on a connection to it.
func probeStream(ctx context.Context, cfg *Config, t Target, conn net.Conn) error {
	if t.Announce != "" {
		if _, err := conn.Write(announcement(t.Announce)); err != nil {
			return describe(ctx, t, "send PROXY header", err)
		}
	}
	if t.TLS || t.Type == lb.MonitorHTTPS || t.Type == lb.MonitorTLSHello {
		secure, err := handshake(ctx, cfg, t, conn)
		if err != nil {
			return describe(ctx, t, "TLS handshake", err)
		}
		conn = secure
	}
	if t.Type != lb.MonitorHTTP && t.Type != lb.MonitorHTTPS {
		return nil
	}
	if _, err := io.WriteString(conn, request(t)); err != nil {
		return describe(ctx, t, "send request", err)
	}
	status, err := readStatus(conn, t.Method)
	if err != nil {
		return describe(ctx, t, "read answer", err)
	}
	if !expected(t.ExpectedCodes, status) {
		return fmt.Errorf("status %d, expected %s", status, t.ExpectedCodes)
	}
	return nil
}

// announcement is the PROXY header of a check, as HAProxy sends it: UNKNOWN or LOCAL.
func announcement(p lb.Protocol) []byte {
	own := proxyproto.Header{Local: true}
	if p == lb.ProtocolPROXY {
		return proxyproto.AppendV1(nil, own)
	}
	return proxyproto.AppendV2(nil, own)
}

// describe says what went wrong with t in the step that returned err.
func describe(ctx context.Context, t Target, step string, err error) error {
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v", step, t.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the member closed the connection early", step)
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", step, errno) // the call and the addresses are known
	case errors.As(err, &op):
		return fmt.Errorf("%s: %w", step, op.Err)
	default:
		return fmt.Errorf("%s: %w", step, err)
	}
}
