package netns

import (
	"errors"
	"fmt"
	"runtime"

	vnetns "github.com/vishvananda/netns"
)

// errLeft is what a function that did not return is reported as.
var errLeft = errors.New("the function left its goroutine without returning")

// onThread runs fn on an operating system thread of its own and waits for it.
// fn may change the thread's namespace. Afterwards the thread is put back; one
// that cannot be put back dies with its goroutine, because the runtime would
// otherwise hand it, in the wrong namespace, to any goroutine of the program.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errLeft
		defer func() { done <- err }()

		runtime.LockOSThread()
		origin, e := vnetns.Get()
		if e != nil {
			runtime.UnlockOSThread()
			err = fmt.Errorf("open namespace of the current thread: %w", e)
			return
		}
		defer func() {
			if vnetns.Set(origin) == nil {
				runtime.UnlockOSThread()
			}
			_ = origin.Close()
		}()
		err = fn()
	}()
	return <-done
}
