package cluster

import (
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// sealer is memberlist's network transport, through which it also seals messages
// without sending them: with the gossip key and the label, as one datagram that
// memberlist on another node takes for a direct message. So there is no
// cryptography of ours, and what the lease says can be sent by whom and when it
// likes: at once from sockets of its own, or by the supervisor after our death.
type sealer struct {
	*memberlist.NetTransport

	mu     sync.Mutex // one sealing at a time
	sealed []byte     // guarded by mu; what memberlist wanted to send to nobody
}

var _ memberlist.NodeAwareTransport = (*sealer)(nil)

// sealOnly is the name of the node that messages are addressed to for being sealed.
// No node can have it: ids are UUIDs.
const sealOnly = "sealed, not sent"

var nowhere = &memberlist.Node{
	Name: sealOnly, Addr: net.IPv4zero,
	PMin: memberlist.ProtocolVersionMin, PMax: memberlist.ProtocolVersionMax, PCur: memberlist.ProtocolVersion2Compatible,
}

// bindTries is how often any port is tried that TCP and UDP must both have free.
const bindTries = 10

// listenGossip binds the gossip port. With port 0 it takes any.
func listenGossip(addr string, port int, logger *log.Logger) (*sealer, error) {
	tries := 1
	if port == 0 {
		tries = bindTries
	}
	var err error
	for range tries {
		var t *memberlist.NetTransport
		t, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{addr}, BindPort: port, Logger: logger})
		if err == nil {
			return &sealer{NetTransport: t}, nil
		}
	}
	return nil, fmt.Errorf("bind gossip port: %w", err)
}

// WriteToAddress sends a datagram of memberlist, or keeps it if it is to be sealed
// only.
func (s *sealer) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	if to.Name == sealOnly {
		s.sealed = append([]byte(nil), b...) // seal holds mu
		return time.Now(), nil
	}
	return s.NetTransport.WriteToAddress(b, to)
}

// seal returns the datagram that carries msg. It takes no lock of memberlist's, and
// may be called under any.
func (s *sealer) seal(list *memberlist.Memberlist, msg []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := list.SendBestEffort(nowhere, msg); err != nil {
		return nil, fmt.Errorf("seal message: %w", err)
	}
	return s.sealed, nil
}
