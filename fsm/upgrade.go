package fsm

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// upgrade brings a file of an older format to this one. Every resource is written again,
// so that what [lb.Build] has made up for it is stored as on a node that never was older.
func upgrade(tx *bolt.Tx, config *lb.Config) error {
	for _, b := range buckets {
		if _, err := tx.CreateBucketIfNotExists([]byte(b.bucket)); err != nil {
			return fmt.Errorf("upgrade: bucket %q: %w", b.bucket, err)
		}
	}
	up := batch{tx: tx}
	for object := range config.Objects() {
		kind, id := lbpb.Identify(object)
		if err := up.store(lb.Change{Kind: kind, ID: id, Object: object}); err != nil {
			return fmt.Errorf("upgrade %s %s: %w", kind, id, err)
		}
	}
	return tx.Bucket([]byte(metaBucket)).Put([]byte(keyFormat), bigEndian(formatVersion))
}

// completeV1 gives a resource of a file of format 1 the fields that replaying its log
// would give it now. What depends on other resources, such as networks and ports, is
// made up by [lb.Build].
func completeV1(object any) {
	l, ok := object.(*lb.Listener)
	if !ok {
		return
	}
	for _, h := range []struct {
		name string
		on   bool
	}{
		{"X-Forwarded-For", l.InsertHeaders.XForwardedFor},
		{"X-Forwarded-Port", l.InsertHeaders.XForwardedPort},
		{"X-Forwarded-Proto", l.InsertHeaders.XForwardedProto},
	} {
		if !h.on {
			continue
		}
		if l.InsertHeaders.Given == nil {
			l.InsertHeaders.Given = make(map[string]string)
		}
		l.InsertHeaders.Given[h.name] = "true"
	}
}
