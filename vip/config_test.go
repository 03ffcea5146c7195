package vip

import (
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	good := Config{Interface: "eth0.100"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, c := range map[string]Config{
		"interface":  {},
		"lifetime":   {Interface: "eth0", Lifetime: 3500 * time.Millisecond},
		"reconcile":  {Interface: "eth0", Reconcile: 11 * time.Second},
		"burst":      {Interface: "eth0", Burst: []time.Duration{time.Second, 0}},
		"repeat":     {Interface: "eth0", Repeat: time.Millisecond},
		"frame_rate": {Interface: "eth0", FrameRate: 1},
	} {
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+":") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: got %v, want an error of %s alone", c, err, field)
		}
	}
	bad := Config{Interface: "a name that is too long", Lifetime: time.Second, Reconcile: -1, Burst: []time.Duration{-1}, Repeat: -1, FrameRate: -1}
	if got := strings.Count(bad.Validate().Error(), "\n") + 1; got != 6 {
		t.Errorf("%d problems, want all 6: %v", got, bad.Validate())
	}
}
