package nemesis

import (
	"testing"

	"github.com/amphora-lb/amphora/chaos/check"
)

func TestTells(t *testing.T) {
	j := &journals{known: map[string]check.Journal{"a": {{At: 10, Kind: check.Shut}, {At: 20, Kind: check.Extend, Term: 3}}}, last: 30}
	const good = `{"seq": 1, "at": 10, "kind": "open", "term": 0}, {"seq": 2, "at": 20, "kind": "extend", "term": 3, "sent": 19, "until": 90}`
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{`{"interface": "eth0", "state": {"verdict": "open"}, "torn": 0, "journal": [` + good + `]}`, true},
		{`{"journal": [` + good + `, {"seq": 3, "at": 40, "kind": "shut", "term": 3}]}`, true}, // later than what is known
		{`{"journal": [` + good + `, {"seq": 3, "at": 25, "kind": "shut", "term": 3}]}`, false},
		{`{"journal": [{"seq": 2, "at": 20, "kind": "extend", "term": 4}]}`, false},
		{`{"journal": []}`, false},
		{`no`, false},
	} {
		if err := j.tells("a", []byte(tt.text)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.text, err)
		}
	}
}

func TestJournalsThatProveNothing(t *testing.T) {
	for _, j := range []*journals{{lost: 1}, {known: map[string]check.Journal{"a": nil}}} {
		if _, _, bad := j.all(); len(bad) != 1 {
			t.Errorf("%+v: %v", j, bad)
		}
	}
}
