package nemesis

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// role is whom a fault hits. Who plays it is decided when the fault comes.
type role string

// The roles.
const (
	holder  role = "holder"
	standby role = "standby"
	witness role = "witness"
	nobody  role = "" // the fault hits all, or the machine
)

// step is one fault of a plan.
type step struct {
	family *family
	target role
	other  role          // of a fault between two nodes
	luck   uint64        // what is random about the fault itself
	last   time.Duration // until it is healed
}

// String is the step as the plan knows it.
func (s step) String() string {
	text := s.family.name
	if s.target != nobody {
		text += fmt.Sprintf(" (%s", s.target)
		if s.other != nobody {
			text += fmt.Sprintf(", %s", s.other)
		}
		text += ")"
	}
	return text
}

// plan draws n steps. Every family comes once before any comes again.
func plan(seed uint64, n int) []step {
	random := rand.New(rand.NewPCG(seed, 0))
	var steps []step
	for len(steps) < n {
		for _, i := range random.Perm(len(families)) {
			steps = append(steps, draw(random, &families[i]))
		}
	}
	return steps[:n]
}

func draw(random *rand.Rand, f *family) step {
	s := step{family: f, luck: random.Uint64(), last: f.least}
	if spread := f.most - f.least; spread > 0 {
		s.last += time.Duration(random.Int64N(int64(spread)))
	}
	if len(f.targets) > 0 {
		s.target = f.targets[random.IntN(len(f.targets))]
	}
	if f.between {
		others := map[role][]role{holder: {standby, witness}, standby: {holder, witness}, witness: {holder, standby}}[s.target]
		s.other = others[random.IntN(len(others))]
	}
	return s
}

// pick is the profile of a seed, unless one is asked for.
func pick(seed uint64, name string) (profile, error) {
	if name == "" {
		return profiles[seed%uint64(len(profiles))], nil
	}
	for _, p := range profiles {
		if p.name == name {
			return p, nil
		}
	}
	return profile{}, fmt.Errorf("profile %q: choose lan-fast or default", name)
}
