package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/internal/node"
)

func TestPrintGate(t *testing.T) {
	var report node.GateReport
	report.Interface = "eth0"
	report.State.Backend, report.State.Verdict, report.State.Attached = "bpf", "open", true
	report.State.Term, report.State.Now, report.State.Until = 7, 1_000_000_000, 1_431_500_000
	report.State.MinTerm = 6
	report.State.VIPs = []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("2001:db8::100")}
	report.Stats.Ingress.Passed, report.Stats.Ingress.DroppedExpired, report.Stats.Ingress.DroppedFloor = 40, 2, 1
	report.Stats.Egress.Passed, report.Stats.Egress.DroppedClaimed = 39, 5
	// As --json prints it: the kinds of records have their names there.
	journal := `[{"seq":1,"at":1,"kind":"open","term":0},
		{"seq":2,"at":900000000,"kind":"extend","term":7,"sent":890000000,"until":1335500000},
		{"seq":3,"at":950000000,"kind":"extend","term":7,"sent":940000000,"until":1431500000}]`
	if err := json.Unmarshal([]byte(journal), &report.Journal); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printGate(&out, report, 2); err != nil {
		t.Fatal(err)
	}
	want := `interface:  eth0
gate:       open, by bpf
lease:      term 7, ends in 432ms
floor:      nothing opens it below term 6
guards:     192.0.2.100 2001:db8::100
in:         40 frames passed, 3 dropped, 0 after a claim of a peer
out:        39 frames passed, 0 dropped, 5 after a claim of a peer

AT        WHAT    TERM  SENT      UNTIL
0.900000  extend  7     0.890000  1.335500
0.950000  extend  7     0.940000  1.431500
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
