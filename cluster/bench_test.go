package cluster

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// BenchmarkPropose commits on three nodes of this machine, each write synced on a
// majority, by 16 callers at a time. Through a follower each goes over gRPC.
func BenchmarkPropose(b *testing.B) {
	nodes := trio(b)
	leader := awaitLeader(b, nodes...)
	for name, via := range map[string]*testNode{"leader": leader, "follower": others(nodes, leader)[0]} {
		b.Run(name, func(b *testing.B) {
			var n atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := via.propose(fmt.Sprintf("%s-%d-%d", name, b.N, n.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkFailover measures how long no gate is open, on three nodes of this
// machine that share its disk: when the holder's process dies and its supervisor
// sends the will, when both die, and when the virtual IPs are moved on purpose.
func BenchmarkFailover(b *testing.B) {
	for _, profile := range []Profile{Default, LANFast} {
		for name, end := range map[string]func(testing.TB, *holder){
			"will":    func(t testing.TB, h *holder) { h.die(); h.gate.supervise(t) },
			"crash":   func(_ testing.TB, h *holder) { h.die() },
			"planned": func(t testing.TB, h *holder) { must(t, h.Transfer(within(t, patience), "")) },
		} {
			b.Run(fmt.Sprintf("%s/%s", profile, name), func(b *testing.B) {
				amphorae, _, book := holders(b, func(c *Config) { c.Profile = profile })
				var gaps []time.Duration
				for b.Loop() {
					old := awaitHolder(b, amphorae...)
					next := old.other(amphorae)
					eventually(b, "the standby hears the holder", func() bool { return next.agent.view().Open })
					awaitSuccessor(b, old)
					eventually(b, "the standby knows what it promised", func() bool {
						return !slices.ContainsFunc(next.agent.voteAnswered(0, false), func(p lease.Promise) bool { return p.Holder == "" })
					})
					eventually(b, "the standby has the log", func() bool { return next.tail.end() == old.tail.end() })
					end(b, old)
					awaitHolder(b, next)
					gaps = append(gaps, book.gap())
					b.Logf("%v %+v", book.gap(), next.status("").Last)
					if name != "planned" {
						old.halt()
						amphorae[slices.Index(amphorae, old)] = old.again(book)
					}
				}
				slices.Sort(gaps)
				b.ReportMetric(float64(gaps[len(gaps)/2].Microseconds())/1000, "ms/median")
				b.ReportMetric(float64(gaps[len(gaps)-1].Microseconds())/1000, "ms/max")
			})
		}
	}
}
