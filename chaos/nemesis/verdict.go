package nemesis

import (
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// judgeLimit bounds the search for a linear order of one register's operations.
const judgeLimit = 30 * time.Second

// Verdict is what the judges found.
type Verdict struct {
	Seed    uint64
	Faults  int
	Writes  int           // changes that were acknowledged
	Lost    int           // of these, objects that are gone
	Dual    time.Duration // how long two gates were open together
	Longest time.Duration // longest gap between two good answers
	Bad     []check.Violation
}

// String is the verdict in one line.
func (v Verdict) String() string {
	word, why := "PASS", ""
	if len(v.Bad) > 0 {
		word, why = "FAIL", fmt.Sprintf(" %d violations, first %v", len(v.Bad), v.Bad[0])
	}
	return fmt.Sprintf("%s seed=%d faults=%d writes=%d lost=%d dual_holder_us=%d longest_outage_ms=%d%s",
		word, v.Seed, v.Faults, v.Writes, v.Lost, v.Dual.Microseconds(), v.Longest.Milliseconds(), why)
}

// judge adds what the records of the run show. It also does when the run broke off.
func (v *Verdict) judge(r *run) {
	journals, known, holes := r.journals.all()
	timeline := check.Timeline(journals)
	dual, bad := check.OneHolder(timeline)
	v.Dual = dual
	v.add(bad, holes, check.Leases(journals, r.profile.lease), check.Unasked(timeline, r.disturbed, r.profile.lease, r.pressure.between))
	if r.sniffer != nil {
		frames, lost := r.sniffer.Frames()
		frames = slices.DeleteFunc(frames, func(f check.Frame) bool { return f.At > known })
		if lost > 0 {
			v.add([]check.Violation{{Invariant: "I4", What: fmt.Sprintf("the sniffer missed %d frames: it proves nothing", lost)}})
		}
		_, bad := check.OneAnswer(frames)
		v.add(bad, check.FromHolder(frames, journals, settle))
	}
	longest, bad := check.Back(answers(r.history), r.windows, r.profile.calm, r.pressure.between)
	v.Longest = longest
	v.add(bad, check.Streams(r.streaming.streams, r.profile.hang()))
	v.Writes = r.writing.count()
	v.add(check.Linearizable(r.writing.ops, judgeLimit), check.OneLeader(r.leaders.all()))
	if err := r.writing.refused; err != nil {
		v.add([]check.Violation{{Invariant: "I5", What: fmt.Sprintf("a change was refused: %v", err)}})
	}
	slices.SortStableFunc(v.Bad, func(a, b check.Violation) int { return int(min(1, max(-1, a.At-b.At))) })
}

func (v *Verdict) add(lists ...[]check.Violation) {
	for _, bad := range lists {
		v.Bad = append(v.Bad, bad...)
	}
}

// answers are the instants of the good answers.
func answers(h chaos.History) []check.Good {
	// Both clocks go at the same speed while the machine is awake.
	wall, boot := time.Now(), wire.Now()
	var all []check.Good
	for _, s := range h {
		if s.Err == nil {
			all = append(all, check.Good{At: boot.Add(s.Ended.Sub(wall))})
		}
	}
	return all
}
