package lb

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// stored returns the resources of a small configuration, one of each kind.
func storedObjects(t *testing.T) []any {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	b := w.loadBalancer(s)
	p := w.pool(b, ProtocolHTTP)
	spec := listenerSpec(b, ProtocolHTTP, 80)
	spec.DefaultPoolID = Some(p)
	w.do(CreateListener{Spec: spec})
	w.monitor(p, MonitorHTTP)
	member := memberSpec(p, "10.0.0.1", 80)
	member.SubnetID = Some(s)
	w.do(CreateMember{Spec: member})
	return slices.Collect(w.cfg.Objects())
}

func TestBuildTakesAnyOrder(t *testing.T) {
	objects := storedObjects(t)
	want, err := Build(7, slices.Values(objects))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(objects)
	got, err := Build(7, slices.Values(objects))
	if err != nil {
		t.Fatal(err)
	}
	if dump(got) != dump(want) {
		t.Errorf("in reverse order\n%s\nwant\n%s", dump(got), dump(want))
	}
	if got.Revision() != 7 {
		t.Errorf("revision %d, want 7", got.Revision())
	}
}

func TestBuildRefusesDamage(t *testing.T) {
	for _, o := range storedObjects(t) {
		kind, id := identify(o)
		t.Run("twice "+string(kind), func(t *testing.T) {
			_, err := Build(1, slices.Values(append(storedObjects(t), o)))
			wantDamage(t, err, id)
		})
		if kind == KindListener || kind == KindHealthMonitor || kind == KindMember {
			continue // nothing is below or refers to these
		}
		t.Run("without "+string(kind), func(t *testing.T) {
			left := slices.DeleteFunc(storedObjects(t), func(o any) bool { k, _ := identify(o); return k == kind })
			_, err := Build(1, slices.Values(left))
			wantDamage(t, err, "")
		})
	}
	for name, damage := range map[string]func(any){
		"VIP outside": func(o any) {
			if b, ok := o.(*LoadBalancer); ok {
				b.VIPAddress = addr("10.0.0.1")
			}
		},
		"default pool missing": func(o any) {
			if l, ok := o.(*Listener); ok {
				l.DefaultPoolID = PoolID(testID(99))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := storedObjects(t)
			for _, o := range objects {
				damage(o)
			}
			_, err := Build(1, slices.Values(objects))
			wantDamage(t, err, "")
		})
	}
	t.Run("stranger", func(t *testing.T) {
		_, err := Build(1, slices.Values([]any{42}))
		wantDamage(t, err, "")
	})
}

func wantDamage(t *testing.T, err error, id string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Msg, "damaged") || id != "" && e.ID != id {
		t.Fatalf("error %v, want damage at %q", err, id)
	}
}
