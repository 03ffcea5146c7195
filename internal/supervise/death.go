package supervise

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel reports the end of a process to its parent last of all, after it has
// closed its files, and closing one packet socket alone waits for an RCU grace
// period: tens of milliseconds. But it releases the robust futexes of each thread
// first (set_robust_list(2), Documentation/locking/robust-futexes). So one thread of
// the worker owns a futex on the page for as long as it lives, and the supervisor
// waits for it.
const (
	futexOwnerDied = 0x4000_0000
	futexWaiters   = 0x8000_0000
	// futexClosed tells the supervisor's own thread to end.
	futexClosed = ^uint32(0)
)

// robustList is struct robust_list_head of linux/futex.h with its only entry.
type robustList struct {
	next    uintptr // the entry
	offset  int     // of the futex from the entry
	pending uintptr
	entry   uintptr // its next: back to the head
}

func (m memory) death() *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&m[offDeath])) }

// pledge makes the death of this process known by a thread that does nothing but
// live as long as the process. Where it is not possible, wait4 is all there is.
func (m memory) pledge() {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		hurry(slog.New(slog.DiscardHandler)) // also to its death
		list := (*robustList)(unsafe.Pointer(&m[offRobust]))
		at := uintptr(unsafe.Pointer(list))
		list.entry = at
		list.offset = offDeath - (offRobust + int(unsafe.Offsetof(list.entry)))
		list.next = at + unsafe.Offsetof(list.entry)
		const headSize = 24
		if _, _, errno := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, at, headSize, 0); errno == 0 {
			m.death().Store(uint32(unix.Gettid()) | futexWaiters)
			futexWake(m.death())
		}
		close(done)
		select {}
	}()
	<-done
}

// awaitDeath returns true when the worker is about to die, and false after
// closeDeath.
func (m memory) awaitDeath() bool {
	for {
		switch v := m.death().Load(); {
		case v == futexClosed:
			return false
		case v&futexOwnerDied != 0:
			return true
		default:
			futexWait(m.death(), v)
		}
	}
}

func (m memory) closeDeath() {
	m.death().Store(futexClosed)
	futexWake(m.death())
}

const futexOpWait, futexOpWake = 0, 1 // shared between processes

// futexWait returns when the word is no longer v, and sometimes before.
func futexWait(word *atomic.Uint32, v uint32) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWait, uintptr(v), 0, 0, 0)
}

func futexWake(word *atomic.Uint32) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake, 1, 0, 0, 0)
}
