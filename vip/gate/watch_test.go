package gate

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// teller is a kernel that tells its events.
type teller struct {
	enforcer
	mem    *memory
	events []gateEvent
}

func (k teller) memory() *memory { return k.mem }

func (k teller) watch(_ context.Context, event func(gateEvent)) error {
	for _, e := range k.events {
		event(e)
	}
	return nil
}

func (k teller) parked(context.Context, func(gateParked)) error { return nil }

// TestClaimsInTheLog looks for who claims what, as people write it: a slice of bytes in
// a record is printed as it is.
func TestClaimsInTheLog(t *testing.T) {
	for what, mac := range map[uint32]string{countClaim: peerMAC.String(), countStranger: strangerMAC.String()} {
		var out strings.Builder
		e := gateEvent{At: 1, What: what, Vip: keyOf(vip4), Mac: macOf(peerMAC)}
		if what == countStranger {
			e.Mac = macOf(strangerMAC)
		}
		g := &Gate{
			log: slog.New(slog.NewTextHandler(&out, nil)), forced: make(chan Event, 1),
			enf: teller{mem: &memory{lease: &gateLease{}}, events: []gateEvent{e}},
		}
		must(t, g.Run(t.Context()))
		if want := fmt.Sprintf("vip=%s mac=%s\n", vip4, mac); !strings.HasSuffix(out.String(), want) {
			t.Errorf("logged %q, want %q at its end", out.String(), want)
		}
	}
}
