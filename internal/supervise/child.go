package supervise

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// child is a worker, as its supervisor sees it.
type child struct {
	pid    int
	mem    memory
	guard  *guard
	events <-chan unix.WaitStatus // each end, stop and continuation, after the guard has acted
	kicks  <-chan struct{}        // the worker has changed its page
	signal func(unix.Signal) error
	turns  func() turns
	close  func() // only after its end
}

// pageFD is the worker's number of the page; the line comes next.
const pageFD = 3

// starter starts workers as processes.
type starter struct {
	cfg   Config
	mouth *mouth
}

func (s *starter) start() (_ *child, err error) {
	page, mem, err := createPage()
	if err != nil {
		return nil, err
	}
	defer page.Close() // the worker has its own
	ours, theirs, err := openLine()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	proc, err := s.spawn(page, theirs)
	if err != nil {
		ours.Close()
		_ = unix.Munmap(mem)
		return nil, fmt.Errorf("start worker: %w", err)
	}
	favour(proc.Pid)

	g := &guard{mem: mem, openFloor: s.cfg.OpenFloor, release: s.cfg.Release, send: s.mouth.send, logger: s.cfg.Logger}
	events, kicks := make(chan unix.WaitStatus, 8), make(chan struct{}, 1)
	var loops sync.WaitGroup
	loops.Go(func() { attend(proc.Pid, g, events, s.cfg) })
	loops.Go(func() { mourn(g, s.cfg) })
	loops.Go(func() { listen(ours, kicks) })
	return &child{
		pid: proc.Pid, mem: mem, guard: g, events: events, kicks: kicks,
		// os.Process signals through a pidfd: never somebody else's process.
		signal: func(sig unix.Signal) error { return proc.Signal(sig) },
		turns:  func() turns { return readTurns(proc.Pid) },
		close: func() {
			ours.Close()
			mem.closeDeath()
			loops.Wait()
			_ = proc.Release()
			_ = g.close()
			_ = unix.Munmap(mem)
		},
	}, nil
}

func (s *starter) spawn(page, line *os.File) (proc *os.Process, err error) {
	attr := &os.ProcAttr{
		Env:   append(workerEnv(s.cfg.Env), fmt.Sprintf("%s=%d", EnvFD, pageFD)),
		Files: []*os.File{s.cfg.Stdin, s.cfg.Stdout, s.cfg.Stderr, pageFD: page, pageFD + 1: line},
	}
	favoured(func() { proc, err = os.StartProcess(s.cfg.Path, s.cfg.Args, attr) })
	return proc, err
}

// workerEnv leaves out what is meant for the process that systemd has started.
func workerEnv(env []string) []string {
	var kept []string
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case envNotify, envWatchdog, envWatchdogPID, EnvFD:
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// createPage makes a page of zeroes in memory that no side can shrink or grow.
func createPage() (*os.File, memory, error) {
	fd, err := unix.MemfdCreate("amphora-supervisor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("make page: %w", err)
	}
	f := os.NewFile(uintptr(fd), "page")
	if err := f.Truncate(pageSize); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("make page: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("seal page: %w", err)
	}
	mem, err := unix.Mmap(fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("map page: %w", err)
	}
	memory(mem).word(offMagic).Store(magic)
	return f, mem, nil
}

// openLine makes the line whose end each side notices when the other dies.
func openLine() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make line to the worker: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "supervisor"), nil
}

// attend waits for the worker's ends and stops, and lets the guard act on each
// before anybody else hears of it. It has a thread of its own, which goes before
// all ordinary ones where that is allowed: what it acts on are facts.
func attend(pid int, g *guard, events chan<- unix.WaitStatus, cfg Config) {
	runtime.LockOSThread() // and the thread ends with the goroutine
	hurry(cfg.Logger)
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(pid, &ws, unix.WUNTRACED|unix.WCONTINUED, nil)
		if err == unix.EINTR { //nolint:errorlint // a bare errno of a system call
			continue
		}
		if err != nil {
			// Nobody else waits for it; the kernel knows no such child any more.
			cfg.Logger.Error("worker is lost", logkey.PID, pid, logkey.Err, err)
			ws = unix.WaitStatus(unix.SIGKILL)
		}
		dead := ws.Exited() || ws.Signaled()
		if dead && !inOrder(ws, g.mem) || ws.Stopped() {
			g.act(dead, describe(ws))
		}
		events <- ws
		if dead {
			return
		}
	}
}

// mourn lets the guard act as soon as the worker begins to die. Its other threads
// may still be at work for a moment, so it does not count as dead.
func mourn(g *guard, cfg Config) {
	runtime.LockOSThread()
	hurry(cfg.Logger)
	if g.mem.awaitDeath() {
		g.act(false, "dying")
	}
}

// inOrder tells the end of a worker that has put everything away.
func inOrder(ws unix.WaitStatus, mem memory) bool {
	will, err := mem.will()
	return ws.Exited() && ws.ExitStatus() == 0 && err == nil && mem.term(will) == 0
}

// listen turns bytes on the line into kicks, until the line is closed.
func listen(line *os.File, kicks chan<- struct{}) {
	buf := make([]byte, 64)
	for {
		if _, err := line.Read(buf); err != nil {
			return
		}
		select {
		case kicks <- struct{}{}:
		default:
		}
	}
}
