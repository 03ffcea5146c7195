package node

import (
	"context"
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
