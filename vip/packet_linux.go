package vip

import (
	"fmt"
	"net"
	"time"

	"github.com/mdlayher/packet"
)

// sendTimeout bounds the wait for room in a full send queue: the goroutine that
// announces is also the one that takes addresses away.
const sendTimeout = 50 * time.Millisecond

// packetSender sends Ethernet frames through a packet socket, which needs no
// address on the interface. Its frames pass traffic control on egress, so that a
// filter there sees them too.
type packetSender struct {
	conn *packet.Conn
}

func dialPacket(l link) (sender, error) {
	// Protocol 0: the socket receives nothing.
	conn, err := packet.Listen(&net.Interface{Index: l.index}, packet.Raw, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	return &packetSender{conn}, nil
}

func (s *packetSender) send(frame []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("send frame: %w", err)
	}
	if _, err := s.conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]}); err != nil {
		return fmt.Errorf("send frame: %w", err)
	}
	return nil
}

// Close closes the socket.
func (s *packetSender) Close() error { return s.conn.Close() }
