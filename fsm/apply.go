package fsm

import (
	"fmt"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"

	"github.com/amphora-lb/amphora/lb"
)

// Apply applies one entry; see [FSM.ApplyBatch].
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies committed entries in one transaction, together with the
// index and term of the last. Entries that the file holds already, which raft
// sends again after a restart, are passed over.
//
// The response to a command is what [DecodeResponse] takes, as []byte; that to
// any other entry is nil. It panics on an entry that this program cannot decode
// and when the transaction fails: going on would let this node's state part from
// the log.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	if len(logs) == 0 {
		return nil
	}
	responses := make([]any, len(logs))
	last := logs[len(logs)-1]
	s, err := f.pin()
	if err != nil {
		panic(fmt.Sprintf("fsm: apply entry %d of term %d: %v", last.Index, last.Term, err))
	}
	defer func() { _ = f.unpin(s) }() // closes only what Close has given up

	from := f.applied.Load()
	b := batch{config: f.config.Load(), index: from, requests: f.requests}
	err = s.db.Update(func(tx *bolt.Tx) error {
		b.tx = tx
		for i, l := range logs {
			var err error
			if responses[i], err = b.apply(l); err != nil {
				return fmt.Errorf("entry %d of term %d: %w", l.Index, l.Term, err)
			}
		}
		if b.index == from {
			return nil // every entry was passed over
		}
		return b.finish()
	})
	if err != nil {
		panic(fmt.Sprintf("fsm: apply entries up to %d of term %d to %s: %v", last.Index, last.Term, f.path, err))
	}
	f.publish(b.config, b.index)
	return responses
}

// batch is a run of entries within one transaction.
type batch struct {
	tx          *bolt.Tx
	config      *lb.Config
	index, term uint64 // of the last entry applied
	requests    *requests
}

// apply returns the response to one entry. Its errors are those that the node
// does not survive.
func (b *batch) apply(l *raft.Log) (any, error) {
	if l.Index <= b.index {
		return passedOver(l)
	}
	b.index, b.term = l.Index, l.Term
	if l.Type != raft.LogCommand {
		return nil, nil
	}
	id, cmd, err := DecodeCommand(l.Data)
	if err != nil {
		return nil, err
	}
	if response, ok := b.requests.answered(id); ok {
		return response, nil
	}
	cmd.Revision = l.Index
	next, result, changes, refused := lb.Apply(b.config, cmd)
	if refused != nil {
		return encodeRefusal(refused)
	}
	for _, c := range changes {
		if err := b.store(c); err != nil {
			return nil, fmt.Errorf("store %s %s: %w", c.Kind, c.ID, err)
		}
	}
	response, err := encodeResult(result, l.Index)
	if err != nil {
		return nil, err
	}
	b.config = next
	return response, b.requests.add(b.tx, l.Index, id, response)
}

// store writes or deletes one resource.
func (b *batch) store(c lb.Change) error {
	name, err := bucketOf(c.Kind)
	if err != nil {
		return err
	}
	bucket := b.tx.Bucket([]byte(name))
	if c.Object == nil {
		return bucket.Delete([]byte(c.ID))
	}
	data, err := encodeObject(c.Object)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(c.ID), data)
}

// finish writes where the batch has come to.
func (b *batch) finish() error {
	meta := b.tx.Bucket([]byte(metaBucket))
	for key, value := range map[string]uint64{
		keyIndex: b.index, keyTerm: b.term, keyRevision: b.config.Revision(),
	} {
		if err := meta.Put([]byte(key), bigEndian(value)); err != nil {
			return fmt.Errorf("store %s: %w", key, err)
		}
	}
	return nil
}

// passedOver answers an entry that the file holds already. Nobody waits for it,
// as the process that proposed it is gone; a command still gets an answer that
// decodes.
func passedOver(l *raft.Log) (any, error) {
	if l.Type != raft.LogCommand {
		return nil, nil
	}
	return encodeRefusal(&lb.Error{
		Kind: lb.ErrUnavailable,
		Msg:  "the command was applied before and its outcome is not known any more; look at the resource",
	})
}
