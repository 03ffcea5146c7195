package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// contestant is a system that can be built, again if it has broken down.
type contestant struct {
	name  string
	only  *fault // takes part in this one only; nil: in all
	build func(ctx context.Context) (system, error)
	system
}

// contestants are the systems that the flags ask for.
func (s *settings) contestants() []*contestant {
	var all []*contestant
	for _, p := range s.profiles {
		all = append(all, &contestant{name: oursPrefix + p, build: func(ctx context.Context) (system, error) {
			return newOurs(ctx, s.bin, p)
		}})
	}
	peer := func(k peerKind, only *fault) {
		all = append(all, &contestant{name: k.name, only: only, build: func(context.Context) (system, error) {
			return newPeerPair(k)
		}})
	}
	for _, k := range s.peers {
		peer(k, nil)
	}
	if len(s.peers) > 1 {
		peer(restartPeer, killWorker)
		peer(fastPeer, saturated)
	}
	return all
}

// bench measures all that the settings ask for and prints a table for each fault
// as soon as it is done. The rows so far are returned with an error too.
func bench(ctx context.Context, s settings, out, progress io.Writer) (rows []row, err error) {
	all := s.contestants()
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.end())
		}
	}()
	for _, f := range s.faults {
		var some []*contestant
		for _, c := range all {
			if c.only == nil || c.only == f {
				some = append(some, c)
			}
		}
		for _, c := range some {
			if err := c.begin(ctx); err != nil {
				return rows, err
			}
		}
		results, err := contest(ctx, s, f, some, progress)
		var table []row
		for _, c := range some {
			if len(results[c.name]) > 0 {
				table = append(table, summarize(f, c.name, results[c.name]))
			}
		}
		compare(table)
		printRows(out, f, table)
		rows = append(rows, table...)
		for _, c := range some {
			if c.only != nil {
				err = errors.Join(err, c.end())
			}
		}
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// contest lets one fault happen to each system in turns.
func contest(ctx context.Context, s settings, f *fault, some []*contestant, progress io.Writer) (map[string][]result, error) {
	results := map[string][]result{}
	if f == saturated {
		systems := make([]system, 0, len(some))
		for _, c := range some {
			systems = append(systems, c.system)
		}
		soaked, err := soak(ctx, systems, s.soak, s.busy, progress)
		for _, r := range soaked {
			results[r.System] = append(results[r.System], r)
		}
		for _, c := range some {
			err = errors.Join(err, s.writeLogs(f, 0, c, c.name))
		}
		return results, err
	}
	for i := range s.runs {
		for _, c := range some {
			r, err := measure(ctx, c.system, f)
			if err != nil {
				return results, err
			}
			results[c.name] = append(results[c.name], r)
			fmt.Fprintf(progress, "%s %d/%d %v\n", f.key, i+1, s.runs, r)
			if err := s.keepLogs(f, i, c, r); err != nil {
				return results, err
			}
			if r.Unrecovered == nil {
				continue
			}
			fmt.Fprintf(progress, "  %s did not recover and is built again: %v\n", c.name, r.Unrecovered)
			if err := errors.Join(c.end(), c.begin(ctx)); err != nil {
				return results, err
			}
		}
	}
	return results, nil
}

// keepLogs writes the logs of a run that was not as it should be.
func (s *settings) keepLogs(f *fault, i int, c *contestant, r result) error {
	verdict := summarize(f, c.name, []result{r}).Verdict
	if verdict != short && r.Unrecovered == nil {
		return nil
	}
	return s.writeLogs(f, i, c, fmt.Sprintf("%v\n%v", r, r.Unrecovered))
}

// writeLogs writes what the programs of a system have printed to a file, if there
// is a place for it.
func (s *settings) writeLogs(f *fault, i int, c *contestant, head string) error {
	if s.logs == "" {
		return nil
	}
	path := filepath.Join(s.logs, fmt.Sprintf("%s-%d-%s.log", f.key, i+1, strings.ReplaceAll(c.name, " ", "-")))
	if err := os.WriteFile(path, []byte(head+"\n"+c.logs()), 0o600); err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	return nil
}

// begin builds the system unless it is there.
func (c *contestant) begin(ctx context.Context) (err error) {
	if c.system == nil {
		c.system, err = c.build(ctx)
	}
	if err != nil {
		c.system = nil
	}
	return err
}

// end takes the system down if it is there.
func (c *contestant) end() error {
	if c.system == nil {
		return nil
	}
	err := c.close()
	c.system = nil
	if err != nil {
		return fmt.Errorf("take down %s: %w", c.name, err)
	}
	return nil
}

// describeLoad says how busy the machine is.
func describeLoad(out io.Writer) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	fmt.Fprintf(out, "%s load %s\n", time.Now().UTC().Format(time.DateTime), strings.Join(strings.Fields(string(text))[:3], " "))
}
