package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/node"
)

func gateCommand(e *env) *cobra.Command {
	var iface string
	var asJSON bool
	var last int
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Show the gate of an interface: is it open, and what happened to it",
		Long: `Show the gate in the kernel that passes the traffic of the virtual IPs only while
the lease of this node lasts: whether it is open now, until when, what it passed and
dropped, and its journal. The journal is written before each change and outlives the
daemon, so it is the place to look at after a crash. Times are seconds since the host
was started (CLOCK_BOOTTIME). Nothing is changed.`,
		Example: `  amphorad gate --interface eth0
  amphorad gate --interface eth0 --last 100
  amphorad gate --interface eth0 --json`,
		Args: noArgs,
	}
	cmd.Flags().StringVarP(&iface, "interface", "i", "eth0", "the `interface` with the virtual IPs")
	cmd.Flags().IntVar(&last, "last", 20, "so many `records` of the journal, 0 for all; --json has all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		report, err := node.ReadGate(iface)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no gate on %s: no amphorad with that vip.interface has run here, or it was stopped in order", iface)
		}
		if err != nil {
			return err
		}
		if asJSON {
			enc := json.NewEncoder(e.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(report)
		}
		return printGate(e.stdout, report, last)
	}
	return cmd
}

func printGate(w io.Writer, r node.GateReport, last int) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s:\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("interface", "%s", r.Interface)
	line("gate", "%s, by %s", r.State.Verdict, r.State.Backend)
	if left := time.Duration(r.State.Until - r.State.Now); left > 0 {
		line("lease", "term %d, ends in %v", r.State.Term, left.Round(time.Millisecond))
	}
	if r.State.MinTerm > 0 {
		line("floor", "nothing opens it below term %d", r.State.MinTerm)
	}
	var vips []string
	for _, addr := range r.State.VIPs {
		vips = append(vips, addr.String())
	}
	line("guards", "%s", strings.Join(vips, " "))
	for _, way := range []struct {
		name     string
		passed   uint64
		dropped  uint64
		byClaims uint64
	}{
		{"in", r.Stats.Ingress.Passed, r.Stats.Ingress.DroppedExpired + r.Stats.Ingress.DroppedFloor, r.Stats.Ingress.DroppedClaimed},
		{"out", r.Stats.Egress.Passed, r.Stats.Egress.DroppedExpired + r.Stats.Egress.DroppedFloor, r.Stats.Egress.DroppedClaimed},
	} {
		line(way.name, "%d frames passed, %d dropped, %d after a claim of a peer", way.passed, way.dropped, way.byClaims)
	}
	if !r.State.Attached {
		line("problem", "the gate is not at the interface: nothing is guarded there")
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "AT\tWHAT\tTERM\tSENT\tUNTIL")
	records := r.Journal
	if last > 0 && len(records) > last {
		records = records[len(records)-last:]
	}
	for _, rec := range records {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", seconds(rec.At), rec.Kind, rec.Term, seconds(rec.Sent), seconds(rec.Until))
	}
	return t.Flush()
}

// seconds prints an instant of CLOCK_BOOTTIME.
func seconds(ns int64) string {
	if ns == 0 {
		return "-"
	}
	return fmt.Sprintf("%.6f", time.Duration(ns).Seconds())
}
