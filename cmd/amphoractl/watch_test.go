package main

import (
	"context"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

// A watch shows what others change, of the kinds that were asked for, until interrupted.
func TestWatch(t *testing.T) {
	testenv.NoLeaks(t)
	target := serve(t, admin.Config{Backend: new(admintest.Backend)})
	change := func(line string) {
		if code := run(t.Context(), testEnv(nil, nil), append(strings.Fields(line), "--socket", target)); code != exitOK {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
	change("network create lan")
	change("subnet create --name public --cidr 192.0.2.0/24")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all []string
	out := &lines{seen: func(line string) {
		all = append(all, line)
		switch len(all) {
		case 1:
			change("subnet set --description changed public")
		case 2:
			change("network set --description changed lan")
			change("subnet delete public")
		case 3:
			cancel()
		}
	}}
	e := testEnv(nil, nil)
	e.stdout = out
	if code := run(ctx, e, []string{"--socket", target, "watch", "--kind", "subnet", "--after", "1", "-o", "json", "--timeout", "1ns"}); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if len(all) != 3 {
		t.Fatalf("%d lines, want 3: %q", len(all), all)
	}
	for i, verb := range []string{"created", "updated", "deleted"} {
		if !strings.Contains(all[i], `"verb":"`+verb+`","kind":"subnet"`) {
			t.Errorf("line %d: %s, want %s", i, all[i], verb)
		}
	}
}

func TestWatchRefusesKinds(t *testing.T) {
	if code := run(t.Context(), testEnv(nil, nil), []string{"watch", "--kind", "balancer"}); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
}
