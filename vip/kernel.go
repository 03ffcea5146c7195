package vip

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// Protocol is the address protocol number (IFA_PROTO, Linux 5.18) that marks an
// address as ours. The kernel uses 1 (loopback), 2 (router advertisement) and 3
// (link-local); it leaves the others to user space. The number is also free in
// the list of route protocols (rtnetlink.h), whose low part and 186 to 192 belong
// to routing daemons that an operator may well number alike here.
const Protocol = 0xA3

// maxName is IFNAMSIZ without the NUL: the longest interface name, and label.
const maxName = 15

// errNoInterface says that the interface does not exist now.
var errNoInterface = errors.New("interface not found")

// kernel is what a holder needs of the network stack. Its methods are called
// from one goroutine, but for watch and close.
type kernel interface {
	// look returns the interface and the addresses of all interfaces. It returns
	// errNoInterface when the interface does not exist.
	look() (snapshot, error)
	// put adds addresses with the lifetime; with refresh it extends those that
	// are there. It returns what went wrong, by address.
	put(index int, addrs []netip.Addr, lifetime time.Duration, refresh bool) map[netip.Addr]error
	// remove deletes addresses exactly as look returned them, and returns what
	// went wrong, by address. One that is gone already is no error.
	remove(addrs []address) map[netip.Addr]error
	// around returns the gateways of the interface, then its neighbours by last
	// use.
	around(index int) ([]peer, error)
	// join makes the host listen to these groups on the interface, and no longer
	// to those of the last call.
	join(index int, groups []netip.Addr) error
	// watch calls changed after something about the interface or its addresses
	// may have changed, until close; at once means the link.
	watch(changed func(atOnce bool)) error
	close() error
}

// snapshot is what the kernel had at one moment.
type snapshot struct {
	link  link
	addrs []address
}

// link is the state of the interface.
type link struct {
	index int
	mac   [6]byte
	up    bool   // administratively up, with carrier
	ups   uint32 // how often the carrier came up
}

func (l link) hardwareAddr() net.HardwareAddr { return l.mac[:] }

// address is an address on some interface.
type address struct {
	index  int
	prefix netip.Prefix
	proto  uint8
	label  string        // IPv4 only
	valid  time.Duration // what is left of the lifetime, or forever
}

// forever is the lifetime of an address that does not expire.
const forever = time.Duration(1<<63 - 1)

// ours reports whether the address is one that this package put on the link.
func (a address) ours(l link) bool { return a.proto == Protocol && a.index == l.index }
