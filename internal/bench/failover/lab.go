package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// link is the interface of every host of a lab.
const link = "eth0"

// watcherHost is the last byte of the watcher's address in every lab.
const watcherHost = 3

// labAddr is an address of a lab: RFC 5737, for documentation, as chaos uses.
func labAddr(host byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, host}) }

func labPrefix(host byte) netip.Prefix { return netip.PrefixFrom(labAddr(host), 24) }

// webServers are the members.
type webServers struct {
	servers []*http.Server
	ended   chan error
}

// start serves on port 80 of the host.
func (w *webServers) start(h *chaos.Host) error {
	ln, err := h.Listen(80)
	if err != nil {
		return fmt.Errorf("start web server on %s: %w", h.Name, err)
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, h.Name) // the client that left needs no answer
	})}
	if w.ended == nil {
		w.ended = make(chan error)
	}
	w.servers = append(w.servers, s)
	go func() { w.ended <- s.Serve(ln) }()
	return nil
}

// close ends the servers and waits for them.
func (w *webServers) close() error {
	var errs []error
	for _, s := range w.servers {
		errs = append(errs, s.Close())
		if err := <-w.ended; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tails is the end of each file.
func tails(paths ...string) string {
	var b strings.Builder
	for _, path := range paths {
		const end = 64 << 10
		text, _ := os.ReadFile(path) // nothing to show: nothing is shown
		fmt.Fprintf(&b, "--- %s\n%s\n", path, text[max(0, len(text)-end):])
	}
	return b.String()
}
