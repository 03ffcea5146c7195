package fsm

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/amphora-lb/amphora/lb"
)

// BenchmarkApply measures changes of one resource with the file synced, alone
// and in the batches that raft sends under load.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			f, err := Open(filepath.Join(b.TempDir(), "fsm.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			f.Apply(subnetEntry(b, 1, "", 1))
			index := uint64(1)
			entry := func() *raft.Log {
				index++
				data, err := EncodeCommand(fmt.Sprint(index), lb.Stamp{At: time.Unix(int64(index), 0)}, true,
					lb.UpdateSubnet{ID: lb.SubnetID(testID(1)), Spec: lb.SubnetSpec{
						MetaSpec: lb.MetaSpec{Description: lb.Some(fmt.Sprint(index))},
					}})
				if err != nil {
					b.Fatal(err)
				}
				return &raft.Log{Index: index, Term: 1, Data: data}
			}
			batch := make([]*raft.Log, size)
			for b.Loop() {
				for i := range batch {
					batch[i] = entry()
				}
				f.ApplyBatch(batch)
			}
			b.ReportMetric(float64(index-1)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkEncodeCommand measures the change of one member, as a client that drains
// members makes it, with the check that every node can decode it.
func BenchmarkEncodeCommand(b *testing.B) {
	stamp := lb.Stamp{At: time.Unix(1, 0), ID: testID(1)}
	op := lb.UpdateMember{ID: lb.MemberID(testID(2)), Spec: lb.MemberSpec{Weight: lb.Some(0)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeCommand("request", stamp, true, op); err != nil {
			b.Fatal(err)
		}
	}
}
