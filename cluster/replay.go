package cluster

import (
	"sync"

	"github.com/amphora-lb/amphora/cluster/lease"
)

const (
	replayWindow = 64 // numbers, as RFC 4303 section 3.4.3 has it at least
	replayBoots  = 8  // processes remembered of one node
)

// replays recognises datagrams that came before. The key of gossip keeps forgeries
// out, but not a copy that somebody has recorded.
type replays struct {
	mu    sync.Mutex
	nodes map[lease.ID][]*window // guarded by mu; newest process first
}

// window is what came of one process of a node: the highest number, and a bit for
// each of those right below it.
type window struct {
	boot uint64
	high uint64
	seen uint64 // bit i: number high-i came
}

// fresh tells whether a number comes for the first time. One that is too old to be
// known is taken for a repetition.
func (r *replays) fresh(from lease.ID, boot, number uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes == nil {
		r.nodes = map[lease.ID][]*window{}
	}
	list := r.nodes[from]
	for _, w := range list {
		if w.boot == boot {
			return w.fresh(number)
		}
	}
	if len(list) == replayBoots {
		list = list[:replayBoots-1]
	}
	r.nodes[from] = append([]*window{{boot: boot, high: number, seen: 1}}, list...)
	return true
}

func (w *window) fresh(number uint64) bool {
	if number > w.high {
		w.seen = w.seen<<(number-w.high) | 1 // a shift by 64 and more leaves nothing
		w.high = number
		return true
	}
	behind := w.high - number
	if behind >= replayWindow || w.seen>>behind&1 == 1 {
		return false
	}
	w.seen |= 1 << behind
	return true
}
