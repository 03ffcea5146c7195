package cluster

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func forcing(by string, index, term uint64) Forcing {
	return Forcing{By: by, At: time.Unix(int64(1000*term+index), 5).UTC(), Index: index, Term: term, Without: []string{"c", "d"}}
}

func TestJudge(t *testing.T) {
	a, b := forcing("a", 100, 7), forcing("b", 90, 6)
	a2, b2 := forcing("a", 500, 12), forcing("b", 490, 11)
	elsewhere := a
	elsewhere.Without = []string{"d"}
	for name, test := range map[string]struct {
		self, other Epoch
		applied     position
		want        verdict
	}{
		"never forced":                          {nil, nil, position{50, 3}, nothing},
		"the same forcing":                      {Epoch{a}, Epoch{a}, position{200, 9}, nothing},
		"this node was forced":                  {Epoch{a}, nil, position{200, 9}, nothing},
		"this node was forced once more":        {Epoch{a, b2}, Epoch{a}, position{900, 20}, nothing},
		"the other one was":                     {nil, Epoch{a}, position{100, 7}, heal},
		"the other one was, twice":              {nil, Epoch{a, b2}, position{100, 7}, heal},
		"the other one was once more":           {Epoch{a}, Epoch{a, b2}, position{490, 11}, heal},
		"it has applied nothing":                {nil, Epoch{a}, position{}, heal},
		"a later index of an older term":        {nil, Epoch{a}, position{300, 6}, heal}, // cannot be committed; the rule of votes holds all the same
		"it has a write that the other has not": {nil, Epoch{a}, position{101, 7}, standOff},
		"its majority went on":                  {nil, Epoch{a}, position{60, 8}, standOff},
		"it went on after the first of two":     {nil, Epoch{a, b2}, position{480, 11}, standOff},
		"both were":                             {Epoch{b}, Epoch{a}, position{80, 6}, standOff},
		"it was removed before":                 {nil, Epoch{elsewhere}, position{80, 6}, stayAway},
		"both were, one more often":             {Epoch{b}, Epoch{a, a2}, position{80, 6}, standOff},
		"both were after a common one":          {Epoch{a, a2}, Epoch{a, b2}, position{80, 6}, standOff},
	} {
		if got := judge("c", test.self, test.other, test.applied); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// Whatever happened, at most one of two nodes gives way, and one alone is told that
// it is outranked.
func TestJudgeIsOneSided(t *testing.T) {
	epoch := rapid.Custom(func(rt *rapid.T) Epoch {
		var e Epoch
		for range rapid.IntRange(0, 3).Draw(rt, "forcings") {
			e = append(e, forcing(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "by"),
				rapid.Uint64Range(1, 2).Draw(rt, "index"), rapid.Uint64Range(1, 2).Draw(rt, "term")))
		}
		return e
	})
	at := rapid.Custom(func(rt *rapid.T) position {
		return position{rapid.Uint64Range(0, 3).Draw(rt, "applied"), rapid.Uint64Range(0, 3).Draw(rt, "in term")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		mine, theirs := epoch.Draw(rt, "mine"), epoch.Draw(rt, "theirs")
		one := judge("c", mine, theirs, at.Draw(rt, "mine"))
		other := judge("c", theirs, mine, at.Draw(rt, "theirs"))
		if one == heal && other == heal {
			rt.Fatal("both give way")
		}
		if same := mine.tag() == theirs.tag(); same != (mine.begins(theirs) && theirs.begins(mine)) {
			rt.Fatalf("tags %q and %q of %v and %v", mine.tag(), theirs.tag(), mine, theirs)
		} else if same && (one != nothing || other != nothing) {
			rt.Fatalf("equal epochs: %v, %v", one, other)
		}
		if outranks(mine, "x", theirs, "y") == outranks(theirs, "y", mine, "x") {
			rt.Fatal("both outrank, or neither")
		}
		if back := epochFromProto(mine.toProto()); back.tag() != mine.tag() || !cmp.Equal(back, mine) {
			rt.Fatalf("%v became %v on its way", mine, back)
		}
	})
}
