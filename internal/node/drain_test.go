package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// What drains is ended, and waited for, when the node holds again; it has its time when
// the node stops, and no more.
func TestDraining(t *testing.T) {
	until := func(d *draining) (ended *bool) {
		ended = new(bool)
		d.begin(func(ctx context.Context) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
			*ended = true
		})
		return ended
	}
	for _, tt := range []struct {
		name string
		end  func(*draining)
		took time.Duration
	}{
		{"holds again", (*draining).end, 0},
		{"stops", func(d *draining) { d.settle(5 * time.Second) }, 5 * time.Second},
		{"stops late", func(d *draining) { d.settle(time.Hour) }, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d draining
				tt.end(&d) // nothing drains
				for range 2 {
					began := time.Now()
					ended := until(&d)
					tt.end(&d)
					if took := time.Since(began); !*ended || took != tt.took {
						t.Errorf("ended %v after %v, want true after %v", *ended, took, tt.took)
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
