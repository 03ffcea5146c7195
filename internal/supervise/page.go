package supervise

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// EnvFD names the environment variable that tells a process that it is a worker:
// its value is the number of the file descriptor of the page. The next one is the
// line to the supervisor.
const EnvFD = "AMPHORA_SUPERVISOR_FD"

// defaultLimit is five intervals of renewal of the default profile.
const defaultLimit = 250 * time.Millisecond

// ErrGone ends [Page.Run] when the supervisor has died.
var ErrGone = errors.New("the supervisor is gone; stopping, so that a new one finds a clean field")

// Settings is what the supervisor must know of its worker.
type Settings struct {
	// Limit is how long the worker may not beat. 0: 250 ms.
	Limit time.Duration
	// Interface carries the virtual IPs. Empty: this node never holds.
	Interface string
	// Gate is handed to [Config.OpenFloor]: the directory of the gate's pins. Empty:
	// there is no gate.
	Gate string
}

// Will is what the supervisor sends when the worker has died and the gate is shut.
// The zero Will means that nothing is held.
type Will struct {
	Term    uint64
	Packets []Packet
}

// Packet is one UDP datagram, sealed: Data is the whole payload.
type Packet struct {
	To   netip.AddrPort
	Data []byte
}

// Page is the worker's side of the memory that it shares with its supervisor. A nil
// Page is that of a worker without a supervisor: all methods do nothing then.
type Page struct {
	mem  memory
	line *os.File // kicks go out, the end of file means that the supervisor is gone
	fd   int      // of line, which is never closed
}

// Attach opens the page that the supervisor handed over. fd is the value of EnvFD;
// when that is empty there is no supervisor, and the page is nil. It must be called
// once. It leaves a thread behind that sleeps for as long as the process lives: by
// its end the supervisor learns first of the end of the process.
func Attach(fd string) (*Page, error) {
	if fd == "" {
		return nil, nil
	}
	refuse := func(why error) (*Page, error) {
		return nil, fmt.Errorf("%s=%s is set, but that is no supervisor's page: %w; unset it", EnvFD, fd, why)
	}
	n, err := strconv.Atoi(fd)
	if err != nil || n < 3 {
		return refuse(errors.New("it must be the number of a file descriptor above 2"))
	}
	mem, err := mapPage(n)
	if err != nil {
		return refuse(err)
	}
	unix.CloseOnExec(n)
	unix.CloseOnExec(n + 1)
	if err := unix.SetNonblock(n+1, true); err != nil {
		return refuse(fmt.Errorf("descriptor %d: %w", n+1, err))
	}
	mem.pledge()
	return &Page{mem: mem, line: os.NewFile(uintptr(n+1), "supervisor"), fd: n + 1}, nil
}

// mapPage maps a page after checking that its size is fixed: one that shrinks would
// end the process with SIGBUS.
func mapPage(fd int) (memory, error) {
	const fixed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	if seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || seals&fixed != fixed {
		return nil, errors.New("it is not a sealed memory file")
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size != pageSize {
		return nil, errors.New("it has another size")
	}
	mem, err := unix.Mmap(fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map it: %w", err)
	}
	if m := memory(mem); m.word(offMagic).Load() != magic {
		return nil, errors.Join(errors.New("it has another version"), unix.Munmap(mem))
	}
	return mem, nil
}

// Describe tells the settings. It must be called once, before Ready and Publish.
func (p *Page) Describe(s Settings) error {
	if p == nil {
		return nil
	}
	if len(s.Interface) > maxIface || len(s.Gate) > maxGate {
		return fmt.Errorf("describe worker: interface %q may have %d bytes, gate %q %d", s.Interface, maxIface, s.Gate, maxGate)
	}
	p.mem.word(offLimit).Store(uint64(max(s.Limit, 0)))
	p.mem.setText(offIface, s.Interface)
	p.mem.setText(offGate, s.Gate)
	p.mem.word(offKnown).Store(1)
	p.kick()
	return nil
}

// Beat says that the worker is alive: one atomic addition, without a system call.
// The supervisor watches from the first beat on.
func (p *Page) Beat() {
	if p != nil {
		p.mem.word(offBeats).Add(1)
	}
}

// Ready says that the worker has started. A worker that ends before with an error is
// not started again.
func (p *Page) Ready() {
	if p != nil {
		p.mem.word(offReady).Store(1)
		p.kick()
	}
}

// Publish replaces the will. A term must be published before the gate opens in it,
// and the zero Will after the gate is shut. Calls must not overlap; none blocks. A
// will that does not fit is an error: the term is in force nevertheless, but nothing
// will be sent.
func (p *Page) Publish(w Will) error {
	if p == nil {
		return nil
	}
	held := p.mem.word(offTerm).Load()
	err := p.mem.setWill(w)
	if err != nil {
		err = errors.Join(err, p.mem.setWill(Will{Term: w.Term}))
	}
	if held != w.Term {
		p.kick()
	}
	return err
}

// kick wakes the supervisor up. A line that is full has woken it already, and one
// that is broken is noticed by Run.
func (p *Page) kick() { _ = unix.Send(p.fd, []byte{0}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) }

// Run blocks until ctx ends, which must be how the worker stops, and returns nil
// then; or until the supervisor has died, and returns ErrGone. From its return on
// the supervisor takes silence for the worker's way to its end, unless a term is
// held.
func (p *Page) Run(ctx context.Context) error {
	if p == nil {
		<-ctx.Done()
		return nil
	}
	defer p.mem.word(offLeave).Store(1)
	defer context.AfterFunc(ctx, func() { _ = p.line.SetReadDeadline(time.Unix(1, 0)) })()
	var buf [1]byte
	for {
		_, err := p.line.Read(buf[:])
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return ErrGone
		}
	}
}
