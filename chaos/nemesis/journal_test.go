package nemesis

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/chaos/check"
)

func decode(t *testing.T, text string) (r report) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestJournals: a gate that is read twice, and once more after it was made anew,
// gives one journal.
func TestJournals(t *testing.T) {
	j := &journals{}
	for _, text := range []string{
		`{"interface": "eth0", "state": {"verdict": "open"}, "torn": 0, "journal": [
			{"seq": 1, "at": 10, "kind": "open", "term": 0},
			{"seq": 2, "at": 20, "kind": "extend", "term": 3, "sent": 19, "until": 90}]}`,
		`{"journal": [
			{"seq": 2, "at": 20, "kind": "extend", "term": 3, "sent": 19, "until": 90},
			{"seq": 3, "at": 40, "kind": "raise", "term": 4}]}`,
		`{"journal": [{"seq": 1, "at": 50, "kind": "open", "term": 0}]}`,
	} {
		if err := j.add("a", decode(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	got, bad := j.all()
	want := map[string]check.Journal{"a": {
		{At: 10, Kind: check.Shut},
		{At: 20, Kind: check.Extend, Term: 3, Sent: 19, Until: 90},
		{At: 40, Kind: check.Raise, Term: 4},
		{At: 50, Kind: check.Shut},
	}}
	if diff := cmp.Diff(want, got); diff != "" || bad != nil {
		t.Errorf("%v, -want +got\n%s", bad, diff)
	}
	if err := j.add("a", decode(t, `{"journal": [{"seq": 2, "at": 60, "kind": "sesame"}]}`)); err == nil {
		t.Error("a kind that nobody knows is taken")
	}
	if err := j.add("a", decode(t, `{"journal": [{"seq": 200, "at": 70, "kind": "shut"}]}`)); err != nil {
		t.Fatal(err)
	}
	if _, bad := j.all(); len(bad) != 1 {
		t.Errorf("a hole in the journal: %v", bad)
	}
}
