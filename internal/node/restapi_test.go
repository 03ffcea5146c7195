package node

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func TestRESTAPI(t *testing.T) {
	dir := t.TempDir()
	n, err := Open(DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock")))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	b := restAPI{backend{n}}
	testenv.Eventually(t, 10*time.Second, func() error { return b.Sync(t.Context()) })

	before := b.Config().Revision()
	changed := make(chan error, 1)
	go func() { changed <- b.Changed(t.Context(), before) }()
	create := lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("lan")}, CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24")),
	}}
	result, revision, err := b.Propose(t.Context(), "once", false, create)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Config().Subnet(lb.SubnetID(result.ID)); !ok || revision <= before {
		t.Errorf("subnet %s is not there at revision %d", result.ID, revision)
	}
	if err := <-changed; err != nil {
		t.Errorf("changed: %v", err)
	}
	if again, _, err := b.Propose(t.Context(), "once", false, create); err != nil || again != result {
		t.Errorf("the same request again: %v, %v", again, err)
	}
	if _, _, err := b.Propose(t.Context(), "", false, create); !errors.Is(err, lb.ErrConflict) {
		t.Errorf("another subnet of that name: %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if err := b.Changed(short, b.Config().Revision()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("no change: %v", err)
	}
}
