package supervise

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// turns is how much of the CPU the threads of a process have had, by thread.
type turns map[string]turn

// turn is of one thread, from /proc/<pid>/task/<tid>/schedstat and stat.
type turn struct {
	ran, waited time.Duration // waited: runnable, but not run, up to its last run
	runnable    bool          // now
}

// readTurns returns what it can read: where the kernel has no such figures,
// nothing.
func readTurns(pid int) turns {
	all := turns{}
	dirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, dir := range dirs {
		var t turn
		if data, err := os.ReadFile(filepath.Join(dir, "schedstat")); err != nil {
			continue // the thread is gone
		} else if _, err := fmt.Sscan(string(data), &t.ran, &t.waited); err != nil {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		// The state follows the name, which is in parentheses and may hold any.
		t.runnable = bytes.HasPrefix(data[bytes.LastIndexByte(data, ')')+1:], []byte(" R"))
		all[filepath.Base(dir)] = t
	}
	return all
}

// starved reports whether a thread of the process waited for a CPU for as long as
// limit since before, or has been waiting all the time: then its silence says
// nothing about the process.
func (now turns) starved(before turns, limit time.Duration) bool {
	for id, t := range now {
		old, known := before[id]
		if !known {
			continue
		}
		if t.waited-old.waited >= limit || t.runnable && old.runnable && t.ran == old.ran {
			return true
		}
	}
	return false
}
