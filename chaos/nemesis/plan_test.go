package nemesis

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlan(t *testing.T) {
	const n = 500
	texts := func(seed uint64) (all []string) {
		for _, s := range plan(seed, n) {
			all = append(all, s.String()+" "+s.last.String())
		}
		return all
	}
	if diff := cmp.Diff(texts(7), texts(7)); diff != "" {
		t.Errorf("the same seed gave another plan: %s", diff)
	}
	if cmp.Equal(texts(7), texts(8)) {
		t.Error("two seeds gave the same plan")
	}
	seen := map[string]bool{}
	for i, s := range plan(3, n) {
		if i < len(families) {
			seen[s.family.name] = true
		}
		if s.last < s.family.least || s.last > s.family.most {
			t.Errorf("%v lasts %v", s, s.last)
		}
		if s.family.between != (s.other != nobody) || s.other != nobody && s.other == s.target {
			t.Errorf("%v is between %q and %q", s, s.target, s.other)
		}
		for _, p := range profiles {
			if b := s.bound(p); b < p.calm || b > time.Minute {
				t.Errorf("%v has the bound %v", s, b)
			}
		}
	}
	if len(seen) != len(families) {
		t.Errorf("only %d of %d families among the first", len(seen), len(families))
	}
}

// TestHarm: what leaves the holder and its quorum alone allows no outage.
func TestHarm(t *testing.T) {
	for _, s := range plan(1, 500) {
		touchesHolder := s.target == holder || s.target == nobody
		if got := s.harms(); got == none && touchesHolder && !s.family.between || got != none && !touchesHolder && s.family.name != "kill a majority" {
			t.Errorf("%v may do %v", s, got)
		}
	}
}

func TestPick(t *testing.T) {
	for _, name := range []string{"lan-fast", "default"} {
		if p, err := pick(1, name); err != nil || p.name != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if a, _ := pick(1, ""); a == (profile{}) {
		t.Error("no profile by seed")
	}
	if _, err := pick(1, "fast"); err == nil {
		t.Error("an unknown profile is taken")
	}
}
