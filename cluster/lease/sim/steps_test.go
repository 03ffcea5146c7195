//go:build !race

package sim

const seeds, steps = 64, 100_000
