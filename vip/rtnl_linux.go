package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// answerTimeout bounds the wait for the kernel's routing lock.
const answerTimeout = 5 * time.Second

// rtnl is the kernel through route netlink, on sockets that stay in the network
// namespace they were opened in.
type rtnl struct {
	iface    string
	requests *nl.NetlinkSocket
	events   *nl.NetlinkSocket
	index    atomic.Int32 // of the interface, 0 while it does not exist
	closed   atomic.Bool
	gateways []netip.Addr // empty: those of the default routes
	groups   groups
}

func openKernel(iface string, gateways []netip.Addr) (kernel, error) {
	k, err := openRTNL(iface)
	if err != nil {
		return nil, err
	}
	k.gateways = gateways
	return k, nil
}

func openRTNL(iface string) (*rtnl, error) {
	requests, err := openRequests()
	if err != nil {
		return nil, err
	}
	// Subscribed before the first look, so that no change falls in between.
	events, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		requests.Close()
		return nil, fmt.Errorf("subscribe to netlink events: %w", err)
	}
	return &rtnl{iface: iface, requests: requests, events: events}, nil
}

func openRequests() (*nl.NetlinkSocket, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	timeout := unix.NsecToTimeval(answerTimeout.Nanoseconds())
	err = errors.Join(s.SetReceiveTimeout(&timeout), s.SetSendTimeout(&timeout), s.SetExtAck(true))
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("set up netlink: %w", err)
	}
	return s, nil
}

func (k *rtnl) close() error {
	k.closed.Store(true)
	k.groups.leave()
	k.requests.Close()
	k.events.Close()
	return nil
}

func (k *rtnl) look() (snapshot, error) {
	l, err := k.lookLink()
	if err != nil {
		k.index.Store(0)
		return snapshot{}, err
	}
	k.index.Store(int32(l.index))
	addrs, err := listAddrs(k.requests)
	return snapshot{link: l, addrs: addrs}, err
}

// execute sends a request and reads the answer. A dump that was interrupted by a
// change is made once more.
func execute(s *nl.NetlinkSocket, req *nl.NetlinkRequest, answer uint16) ([][]byte, error) {
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: s, Seq: req.Seq}}
	msgs, err := req.Execute(unix.NETLINK_ROUTE, answer)
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		msgs, err = req.Execute(unix.NETLINK_ROUTE, answer)
	}
	return msgs, err
}

// executeBatch sends requests that want no data as one message, and returns what
// went wrong, by their place. The kernel answers those that fail, and the last,
// which alone asks for it.
func executeBatch(s *nl.NetlinkSocket, reqs []*nl.NetlinkRequest) map[int]error {
	all := func(err error) map[int]error {
		wrong := make(map[int]error, len(reqs))
		for i := range reqs {
			wrong[i] = err
		}
		return wrong
	}
	reqs[len(reqs)-1].Flags |= unix.NLM_F_ACK
	place := make(map[uint32]int, len(reqs))
	var message []byte
	for i, req := range reqs {
		place[req.Seq] = i
		message = append(message, req.Serialize()...)
	}
	if err := unix.Sendto(s.GetFd(), message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return all(fmt.Errorf("send request: %w", err))
	}
	var wrong map[int]error
	for {
		answers, _, err := s.Receive()
		if err != nil {
			return all(fmt.Errorf("receive answer: %w", err))
		}
		for _, m := range answers {
			i, ours := place[m.Header.Seq]
			if !ours || m.Header.Type != unix.NLMSG_ERROR || len(m.Data) < 4 {
				continue // of a request whose answer came too late
			}
			if errno := -int32(nl.NativeEndian().Uint32(m.Data)); errno != 0 {
				if wrong == nil {
					wrong = map[int]error{}
				}
				wrong[i] = unix.Errno(errno)
			}
			if i == len(reqs)-1 {
				return wrong
			}
		}
	}
}

func (k *rtnl) watch(changed func(atOnce bool)) error {
	var known link
	for {
		msgs, from, err := k.events.Receive()
		switch {
		case k.closed.Load() || errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, unix.ENOBUFS):
			changed(true) // events were dropped; the next look sees what they said
			continue
		case err != nil:
			return fmt.Errorf("receive netlink events: %w", err)
		case from.Pid != nl.PidKernel:
			continue
		}
		any, atOnce := false, false
		for _, m := range msgs {
			if k.concerns(m.Header.Type, m.Data) {
				any = true
				atOnce = atOnce || linkChanged(m, &known)
			}
		}
		if any {
			changed(atOnce)
		}
	}
}

// linkChanged reports whether an event says something new of the link: drivers
// send many that do not.
func linkChanged(m syscall.NetlinkMessage, known *link) bool {
	if m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
		return false
	}
	l, _, err := parseLink(m.Data)
	if m.Header.Type == unix.RTM_DELLINK || err != nil {
		l = link{}
	}
	changed := l != *known
	*known = l
	return changed
}

// concerns keeps the events of a busy host's other interfaces away.
func (k *rtnl) concerns(kind uint16, data []byte) bool {
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, name, err := parseLink(data)
		return err != nil || name == k.iface || l.index == int(k.index.Load())
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		a, err := parseAddr(data)
		return err != nil || a.index == int(k.index.Load())
	default:
		return false
	}
}
