package lb

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dump writes out everything that a Config holds, indexes and next allocations
// included, in a form that shares nothing with it.
func dump(c *Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d\n", c.Revision())
	for o := range c.Objects() {
		fmt.Fprintln(&b, show(o))
	}
	for id, n := range c.subnets.All() {
		free, ok := n.free()
		fmt.Fprintf(&b, "%s: free %v %v, members %d, taken %v\n", id, free, ok, n.members, maps.Collect(n.taken.All()))
	}
	for n := range c.Networks() {
		fmt.Fprintf(&b, "%s with %v\n", show(n), c.NetworkSubnets(n.ID))
	}
	for p := range c.Ports() {
		owner, _ := c.PortOwner(p.ID)
		fmt.Fprintf(&b, "%s of %s\n", show(p), owner)
	}
	fmt.Fprintln(&b, maps.Collect(c.refs.All()), maps.Collect(c.flavorNames.All()))
	fmt.Fprintln(&b, maps.Collect(c.names.All()), maps.Collect(c.owners.All()), maps.Collect(c.usage.All()))
	return b.String()
}

// show writes out a resource, and what it points to.
func show(o any) string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%T %s", o, text)
}

func dumpChanges(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %s\n", c.Kind, c.ID, show(c.Object))
	}
	return b.String()
}

// outcome is all that Apply returns, as text.
func outcome(next *Config, result Result, changes []Change, err error) string {
	return fmt.Sprintf("%v %v\n%s%s", result, err, dumpChanges(changes), dump(next))
}

func TestApplyProperties(t *testing.T) {
	worked, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cfg := new(Config)
		store := map[string]any{} // what the changes add up to
		type version struct {
			cfg  *Config
			dump string
		}
		var past []version
		for i := range rapid.IntRange(20, 40).Draw(t, "commands") {
			// Times repeat and run backwards, as they may when leaders change.
			at := time.Unix(1_700_000_000+rapid.Int64Range(0, 3).Draw(t, "time"), 0).UTC()
			cmd := Command{Stamp: Stamp{At: at, ID: testID(i + 1)}, Revision: uint64(2*i + 1), Op: gen{t, cfg}.op()}
			next, result, changes, err := Apply(cfg, cmd)
			want := outcome(next, result, changes, err)
			rebuilt, buildErr := Build(cfg.Revision(), cfg.Objects())
			if buildErr != nil {
				t.Fatalf("build from objects: %v", buildErr)
			}
			if got := outcome(Apply(rebuilt, cmd)); got != want {
				t.Fatalf("%+v gives\n%s\nand on the Config built from storage\n%s", cmd, want, got)
			}
			if err != nil {
				refused++
				checkRefusal(t, cfg, next, result, changes, err)
				continue
			}
			worked++
			checkChanges(t, cfg, next, cmd, result, changes)
			replay(store, changes)
			cfg = next
			past = append(past, version{cfg, dump(cfg)})
		}
		if got, want := dumpStore(maps.Values(store)), dumpStore(cfg.Objects()); got != want {
			t.Fatalf("the changes add up to\n%s\nwant\n%s", got, want)
		}
		for i, v := range past {
			if got := dump(v.cfg); got != v.dump {
				t.Fatalf("Config %d was\n%s\nand became\n%s", i, v.dump, got)
			}
		}
	})
	// The generator must not drift to commands that are all refused.
	if worked < refused/4 || refused == 0 {
		t.Errorf("%d commands worked and %d were refused", worked, refused)
	}
}

func replay(store map[string]any, changes []Change) {
	for _, c := range changes {
		if c.Object == nil {
			delete(store, c.ID)
		} else {
			store[c.ID] = c.Object
		}
	}
}

func dumpStore(objects func(func(any) bool)) string {
	var lines []string
	for o := range objects {
		lines = append(lines, show(o))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// checkRefusal checks that a refused command left nothing behind and said why.
func checkRefusal(t *rapid.T, cfg, next *Config, result Result, changes []Change, err error) {
	if next != cfg || result != (Result{}) || changes != nil {
		t.Fatalf("refused with %v, but returned %v %v and another Config: %v", err, result, changes, next != cfg)
	}
	for _, e := range flatten(err) {
		if e.Kind == nil || e.Resource == "" || e.Msg == "" {
			t.Fatalf("incomplete error %#v", e)
		}
	}
}

// flatten returns the single errors of what Apply returned.
func flatten(err error) []*Error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	var e *Error
	errors.As(err, &e)
	return []*Error{e}
}

// checkChanges checks that nothing but what the changes name was touched.
func checkChanges(t *rapid.T, cfg, next *Config, cmd Command, result Result, changes []Change) {
	if next.Revision() != cmd.Revision {
		t.Fatalf("revision %d, want %d", next.Revision(), cmd.Revision)
	}
	touched, named := map[string]bool{}, false
	for _, c := range changes {
		touched[c.ID] = true
		named = named || c.Kind == result.Kind && c.ID == result.ID
		if c.Object == nil {
			continue
		}
		if kind, id := identify(c.Object); kind != c.Kind || id != c.ID {
			t.Fatalf("change of %s %s holds %s %s", c.Kind, c.ID, kind, id)
		}
		if p, ok := c.Object.(*Pool); ok && (p.Members != nil || p.Monitor != nil) {
			t.Fatalf("stored pool has children: %+v", p)
		}
		if l, ok := c.Object.(*Listener); ok && l.L7Policies != nil {
			t.Fatalf("stored listener has children: %+v", l)
		}
		if q, ok := c.Object.(*L7Policy); ok && q.Rules != nil {
			t.Fatalf("stored L7 policy has children: %+v", q)
		}
	}
	_, batch := cmd.Op.(SetMembers) // of no members may change nothing
	if !named && (!batch || len(changes) > 0) || len(touched) != len(changes) {
		t.Fatalf("result %v, changes %v: the result must be there and nothing twice", result, changes)
	}
	for t2 := range next.Trees() {
		for _, l := range t2.Listeners {
			for i, q := range l.L7Policies {
				if q.Position != i+1 {
					t.Fatalf("policy %d of listener %s has position %d", i+1, l.ID, q.Position)
				}
			}
		}
	}
	for id, old := range cfg.trees.All() {
		now, _ := next.Tree(id)
		if now == old {
			continue
		}
		if !slices.ContainsFunc(append(old.objects(), treeObjects(now)...), func(o any) bool {
			_, id := identify(o)
			return touched[id]
		}) {
			t.Fatalf("tree %s was copied, though nothing in it changed", id)
		}
	}
	for o := range next.Objects() {
		kind, id := identify(o)
		if revision := revisionOf(o); (revision == cmd.Revision) != touched[id] {
			t.Fatalf("%s %s has revision %d after command %d, listed as changed: %v", kind, id, revision, cmd.Revision, touched[id])
		}
	}
}

func treeObjects(t *Tree) []any {
	if t == nil {
		return nil
	}
	return t.objects()
}

// TestFreeIsTheFirstFree compares the search for a free address with a scan.
func TestFreeIsTheFirstFree(t *testing.T) {
	cidr := netip.MustParsePrefix("192.0.2.0/27")
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.Uint64Range(1, 30)
		bounds := rapid.SliceOfNDistinct(host, 4, 4, rapid.ID).Draw(t, "bounds")
		slices.Sort(bounds)
		n := addresses{subnet: &Subnet{CIDR: cidr, Allocations: []Range{
			{at(cidr, bounds[0]), at(cidr, bounds[1])}, {at(cidr, bounds[2]), at(cidr, bounds[3])},
		}}}
		for _, o := range rapid.SliceOfDistinct(host, rapid.ID).Draw(t, "taken") {
			n = n.with(at(cidr, o), "x")
		}
		var want netip.Addr
	scan:
		for _, r := range n.subnet.Allocations {
			for a := r.First; r.Contains(a); a = a.Next() {
				if _, taken := n.holder(a); !taken {
					want = a
					break scan
				}
			}
		}
		if got, ok := n.free(); got != want || ok != want.IsValid() {
			t.Fatalf("free() = %v, %v, want %v", got, ok, want)
		}
	})
}
