//go:build race

package sim

const seeds, steps = 32, 25_000
