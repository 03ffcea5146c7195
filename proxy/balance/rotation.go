package balance

import (
	"math"
	"slices"
	"sync/atomic"
)

// maxSlots bounds the length of a rotation, and so its memory to 256 KiB. Only
// pools of more than 256 members can exceed it. Their weights are scaled down and
// rounded, so that a member's share is off by at most half a slot, 1/131072 of
// the pool's traffic; no member loses its last slot.
const maxSlots = 1 << 16

// rotation is a position in a cycle of slots.
type rotation struct {
	n     uint64   // slots in the cycle
	slots []uint32 // candidate of each slot; nil: as many slots as candidates, in order
	// fraction is how far between two slots the rotation began, in [0, 1). Without
	// it, each Balancer of another length would set the rotation back a little.
	fraction float64

	_   [64]byte // every pick writes pos; what is above is only read
	pos atomic.Uint64
	_   [56]byte
}

// at is the candidate at a position, which may lie any number of cycles ahead.
func (r *rotation) at(pos uint64) int {
	pos %= r.n
	if r.slots != nil {
		return int(r.slots[pos])
	}
	return int(pos)
}

// resume continues in the same part of the cycle as old.
func (r *rotation) resume(old *rotation) {
	if old.n == 0 || r.n == 0 {
		return
	}
	phase := (float64(old.pos.Load()%old.n) + old.fraction) / float64(old.n)
	whole, fraction := math.Modf(phase * float64(r.n))
	r.fraction = fraction
	r.pos.Store(uint64(whole))
}

// roundRobin picks the next candidate that c has not tried. There must be one.
// It takes one turn even if that one does not suit and a later slot serves
// instead: the turns of the others stay where they are.
func (b *Balancer) roundRobin(c *Choice) int {
	pos := b.rotation.pos.Add(1) - 1
	at := b.rotation.at(pos)
	for c.picks > 0 && c.has(b.members[at].Load) {
		pos++
		at = b.rotation.at(pos)
	}
	return at
}

// scaled returns weights in the same proportions that are as small as possible
// and, but for rounding, add up to maxSlots at most.
func scaled(members []candidate) []int {
	weights := make([]int, len(members))
	total, divisor := 0, 0
	for i := range members {
		weights[i] = members[i].Weight
		total += weights[i]
		divisor = gcd(divisor, weights[i])
	}
	for i, w := range weights {
		if total/divisor <= maxSlots {
			weights[i] = w / divisor
		} else {
			weights[i] = max(1, (w*maxSlots+total/2)/total)
		}
	}
	return weights
}

// cycle is the number of slots that these weights need.
func cycle(weights []int) (n uint64) {
	for _, w := range weights {
		n += uint64(w)
	}
	return n
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// smooth arranges a cycle in which candidate i has weights[i] slots, spread so
// that after any t slots it has had its exact share of them to within one slot.
// The k-th slot of i may not come before its share reaches k, nor after it
// reaches k+1; serving the earliest such deadline first always meets them all
// (Baruah et al., Proportionate Progress, 1996). It returns nil for equal
// weights, which need no table.
func smooth(weights []int) []uint32 {
	if len(weights) == 0 || slices.Max(weights) == 1 {
		return nil
	}
	total := int(cycle(weights))
	had := make([]int, len(weights))
	var eligible deadlines
	admit := func(i int) {
		deadline := ((had[i]+1)*total + weights[i] - 1) / weights[i]
		eligible.push(uint64(deadline)<<32 | uint64(i))
	}
	// Those that have to wait are in the list of the slot that frees them.
	const none = -1
	head, next := make([]int32, total), make([]int32, len(weights))
	for t := range head {
		head[t] = none
	}

	slots := make([]uint32, total)
	for i := range weights {
		admit(i)
	}
	for t := range slots {
		for i := head[t]; i != none; i = next[i] {
			admit(int(i))
		}
		i := int(eligible.pop() & math.MaxUint32)
		slots[t] = uint32(i)
		had[i]++
		if had[i] == weights[i] {
			continue
		}
		if release := had[i] * total / weights[i]; release > t {
			next[i], head[release] = head[release], int32(i)
		} else {
			admit(i)
		}
	}
	return slots
}

// deadlines is a binary min-heap. container/heap would allocate for every slot.
type deadlines []uint64

func (d *deadlines) push(v uint64) {
	h := append(*d, v)
	for i := len(h) - 1; i > 0 && h[i] < h[(i-1)/2]; i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	*d = h
}

func (d *deadlines) pop() uint64 {
	h := *d
	top, last := h[0], len(h)-1
	h[0], h = h[last], h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child] < h[least] {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*d = h
	return top
}
