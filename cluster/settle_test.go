package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// oldNode makes a data directory of a voter of two with a log of three entries.
func oldNode(dir string, pending Pending) (Identity, error) {
	id, err := LoadIdentity(dir, "test")
	if err != nil {
		return id, err
	}
	s, err := openStore(dir)
	if err != nil {
		return id, err
	}
	first := soleVoter(id.ID, "a:1", position{}, 1)
	first.Data = raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{
		{ID: raft.ServerID(id.ID), Address: "a:1"}, {ID: "other", Address: "b:1"},
	}})
	err = errors.Join(
		s.StoreLogs([]*raft.Log{first, {Index: 2, Term: 3, Data: []byte("x")}, {Index: 3, Term: 3, Data: []byte("y")}}),
		s.SetUint64([]byte(keyTerm), 4), s.Close(),
		os.WriteFile(filepath.Join(dir, stateFile), []byte("state"), 0o600),
		os.MkdirAll(filepath.Join(dir, snapshotDir), 0o700),
	)
	for i := range pending.Epoch {
		if pending.Epoch[i].By == "self" {
			pending.Epoch[i].By = id.ID
		}
	}
	id.Pending = &pending
	return id, errors.Join(err, writeIdentity(filepath.Join(dir, identityFile), id))
}

// content is all that a settled directory holds, without what depends on the clock.
func content(dir string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			name, _ := filepath.Rel(dir, path)
			found[name] = ""
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	id, err := readIdentity(filepath.Join(dir, identityFile))
	if err != nil {
		return nil, err
	}
	found[identityFile] = fmt.Sprintf("%s %v %v", id.Epoch.tag(), id.Pending, id.Rejoin)
	if !exists(filepath.Join(dir, storeFile)) {
		return found, nil
	}
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	last, _ := s.LastIndex()
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			return nil, err
		}
		found[fmt.Sprint("entry ", i)] = fmt.Sprintf("%v %q", l.Type, l.Data)
		found["last term"] = fmt.Sprint(l.Term > 4)
	}
	return found, nil
}

// TestSettleSurvivesCrashes ends the work before any of its changes, again and again:
// what was decided is done in the end as if nothing had happened.
func TestSettleSurvivesCrashes(t *testing.T) {
	at := time.Unix(1, 0).UTC()
	for name, pending := range map[string]Pending{
		"force":     {Epoch: Epoch{forcing("other", 1, 1), {By: "self", At: at}}, Addr: "a:2"},
		"set aside": {Epoch: Epoch{forcing("other", 3, 3)}, Aside: "quarantine-0-x"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			fewer(t, "20")
			rapid.Check(t, func(rt *rapid.T) {
				dir, err := mkdirTemp(root)
				if err != nil {
					rt.Fatal(err)
				}
				mine := pending
				mine.Epoch = slices.Clone(pending.Epoch)
				id, err := oldNode(dir, mine)
				if err != nil {
					rt.Fatal(err)
				}
				if len(mine.Epoch) == 2 {
					id.Epoch = mine.Epoch[:1]
					if err := writeIdentity(filepath.Join(dir, identityFile), id); err != nil {
						rt.Fatal(err)
					}
				}
				crash := errors.New("crash")
				for _, after := range rapid.SliceOfN(rapid.IntRange(0, 6), 0, 5).Draw(rt, "crashes after steps") {
					steps := 0
					err := settle(dir, []string{stateFile}, func(string) error {
						if steps++; steps > after {
							return crash
						}
						return nil
					})
					if err == nil {
						break
					}
					if !errors.Is(err, crash) {
						rt.Fatal(err)
					}
					if _, err := Open(Config{Cluster: "test", Name: "a", DataDir: dir, ListenAddr: "127.0.0.1:0", GossipAddr: "127.0.0.1:0", FSM: &memFSM{}}); err == nil || !strings.Contains(err.Error(), "Settle") {
						rt.Fatalf("half of it is done, and the node opens: %v", err)
					}
				}
				if err := Settle(dir, stateFile); err != nil {
					rt.Fatal(err)
				}
				got, err := content(dir)
				if err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(settled(id.ID, name), got); diff != "" {
					rt.Fatal(diff)
				}
			})
		})
	}
}

// settled is the content of oldNode's directory when all is done.
func settled(id, what string) map[string]string {
	files := map[string]string{identityFile: "", storeFile: "", stableFile: "", stateFile: ""}
	if what == "set aside" {
		aside := map[string]string{identityFile: Epoch{forcing("other", 3, 3)}.tag() + " <nil> true"}
		for name := range files {
			if name != identityFile {
				aside[filepath.Join("quarantine-0-x", name)] = ""
			}
		}
		return aside
	}
	epoch := Epoch{forcing("other", 1, 1), {By: id, At: time.Unix(1, 0).UTC(), Index: 3, Term: 3}}
	files[identityFile] = epoch.tag() + " <nil> false"
	both := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(id), Address: "a:1"}, {ID: "other", Address: "b:1"}}}
	maps.Copy(files, map[string]string{
		"entry 1":   fmt.Sprintf("%v %q", raft.LogConfiguration, raft.EncodeConfiguration(both)),
		"entry 2":   fmt.Sprintf("%v %q", raft.LogCommand, "x"),
		"entry 3":   fmt.Sprintf("%v %q", raft.LogCommand, "y"),
		"entry 4":   fmt.Sprintf("%v %q", raft.LogConfiguration, soleVoter(id, "a:2", position{}, 0).Data),
		"last term": "true",
	})
	return files
}

func TestSettleLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	if err := Settle(filepath.Join(dir, "none")); err != nil {
		t.Errorf("no node: %v", err)
	}
	if _, err := LoadIdentity(dir, "test"); err != nil {
		t.Fatal(err)
	}
	s := mustOpenStore(t, dir)
	if err := Settle(dir); err != nil {
		t.Errorf("nothing pending: %v", err)
	}
	id, err := oldNode(t.TempDir(), Pending{})
	if err != nil {
		t.Fatal(err)
	}
	id.Pending = &Pending{Aside: "beside"}
	if err := writeIdentity(filepath.Join(dir, identityFile), id); err != nil {
		t.Fatal(err)
	}
	if err := Settle(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("files were moved under a process that uses them: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A log that a snapshot has overtaken goes on behind the snapshot.
func TestForcedLogGoesOnBehindTheSnapshot(t *testing.T) {
	dir := t.TempDir()
	if _, err := oldNode(dir, Pending{Epoch: Epoch{{By: "self", At: time.Unix(1, 0)}}, Addr: "a:2"}); err != nil {
		t.Fatal(err)
	}
	snapshots, err := raft.NewFileSnapshotStore(dir, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := snapshots.Create(raft.SnapshotVersionMax, 50, 9, raft.Configuration{}, 1, nil)
	if err == nil {
		err = sink.Close()
	}
	if err := errors.Join(err, Settle(dir)); err != nil {
		t.Fatal(err)
	}
	s := mustOpenStore(t, dir)
	wantBounds(t, s, 51, 51)
	var l raft.Log
	if err := s.GetLog(51, &l); err != nil || l.Term != 10 || l.Type != raft.LogConfiguration {
		t.Errorf("the entry: %+v, %v", l, err)
	}
	term, _ := s.Get([]byte(keyTerm))
	if !slices.Equal(term, binary.BigEndian.AppendUint64(nil, 10)) {
		t.Errorf("raft's term is %x, want 10", term)
	}
}
