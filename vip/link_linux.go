package vip

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func (k *rtnl) lookLink() (link, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(k.iface)))
	msgs, err := execute(k.requests, req, unix.RTM_NEWLINK)
	if errors.Is(err, unix.ENODEV) {
		return link{}, fmt.Errorf("interface %q: %w", k.iface, errNoInterface)
	}
	if err != nil {
		return link{}, fmt.Errorf("read interface %q: %w", k.iface, err)
	}
	if len(msgs) == 0 {
		return link{}, fmt.Errorf("read interface %q: the kernel gave no answer", k.iface)
	}
	l, _, err := parseLink(msgs[0])
	return l, err
}

// parseLink reads the message of one link and returns its name as well.
func parseLink(msg []byte) (link, string, error) {
	if len(msg) < unix.SizeofIfInfomsg {
		return link{}, "", fmt.Errorf("read link: message of %d bytes is too short", len(msg))
	}
	info := nl.DeserializeIfInfomsg(msg)
	attrs, err := nl.ParseRouteAttr(msg[unix.SizeofIfInfomsg:])
	if err != nil {
		return link{}, "", fmt.Errorf("read link: %w", err)
	}
	const up = unix.IFF_UP | unix.IFF_RUNNING
	l := link{index: int(info.Index), up: info.Flags&up == up}
	var name string
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			name = string(bytes.TrimRight(a.Value, "\x00"))
		case unix.IFLA_ADDRESS:
			copy(l.mac[:], a.Value)
		case unix.IFLA_CARRIER_UP_COUNT:
			if len(a.Value) >= 4 {
				l.ups = nl.NativeEndian().Uint32(a.Value)
			}
		}
	}
	return l, name, nil
}
