package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
)

// maxRequests is how many answered requests are remembered. It is part of the
// state machine's meaning: nodes with another number would forget at another
// entry.
const maxRequests = 4096

// requests are the ids of the commands that were carried out last, each with its
// response. A refused command is not among them: it changed nothing, so to try
// it again is harmless. The bucket is the truth, ordered by index; the map is
// the way into it.
type requests struct {
	responses map[string][]byte
}

// answered returns the response that id had.
func (r *requests) answered(id string) ([]byte, bool) {
	if id == "" {
		return nil, false
	}
	response, ok := r.responses[id]
	return response, ok
}

// add remembers a response and forgets the oldest one when there are too many.
func (r *requests) add(tx *bolt.Tx, index uint64, id string, response []byte) error {
	if id == "" {
		return nil
	}
	data, err := marshal.Marshal(&fsmpb.Request{Id: id, Response: response})
	if err != nil {
		return fmt.Errorf("store request %s: %w", id, err)
	}
	bucket := tx.Bucket([]byte(requestsBucket))
	if err := bucket.Put(bigEndian(index), data); err != nil {
		return fmt.Errorf("store request %s: %w", id, err)
	}
	r.responses[id] = response
	for len(r.responses) > maxRequests {
		if err := r.forgetOldest(bucket); err != nil {
			return err
		}
	}
	return nil
}

func (r *requests) forgetOldest(bucket *bolt.Bucket) error {
	key, data := bucket.Cursor().First()
	req, err := decodeRequest(key, data)
	if err != nil {
		return err
	}
	delete(r.responses, req.GetId())
	if err := bucket.Delete(key); err != nil {
		return fmt.Errorf("forget request %s: %w", req.GetId(), err)
	}
	return nil
}

// loadRequests reads what add has written.
func loadRequests(bucket *bolt.Bucket) (*requests, error) {
	r := &requests{responses: make(map[string][]byte)}
	err := bucket.ForEach(func(key, data []byte) error {
		req, err := decodeRequest(key, data)
		if err != nil {
			return err
		}
		if _, twice := r.responses[req.GetId()]; twice {
			return fmt.Errorf("request %q is there twice", req.GetId())
		}
		r.responses[req.GetId()] = req.GetResponse()
		return nil
	})
	return r, err
}

func decodeRequest(key, data []byte) (*fsmpb.Request, error) {
	if len(key) != 8 {
		return nil, errors.New("a request has no index")
	}
	req := &fsmpb.Request{}
	if err := proto.Unmarshal(data, req); err != nil {
		return nil, fmt.Errorf("decode request of entry %d: %w", binary.BigEndian.Uint64(key), err)
	}
	return req, nil
}

// bigEndian returns the form of numbers in the file: as keys they sort.
func bigEndian(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
