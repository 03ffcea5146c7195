package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/cluster"
)

// Packets are sent on as long as somebody may be there who knows what to do with them.
func TestForwardLimit(t *testing.T) {
	for _, tt := range []struct {
		state cluster.State
		limit time.Duration
		ends  bool
	}{
		{cluster.StateAlive, 0, false},
		{cluster.StateUnknown, 0, false},
		{cluster.StateDead, 0, true},
		{cluster.StateLeft, stopDrain + resets, true},
	} {
		nodes := []cluster.Info{{ID: "other", State: cluster.StateAlive}, {ID: "from", State: tt.state}}
		if limit, ends := forwardLimit(nodes, "from"); limit != tt.limit || ends != tt.ends {
			t.Errorf("%v: %v, %v, want %v, %v", tt.state, limit, ends, tt.limit, tt.ends)
		}
	}
	if limit, ends := forwardLimit(nil, "from"); limit != 0 || !ends {
		t.Errorf("a node that was removed: %v, %v, want 0, true", limit, ends)
	}
}

// What drains is ended, and waited for, when the node holds again; it has its time when
// the node stops, and no more.
func TestDraining(t *testing.T) {
	errDone := errors.New("all has ended by itself")
	until := func(d *draining) (why *error) {
		why = new(error)
		d.begin(func(ctx context.Context) {
			select {
			case <-ctx.Done():
				*why = context.Cause(ctx)
			case <-time.After(time.Minute):
				*why = errDone
			}
		})
		return why
	}
	for _, tt := range []struct {
		name string
		end  func(*draining)
		took time.Duration
		why  error
	}{
		{"holds again", func(d *draining) { d.end(nil) }, 0, context.Canceled},
		{"stops", func(d *draining) { d.settle(5 * time.Second) }, 5 * time.Second, errStopping},
		{"stops late", func(d *draining) { d.settle(time.Hour) }, time.Minute, errDone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d draining
				tt.end(&d) // nothing drains
				for range 2 {
					began := time.Now()
					why := until(&d)
					tt.end(&d)
					if took := time.Since(began); !errors.Is(*why, tt.why) || took != tt.took {
						t.Errorf("ended by %v after %v, want %v after %v", *why, took, tt.why, tt.took)
					}
				}
			})
		})
	}
}

// A connection whose handshake is under way when the VIPs leave is not cut off by the
// end of those that were open.
func TestShedWaitsForHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var asked []time.Duration // when, and how long they may take
		once := func(_ context.Context, limit time.Duration) int {
			asked = append(asked, time.Since(begun), limit)
			<-time.After(300 * time.Millisecond) // of the bubble
			return 1
		}
		const limit = 30 * time.Second
		if cut := shed(t.Context(), once, limit); cut != 2 {
			t.Errorf("%d connections reset, want those of both rounds", cut)
		}
		if want := []time.Duration{0, limit, handshakes, limit - handshakes}; !slices.Equal(asked, want) {
			t.Errorf("asked connections to end at, within %v, want %v", asked, want)
		}

		begun, asked = time.Now(), nil
		shed(t.Context(), once, 0)
		if want := []time.Duration{0, 0}; !slices.Equal(asked, want) {
			t.Errorf("after a crash asked at, within %v, want %v", asked, want)
		}

		begun, asked = time.Now(), nil
		ctx, cancel := context.WithTimeout(t.Context(), handshakes/2)
		defer cancel()
		shed(ctx, once, limit)
		if len(asked) != 2 || time.Since(begun) != handshakes/2 {
			t.Errorf("a node that holds again asked at, within %v, and went on after %v", asked, time.Since(begun))
		}
	})
}
