// Command run runs simulated worlds, one seed after another, until it is stopped or
// a world goes wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease/sim"
)

func main() {
	seed := flag.Uint64("seed", 1, "first seed")
	seeds := flag.Uint64("seeds", 0, "how many seeds; 0: endless")
	steps := flag.Int("steps", 100_000, "steps of each world")
	kind := flag.String("kind", "", "kind of all worlds: calm, chaos, duel, edge, planned, single")
	quiet := flag.Bool("quiet", false, "print nothing but a violation")
	flag.Parse()
	of := sim.KindOf
	if *kind != "" {
		k, err := sim.KindNamed(*kind)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		of = func(uint64) sim.Kind { return k }
	}
	os.Exit(run(*seed, *seeds, *steps, of, *quiet))
}

func run(seed, seeds uint64, steps int, of func(uint64) sim.Kind, quiet bool) int {
	var total sim.Counts
	next := time.Now().Add(2 * time.Second)
	for n := uint64(0); seeds == 0 || n < seeds; n++ {
		counts, err := sim.Run(seed+n, of(seed+n), steps)
		total.Add(counts)
		if v := (*sim.Violation)(nil); errors.As(err, &v) {
			fmt.Printf("%s\n%v\nagain: go run ./cluster/lease/sim/run -seed %d -seeds 1 -steps %d -kind %v\n",
				strings.Join(v.Trace, "\n"), v, v.Seed, steps, v.Kind)
			return 1
		}
		if !quiet && time.Now().After(next) {
			next = time.Now().Add(2 * time.Second)
			fmt.Printf("seed=%d violations=0 %v\n", seed+n, total)
		}
	}
	if !quiet {
		fmt.Printf("violations=0 %v\n", total)
	}
	return 0
}
