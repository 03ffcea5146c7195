package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// meta is what a node tells the others about itself by gossip. Encoded it must
// fit into memberlist's 512 bytes.
type meta struct {
	Name string `json:"n"`
	Role Role   `json:"r"`
	Addr string `json:"a"`
	// Voters is the hash of the node's list of voters, empty without one.
	Voters string `json:"v,omitempty"`
	// Bootstrapped: the node has raft state, so the cluster exists.
	Bootstrapped bool `json:"b,omitempty"`
	// Epoch is the tag of the node's Epoch.
	Epoch string `json:"e,omitempty"`
	// Leaving: the node is about to stop on purpose. The failure that gossip
	// reports next is none.
	Leaving bool `json:"l,omitempty"`
	// Maintenance: an operator does not want the node to hold the virtual IPs.
	Maintenance bool `json:"m,omitempty"`
	// Unfit: the node cannot hold them now.
	Unfit bool `json:"u,omitempty"`
	// VIPLink is the hardware address of the interface with the virtual IPs.
	VIPLink string `json:"h,omitempty"`
	// Profile is the node's, so that the others can say when theirs is another.
	Profile Profile `json:"p,omitempty"`
}

func (m meta) encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode gossip metadata: %w", err)
	}
	return data, nil
}

func decodeMeta(data []byte) (meta, error) {
	var m meta
	if err := json.Unmarshal(data, &m); err != nil {
		return meta{}, fmt.Errorf("decode gossip metadata: %w", err)
	}
	return m, nil
}

// hashVoters is equal for lists with the same names in any order.
func hashVoters(names []string) string {
	if len(names) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(names)), "\n")))
	return hex.EncodeToString(sum[:8])
}
