package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is how often the watcher asks who has the VIP. Two holders for less
// may go unseen.
const watchEvery = 2 * time.Millisecond

// runWatch asks by ARP every watchEvery who has vip, until ctx ends, and prints a
// line whenever the answer changes: see [holding]. It asks from a host of its
// own, because answers would correct the neighbour cache of a client. Kernels
// answer while the request is being sent, so answers belong to the round in which
// they are read.
func runWatch(ctx context.Context, link string, self, vip netip.Addr, out io.Writer) error {
	iface, err := net.InterfaceByName(link)
	if err != nil {
		return fmt.Errorf("find %s: %w", link, err)
	}
	fd, err := openARP(iface.Index)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	request := whoHas(iface.HardwareAddr, self, vip)
	broadcast := &unix.SockaddrLinklayer{Ifindex: iface.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	last := holding{At: now()}
	fmt.Fprintln(out, last)
	for next := now(); ctx.Err() == nil; next = max(now(), next+instant(watchEvery)) {
		h := holding{At: now()}
		if err := unix.Sendto(fd, request, 0, broadcast); err != nil {
			return fmt.Errorf("ask who has %s: %w", vip, err)
		}
		if h.MACs, err = answers(fd, iface.HardwareAddr, vip, next+instant(watchEvery)); err != nil {
			return fmt.Errorf("hear who has %s: %w", vip, err)
		}
		if !slices.Equal(h.MACs, last.MACs) {
			fmt.Fprintln(out, h)
			last = h
		}
	}
	last.At = now()
	fmt.Fprintln(out, last)
	return nil
}

func openARP(iface int) (int, error) {
	arp := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP)) // htons
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(arp))
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: arp, Ifindex: iface}); err != nil {
		return -1, errors.Join(fmt.Errorf("bind packet socket: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// answers reads until the deadline and returns the hardware addresses that said
// to have vip, sorted.
func answers(fd int, self net.HardwareAddr, vip netip.Addr, deadline instant) ([]string, error) {
	var macs []string
	buf := make([]byte, 128)
	for {
		n, err := unix.Read(fd, buf)
		if err == nil {
			if mac, ok := answer(buf[:n], self, vip); ok && !slices.Contains(macs, mac) {
				macs = append(macs, mac)
			}
			continue
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
		left := deadline.sub(now())
		if left <= 0 {
			slices.Sort(macs)
			return macs, nil
		}
		wait := unix.NsecToTimespec(left.Nanoseconds())
		if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &wait, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}

// whoHas is an ARP request (RFC 826) in an Ethernet frame.
func whoHas(mac net.HardwareAddr, self, vip netip.Addr) []byte {
	b := slices.Concat([]byte{255, 255, 255, 255, 255, 255}, mac, []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, mac, self.AsSlice())
	return append(append(b, make([]byte, 6)...), vip.AsSlice()...)
}

// answer returns who says in frame, an ARP reply to self, that it has vip.
func answer(frame []byte, self net.HardwareAddr, vip netip.Addr) (string, bool) {
	const reply = 2
	if len(frame) < 42 || !slices.Equal(frame[:6], self) || binary.BigEndian.Uint16(frame[20:]) != reply ||
		!slices.Equal(frame[28:32], vip.AsSlice()) {
		return "", false
	}
	return net.HardwareAddr(frame[22:28]).String(), true
}
