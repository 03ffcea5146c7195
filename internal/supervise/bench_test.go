package supervise

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkWill measures from the signal to a worker that holds until the first
// datagram of its will is read, once for each fresh worker.
func BenchmarkWill(b *testing.B) {
	for name, sig := range map[string]syscall.Signal{"kill": syscall.SIGKILL, "stop": syscall.SIGSTOP} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				r := start(b, "hold", nil)
				p := r.worker(1)
				r.await("open /pins")
				b.StartTimer()
				took = append(took, r.untilWill(p, sig))
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
