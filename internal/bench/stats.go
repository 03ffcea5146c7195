package main

import (
	"math/rand/v2"
	"slices"
)

// median is the middle of values, of which there is at least one.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// bootstrap is a 95% interval of the median: what it would have been in other
// runs like this, by drawing the values again with replacement (Efron 1979). The
// draws are the same in every run.
func bootstrap(values []float64) (low, high float64) {
	const draws = 10_000
	random := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, draws)
	again := make([]float64, len(values))
	for i := range medians {
		for j := range again {
			again[j] = values[random.IntN(len(values))]
		}
		medians[i] = median(again)
	}
	slices.Sort(medians)
	return medians[draws/40], medians[draws-1-draws/40]
}
