package gate

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestOpenAdoptRemove(t *testing.T) {
	n := newHost(t)
	g := open(t, n, Config{Backend: BPF})
	must(t, g.Protect([]netip.Addr{vip4, vip6}))
	must(t, g.Peers([]net.HardwareAddr{peerMAC}))
	extend(t, g, 7, time.Minute)
	if got := verdict(t, g); got != IsOpen {
		t.Fatalf("after Extend the gate is %s", got)
	}
	if _, err := tryOpen(t, n, Config{Backend: BPF}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second Open: got %v, want %v", err, ErrBusy)
	}
	if err := n.Do(func() error { return Remove("eth0") }); !errors.Is(err, ErrBusy) {
		t.Errorf("Remove under a living gate: got %v, want %v", err, ErrBusy)
	}
	must(t, g.Close())

	adopted := open(t, n, Config{Backend: BPF})
	s, err := adopted.State()
	must(t, err)
	want := State{
		Backend: BPF, Verdict: Expired, Attached: true, Term: 7,
		VIPs: []netip.Addr{vip4, vip6}, Peers: []string{peerMAC.String()},
	}
	less := cmpopts.SortSlices(netip.Addr.Less)
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, s, less, same, cmpopts.IgnoreFields(State{}, "Now", "Sent")); diff != "" {
		t.Errorf("adopted state (-want +got):\n%s", diff)
	}
	if err := adopted.Extend(6, now(), now()+1e9); err == nil {
		t.Error("an older term opened the gate")
	}
	must(t, adopted.Protect([]netip.Addr{vip6}))
	var r Report
	must(t, n.Do(func() (err error) { r, err = Read("eth0"); return err }))
	if diff := cmp.Diff([]netip.Addr{vip6}, r.State.VIPs, same); diff != "" || !r.State.Attached || r.Torn != 0 {
		t.Errorf("report: %+v", r.State)
	}
	var kinds []Kind
	for _, rec := range r.Journal {
		kinds = append(kinds, rec.Kind)
	}
	if diff := cmp.Diff([]Kind{KindOpen, KindExtend, KindClose, KindOpen}, kinds); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}

	dir := adopted.Dir()
	must(t, adopted.Close())
	must(t, n.Do(func() error { return Remove("eth0") }))
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
	must(t, n.Do(func() error {
		if _, err := Read("eth0"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read after Remove: %v", err)
		}
		return nil
	}))
}
