package gate

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"

	"github.com/amphora-lb/amphora/internal/netns"
)

// leftovers fails the test when a program is at eth0 or a table in the namespace.
func leftovers(t *testing.T, n *netns.Namespace) {
	t.Helper()
	ifi, err := n.Interface("eth0")
	must(t, err)
	must(t, n.Do(func() error {
		for _, at := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
			r, err := link.QueryPrograms(link.QueryOptions{Target: ifi.Index, Attach: at})
			if err != nil {
				return err
			}
			if len(r.Programs) > 0 {
				t.Errorf("%d programs are left at %v", len(r.Programs), at)
			}
		}
		tables, err := (&nftables.Conn{}).ListTables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			t.Errorf("table %s is left", table.Name)
		}
		return nil
	}))
}
