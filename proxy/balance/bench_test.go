package balance

import (
	"fmt"
	"testing"
)

func BenchmarkPick(b *testing.B) {
	for _, a := range algorithms {
		for _, n := range []int{1, 2, 10, 100, 1000} {
			weights := equal(n)
			weights[0] = min(2, n)
			bal := New(Config{Algorithm: a, Members: pool(weights...)})
			b.Run(fmt.Sprintf("%s/members=%d", a, n), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					var c Choice
					for k := 0; pb.Next(); k++ {
						bal.Pick(&c, client(k))
						c.Reset()
					}
				})
			})
		}
	}
}

// BenchmarkNew measures New together with the table.
func BenchmarkNew(b *testing.B) {
	for _, a := range algorithms {
		for _, n := range []int{2, 10, 100, 1000} {
			for name, weights := range map[string][]int{"equal": equal(n), "mixed": mixed(n)} {
				members := pool(weights...)
				b.Run(fmt.Sprintf("%s/members=%d/%s", a, n, name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						New(Config{Algorithm: a, Members: members}).prepare()
					}
				})
			}
		}
	}
}

func mixed(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1 + int(mix(uint64(i))%256)
	}
	return weights
}
