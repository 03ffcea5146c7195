package vip

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
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
}

func openKernel(iface string) (kernel, error) { return openRTNL(iface) }

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

func (k *rtnl) watch(changed func()) error {
	for {
		msgs, from, err := k.events.Receive()
		switch {
		case k.closed.Load() || errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, unix.ENOBUFS):
			changed() // events were dropped; the next look sees what they said
			continue
		case err != nil:
			return fmt.Errorf("receive netlink events: %w", err)
		case from.Pid != nl.PidKernel:
			continue
		}
		for _, m := range msgs {
			if k.concerns(m.Header.Type, m.Data) {
				changed()
				break
			}
		}
	}
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
