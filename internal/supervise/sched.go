package supervise

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"unsafe"

	"github.com/amphora-lb/amphora/internal/logkey"
	"golang.org/x/sys/unix"
)

// workerNice puts the worker before the ordinary load of the host, which would
// otherwise cost it a lease now and then.
const workerNice = -10

// Harden makes this process small and hard to starve: little heap, few threads,
// and what it has touched stays in memory. It changes the whole process, so only a
// program that is nothing but a supervisor may call it. What is not permitted is
// left out.
func Harden(logger *slog.Logger) {
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(25)
	debug.FreeOSMemory() // what initialisation has left
	// Without MCL_ONFAULT the whole program would be read in.
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		logger.Debug("supervisor's memory may be paged out", logkey.Err, err)
	}
}

// hurry puts the thread of the caller before all ordinary ones. Threads and
// processes that it makes are ordinary again.
func hurry(logger *slog.Logger) {
	attr := &unix.SchedAttr{Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: 1}
	attr.Size = uint32(unsafe.Sizeof(*attr))
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		logger.Debug("supervisor has no priority of real time", logkey.Err, err)
	}
}

// urgently runs fn in a hurry.
func urgently(logger *slog.Logger, fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		hurry(logger)
		fn()
	}()
	<-done
}

// favoured runs start on a thread of the priority that the worker is to have: all
// of its threads inherit it, which those of a process that runs already would not.
// An operator's own choice of a priority stays.
func favoured(start func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		// The system call answers 20 - nice, so that it is never negative.
		if now, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && now == 20 {
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, workerNice)
		}
		start()
	}()
	<-done
}

// favour makes the worker the kernel's choice before this process when memory runs
// out, where an operator has protected both: of the two, it is the one that can be
// replaced.
func favour(pid int) {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return
	}
	own, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || own >= 0 {
		return
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), strconv.AppendInt(nil, int64(own/2), 10), 0)
}
