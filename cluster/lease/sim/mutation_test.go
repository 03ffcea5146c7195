package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// mutation is a deliberate mistake: in a file of package lease, old becomes new. The
// worlds must find every one; else they would not find the same mistake made by
// accident.
type mutation struct {
	name, file, old, new string
	kind                 string // of the worlds that must find it
}

var mutations = []mutation{
	{
		name: "the lease is timed at the receipt of the answers", kind: "duel", file: "holder.go",
		old: "p.seq, p.sent = r.seq, r.sent", new: "p.seq, p.sent = r.seq, m.now",
	}, {
		name: "promises do not travel with the vote", kind: "duel", file: "voter.go",
		old: "for _, p := range m.voter.promises {\n\t\tif p.until > now {", new: "for _, p := range m.voter.promises {\n\t\tif p.until > now && p.until < now {",
	}, {
		name: "a restarted voter takes for granted that it promised nothing", kind: "duel", file: "machine.go",
		old: "m.voter.unknown = now.Add(promised(max(cfg.Timing.Lease, cfg.Timing.Fence)))", new: "m.voter.unknown = Never",
	}, {
		name: "a renewal without progress is a sign of life", kind: "single", file: "watcher.go",
		old: "if msg.Acked > w.acked || (", new: "if msg.Acked >= w.acked || (",
	}, {
		name: "a voter forgets that it granted", kind: "duel", file: "voter.go",
		old: "m.raise(term)\n}\n\n// renewed", new: "_ = term\n}\n\n// renewed",
	}, {
		name: "a holder renews after it voted for another", kind: "duel", file: "holder.go",
		old: "return h.term > 0 && h.term >= m.voter.bar &&", new: "return h.term > 0 &&",
	}, {
		name: "a holder's own lease is missing from its vote", kind: "duel", file: "voter.go",
		old: "if p.until > now {", new: "if p.until > now && p.holder != m.cfg.Self {",
	}, {
		name: "a voter promises a longer lease than its own", kind: "duel", file: "voter.go",
		old: "|| msg.Lease > m.cfg.Timing.Lease {", new: "{",
	}, {
		name: "an answer to another round counts", kind: "duel", file: "holder.go",
		old: "r := &h.rounds[msg.Seq%uint64(len(h.rounds))]\n\tif i < 0 || msg.Term != h.term || r.seq != msg.Seq || r.sent != msg.Sent {",
		new: "r := &h.rounds[h.seq%uint64(len(h.rounds))]\n\tif i < 0 || msg.Term != h.term {",
	}, {
		name: "an answer of an older term counts", kind: "duel", file: "holder.go",
		old: "if i < 0 || msg.Term != h.term ||", new: "if i < 0 ||",
	}, {
		name: "one voter less is a quorum", kind: "duel", file: "machine.go",
		old: "return len(m.voters)/2 + 1", new: "return max(1, len(m.voters)/2)",
	}, {
		name: "a holder does not allow for its clock", kind: "edge", file: "time.go",
		old: "return d - d/100", new: "return d",
	}, {
		name: "a voter does not allow for its clock", kind: "edge", file: "time.go",
		old: "return d + d/50", new: "return d",
	}, {
		name: "a release ends promises of newer terms", kind: "duel", file: "voter.go",
		old: "return p.holder != \"\" && p.term <= m.voter.released[p.holder]", new: "return p.holder != \"\" && m.voter.released[p.holder] > 0",
	}, {
		name: "a release ends promises to other holders", kind: "duel", file: "voter.go",
		old: "return p.holder != \"\" && p.term <= m.voter.released[p.holder]",
		new: "for _, t := range m.voter.released {\n\t\tif p.term <= t {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn false",
	}, {
		name: "a claim does not wait", kind: "duel", file: "claim.go",
		old: "if m.now >= end {", new: "if m.now >= end || true {",
	}, {
		name: "a claim waits for the first free voter only", kind: "duel", file: "claim.go",
		old: "end, firm = ends[need-1], firms[need-1]", new: "end, firm = ends[0], firms[0]",
	}, {
		name: "a claimant does not look at its own promises", kind: "duel", file: "claim.go",
		old: "ownEnd, ownFirm := m.end(m.voter.promises)", new: "ownEnd, ownFirm := m.end(nil)",
	}, {
		name: "a release is sent before the gate is shut", kind: "duel", file: "holder.go",
		old: "m.out = append(m.out, Shut{term})\n\tm.broadcast(releaseCopies, Message{Kind: Released, Term: term})",
		new: "m.broadcast(releaseCopies, Message{Kind: Released, Term: term})\n\tm.out = append(m.out, Shut{term})",
	}, {
		name: "a released term is renewed", kind: "duel", file: "holder.go",
		old: "m.voter.released[m.cfg.Self] = max(m.voter.released[m.cfg.Self], term)", new: "_ = term",
	}, {
		name: "a late tick renews a lease that has run out", kind: "chaos", file: "machine.go",
		old: "m.expire() // whatever", new: "_ = 0 // whatever",
	}, {
		name: "nobody asks the others when the holder is silent", kind: "single", file: "watcher.go",
		old: "m.out = append(m.out, Campaign{Why: why})", new: "_ = why",
	}, {
		name: "a deaf node agrees to every campaign", kind: "single", file: "watcher.go",
		old: "case m.now < agree && w.holder != msg.From:", new: "case agree == -1:",
	}, {
		name: "silence counts while this node was cut off itself", kind: "pair", file: "solo.go",
		old: "return promised(t.Fence) + t.Settle + t.Renew", new: "return t.Renew",
	}, {
		name: "an answer for a virtual IP does not matter", kind: "pair", file: "solo.go",
		old: "case !e.Network || e.Occupied:", new: "case !e.Network:",
	}, {
		name: "evidence counts from its arrival", kind: "pair", file: "solo.go",
		old: "e.Sent.Add(held(m.cfg.Timing.Fence))", new: "m.now.Add(held(m.cfg.Timing.Fence))",
	}, {
		name: "an old holder does not hand over", kind: "planned", file: "claim.go",
		old: "m.release(term, \"handed over to \"+string(msg.From))", new: "_ = msg",
	},
}

// TestMutations plants every mistake and runs worlds until one goes wrong. The
// mistakes are made in copies that only the compiler sees.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program for every mutation")
	}
	const parallel = 2
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, m := range mutations {
		if only := os.Getenv("MUTANT"); only != "" && !strings.Contains(m.name, only) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := m.caught(t.TempDir()); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		})
	}
	wg.Wait()
}

// caught builds the program with the mistake in it and runs it.
func (m mutation) caught(dir string) error {
	file, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return fmt.Errorf("%q occurs %d times in %s, not once", m.old, n, m.file)
	}
	mutant := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(mutant, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: mutant}})
	if err != nil {
		return err
	}
	overlayFile, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "run")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-overlay", overlayFile, "-o", program, "./run").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	out, err := exec.Command(program, "-quiet", "-seeds", "80", "-steps", "60000", "-kind", m.kind).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
		if os.Getenv("MUTANTS") != "" {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			fmt.Println(m.name, "=>", lines[len(lines)-2])
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("run: %w\n%s", err, out)
	}
	return errors.New("no world found it")
}
