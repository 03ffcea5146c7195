package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of CPU times in /proc, fixed by the kernel's ABI.
const userHZ = 100

// cpuTime is the time that the threads of a process have run, in nanoseconds by
// the scheduler's own count. It contains the softirq work that ran on top of
// them: on veth and loopback a sender pays for the receiver's part of the stack.
// That is the same for every proxy, but makes the figure one of the proxy in its
// surroundings, not of its code.
//
// User and system time are not told apart: kernels with tick accounting sample
// the split.
type cpuTime struct {
	threads map[string]time.Duration
	total   time.Duration // of all threads, ended ones included, to 10 ms
}

// readCPU reads the CPU time of a process.
func readCPU(pid int) (cpuTime, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	tasks, err := filepath.Glob(filepath.Join(dir, "task", "*", "schedstat"))
	if err != nil || len(tasks) == 0 {
		return cpuTime{}, fmt.Errorf("read CPU time of process %d: it is gone, or the kernel has no schedstat", pid)
	}
	c := cpuTime{threads: make(map[string]time.Duration, len(tasks))}
	for _, path := range tasks {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended since; sub notices
		}
		ns, _, _ := strings.Cut(string(data), " ")
		n, err := strconv.ParseInt(ns, 10, 64)
		if err != nil {
			return cpuTime{}, fmt.Errorf("read %s: %w", path, err)
		}
		c.threads[path] = time.Duration(n)
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return cpuTime{}, fmt.Errorf("read CPU time: %w", err)
	}
	// The name, in parentheses, may hold anything; utime and stime are the 12th
	// and 13th field after it (proc(5)).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return cpuTime{}, fmt.Errorf("read CPU time of process %d: %w", pid, err)
		}
		c.total += time.Duration(n) * time.Second / userHZ
	}
	return c, nil
}

// sub is the time since an earlier reading: exact as long as no thread ended in
// between, else to 20 ms.
func (c cpuTime) sub(before cpuTime) time.Duration {
	var sum time.Duration
	for id, d := range c.threads {
		sum += d - before.threads[id]
	}
	for id := range before.threads {
		if _, ok := c.threads[id]; !ok {
			return c.total - before.total
		}
	}
	return sum
}

// readAll reads the CPU time of several processes.
func readAll(processes []*process) ([]cpuTime, error) {
	var all []cpuTime
	for _, p := range processes {
		t, err := readCPU(p.pid())
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// spentSince is the CPU time of all processes together since readAll.
func spentSince(before []cpuTime, processes []*process) (time.Duration, error) {
	after, err := readAll(processes)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for i := range after {
		sum += after[i].sub(before[i])
	}
	return sum, nil
}

// machineTime is what all CPUs together have done.
type machineTime struct{ busy, steal time.Duration }

// readMachine reads the CPU times of the machine (proc(5), /proc/stat).
func readMachine() (machineTime, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}, fmt.Errorf("read CPU time of the machine: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal ...
	if len(fields) < 9 {
		return machineTime{}, fmt.Errorf("read CPU time of the machine: %q is not what proc(5) says", line)
	}
	var m machineTime
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return machineTime{}, fmt.Errorf("read CPU time of the machine: %w", err)
		}
		d := time.Duration(n) * time.Second / userHZ
		switch i {
		case 3, 4: // idle, iowait
		case 7:
			m.steal = d
		default:
			m.busy += d
		}
	}
	return m, nil
}

func (m machineTime) sub(before machineTime) machineTime {
	return machineTime{m.busy - before.busy, m.steal - before.steal}
}

// machine is what a result depends on.
type machine struct {
	Kernel            string `json:"kernel"`
	CPU               string `json:"cpu"`
	CPUs              int    `json:"cpus"`
	Go                string `json:"go"`
	CongestionControl string `json:"congestion_control"` // of the host's own namespace
}

func describeMachine() machine {
	first := func(path, prefix string) string {
		data, _ := os.ReadFile(path) // not known: empty
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, prefix) {
				_, value, found := strings.Cut(line, ":")
				if !found {
					value = line
				}
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	return machine{
		Kernel: first("/proc/sys/kernel/osrelease", ""), CPU: first("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(),
		Go: runtime.Version(), CongestionControl: first("/proc/sys/net/ipv4/tcp_congestion_control", ""),
	}
}
