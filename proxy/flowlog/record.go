package flowlog

import (
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// Record is what is known of one request, or of one TCP connection, when it has ended.
// [Log.Add] keeps nothing of it.
type Record struct {
	Project      string
	LoadBalancer lb.LoadBalancerID
	Listener     lb.ListenerID
	Pool         lb.PoolID   // "": none was chosen
	Member       lb.MemberID // "": none was reached
	Client       netip.AddrPort
	Duration     time.Duration // up to now
	BytesIn      uint64        // received from the client
	BytesOut     uint64        // sent to the client
	End          End

	// Of requests only:
	HTTP   bool
	Method []byte // nil: the request could not be read
	Target []byte
	Host   []byte
	Proto  string // such as "HTTP/1.1"
	Status int    // 0: the client got no answer

	// Of clients that spoke TLS with the engine only:
	TLS        string // such as "TLSv1.3"; "": none
	ServerName string // that the client asked for
	Verified   bool   // it has shown a certificate, which was verified
	Subject    string // of that certificate, as /C=DE/CN=client
}

// End is how a session ended, in the first two of HAProxy's four letters: who ended it,
// and when.
type End [2]byte

// The ends, see HAProxy's configuration manual, section 8.5.
var (
	EndOK            = End{'-', '-'}
	EndClientBody    = End{'C', 'D'} // the client left while data moved
	EndClientRequest = End{'C', 'R'} // the client left before its request was there
	EndClientSlow    = End{'c', 'D'} // the client stalled
	EndBadRequest    = End{'P', 'R'} // the engine refused the request
	EndOwn           = End{'L', 'R'} // the engine answered by itself, such as with a redirect
	EndNoMember      = End{'S', 'C'} // no member could be connected to
	EndMemberHead    = End{'S', 'H'} // the member ended before its response
	EndMemberSlow    = End{'s', 'H'} // the member sent no response in time
	EndBadResponse   = End{'P', 'H'} // the engine refused the response
	EndMemberBody    = End{'S', 'D'} // the member ended within its response
)
