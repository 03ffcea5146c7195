package health

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// udpWait is how long a member's host has to say that nobody listens. Silence is
// what most protocols answer to an empty datagram (Octavia waits as long, with nc).
const udpWait = time.Second

// probeUDP sends an empty datagram. The member is unhealthy if an ICMP error comes
// back: nobody listens, or there is no way to it. Silence is health.
func probeUDP(ctx context.Context, t Target) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", t.Addr.String())
	if err != nil {
		return describe(ctx, t, "connect", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(min(udpWait, t.Timeout))) // fails on a closed socket only
	if _, err := conn.Write(nil); err != nil {
		return describe(ctx, t, "send datagram", err)
	}
	_, err = conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return describe(ctx, t, "datagram", err)
}
