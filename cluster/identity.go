package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

const identityFile = "node.json"

// Identity is what node.json in a data directory says: which node of which
// cluster the directory belongs to. Those two are made once, the rest changes.
// The id is a UUID and not an address, so that a node may move to another address.
type Identity struct {
	ID      string `json:"id"`
	Cluster string `json:"cluster"`
	// Epoch lists the forced changes that the node's data descends from.
	Epoch Epoch `json:"epoch,omitempty"`
	// Pending is what Settle has to do before the node runs again.
	Pending *Pending `json:"pending,omitempty"`
	// Rejoin: the node's data was set aside, and it is to join the others again.
	Rejoin bool `json:"rejoin,omitempty"`
	// Maintenance: an operator does not want the node to hold the virtual IPs.
	Maintenance bool `json:"maintenance,omitempty"`
}

// LoadIdentity reads the identity of the data directory. Where there is none it
// creates the directory and an identity for the named cluster, durable on return.
// A directory of another cluster is an error that wraps ErrWrongCluster.
func LoadIdentity(dataDir, cluster string) (Identity, error) {
	path := filepath.Join(dataDir, identityFile)
	id, err := readIdentity(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createIdentity(dataDir, path, cluster)
	case err != nil:
		return Identity{}, err
	case id.Cluster != cluster:
		return Identity{}, fmt.Errorf("%s belongs to cluster %q, not to %q; name another data directory, or the cluster it belongs to: %w",
			path, id.Cluster, cluster, ErrWrongCluster)
	}
	return id, nil
}

func readIdentity(path string) (Identity, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, fmt.Errorf("read node identity: %w", err)
	}
	var id Identity
	if err := json.Unmarshal(data, &id); err != nil {
		return Identity{}, fmt.Errorf("decode node identity %s: %w; %s", path, err, startAnew)
	}
	if _, err := uuid.Parse(id.ID); err != nil {
		return Identity{}, fmt.Errorf("decode node identity %s: id: %w; %s", path, err, startAnew)
	}
	return id, nil
}

func createIdentity(dataDir, path, cluster string) (Identity, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return Identity{}, fmt.Errorf("create data directory: %w", err)
	}
	// A raft log without an identity is a node that has lost its name. Under a
	// new one it would vote a second time in elections that it has voted in.
	for _, name := range []string{storeFile, stableFile} {
		if kept := filepath.Join(dataDir, name); exists(kept) {
			return Identity{}, fmt.Errorf("%s is missing but %s is there; restore the file or empty the directory", path, kept)
		}
	}
	random, err := uuid.NewRandom()
	if err != nil {
		return Identity{}, fmt.Errorf("make node id: %w", err)
	}
	id := Identity{ID: random.String(), Cluster: cluster}
	return id, writeIdentity(path, id)
}

func writeIdentity(path string, id Identity) error {
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return fmt.Errorf("encode node identity: %w", err)
	}
	if err := writeFileDurably(path, append(data, '\n')); err != nil {
		return fmt.Errorf("write node identity: %w", err)
	}
	return nil
}

// writeFileDurably replaces path so that after a crash at any point either the
// whole old or the whole new content is there.
func writeFileDurably(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
