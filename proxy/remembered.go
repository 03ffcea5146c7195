package proxy

import (
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/sticky"
)

// tables are those of the pools that remember clients. It is immutable.
type tables map[lb.PoolID]*sticky.Table

// StickyChanges returns what this engine has learned since the last call about which
// client belongs to which member, for the engines of other nodes: about limit bytes at
// most, nil if there is nothing. What is returned is not returned again unless it changes,
// or [Engine.RetellSticky] is called. It does not block; one goroutine should call it.
func (e *Engine) StickyChanges(limit int) []byte {
	var batch []byte
	all := e.tables.Load()
	if all == nil {
		return nil
	}
	for id, t := range *all { // in any order: none of many comes last for ever
		room := (limit - len(batch)) / sticky.EntrySize
		if room <= 0 {
			break
		}
		if entries, _ := t.Take(nil, room); len(entries) > 0 {
			batch = sticky.AppendSection(batch, id, entries)
		}
	}
	return batch
}

// MergeSticky takes over what [Engine.StickyChanges] of another node has returned, unless
// this node knows something later. Pools that this node does not know, or that remember
// nothing, are passed over. The error is about a batch that cannot be read.
func (e *Engine) MergeSticky(batch []byte) error {
	now := time.Now().UnixMilli()
	all := e.tables.Load()
	if all == nil {
		all = new(tables)
	}
	return sticky.Read(batch, func(id lb.PoolID, entry sticky.Entry) {
		if t := (*all)[id]; t != nil {
			t.Merge(entry, now)
		}
	})
}

// RetellSticky makes StickyChanges return everything anew: a batch was lost, or another
// node has forgotten.
func (e *Engine) RetellSticky() {
	if all := e.tables.Load(); all != nil {
		for _, t := range *all {
			t.Retell()
		}
	}
}

// StickyClients returns how many clients each pool remembers that keeps them in a table.
// It takes locks that connections wait for, for microseconds each.
func (e *Engine) StickyClients() map[lb.PoolID]int {
	all := e.tables.Load()
	if all == nil {
		return nil
	}
	clients := make(map[lb.PoolID]int, len(*all))
	for id, t := range *all {
		clients[id] = t.Len()
	}
	return clients
}

// publishTables shows StickyChanges and MergeSticky which pools remember clients.
func (c *control) publishTables() {
	if !c.tablesDirty {
		return
	}
	c.tablesDirty = false
	all := make(tables)
	for id, rec := range c.pools {
		if rec.persistence != nil && rec.persistence.table != nil {
			all[id] = rec.persistence.table
		}
	}
	c.engine.tables.Store(&all)
}
