package supervise

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// BenchmarkWill measures from the signal to a worker that holds until the first
// datagram of its will is read, once for each fresh worker.
func BenchmarkWill(b *testing.B) {
	for _, bench := range []struct {
		name, part string
		sig        syscall.Signal
	}{
		{"stop", "hold", syscall.SIGSTOP},
		{"kill", "hold", syscall.SIGKILL},
		{"kill-with-packet-socket", "packets", syscall.SIGKILL},
	} {
		b.Run(bench.name, func(b *testing.B) {
			if bench.part == "packets" {
				testenv.RequireRoot(b)
			}
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				r := start(b, bench.part, nil)
				p := r.worker(1)
				r.await("open /pins")
				b.StartTimer()
				took = append(took, r.untilWill(p, bench.sig))
				b.StopTimer()
				r.signals <- syscall.SIGTERM
				_ = r.end()
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "us/median")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "us/max")
		})
	}
}

func (r *rig) untilWill(p *os.Process, sig syscall.Signal) time.Duration {
	began := time.Now()
	r.signal(p, sig)
	r.gotWills()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.calls, func(c call) bool { return c.name == "got will" })
	return r.calls[i].at.Sub(began)
}
