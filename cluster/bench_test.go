package cluster

import (
	"fmt"
	"sync/atomic"
	"testing"
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
