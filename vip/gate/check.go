package gate

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
)

// Check reports which backend Open would come to on the interface, as far as can be
// seen without making a gate: the kernel is given the programs and asked about its
// hooks, and all is dropped again. With NFT, refused says why it is not BPF; only
// the netlink socket is tried of nftables. An error means that there can be no gate.
func Check(iface string) (found Backend, refused, err error) {
	if refused = checkBPF(iface); refused == nil {
		return BPF, nil, nil
	}
	if _, err := (&nftables.Conn{}).ListTables(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("bpf: %w", refused), fmt.Errorf("nft: list tables: %w", err))
	}
	return NFT, refused, nil
}

func checkBPF(iface string) error {
	ifi, err := net.InterfaceByName(iface)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", iface, err)
	}
	// Linux 6.6 is the first to have the hooks; the programs do not depend on them.
	if _, err := link.QueryPrograms(link.QueryOptions{Target: ifi.Index, Attach: ebpf.AttachTCXIngress}); err != nil {
		return fmt.Errorf("look at the tcx hooks of %s: %w", iface, err)
	}
	var objs gateObjects
	if err := loadGateObjects(&objs, nil); err != nil {
		return fmt.Errorf("load programs and maps: %w", err)
	}
	return objs.Close()
}
