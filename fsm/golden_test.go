package fsm

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

var update = flag.Bool("update", false, "write golden files that do not exist yet; those of a released version are never written again")

// Logs and snapshots of every released version open for ever and lead to the
// same state. The hash is in a file beside them: it changes only when resources get new
// fields with defaults, which an old log fills in too and an old file gets when it is
// upgraded.
func TestGolden(t *testing.T) {
	const logFile, snapshotFile, hashFile = "testdata/v1-log.bin", "testdata/v1-snapshot.db", "testdata/v1-hash.txt"
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	logs, err := decodeLogs(read(logFile))
	if err != nil {
		t.Fatal(err)
	}

	replayed := newTest(t)
	responses := replayed.ApplyBatch(logs)
	if _, err := os.Stat(hashFile); *update && errors.Is(err, os.ErrNotExist) {
		sum := hash(t, replayed)
		if err := os.WriteFile(hashFile, []byte(hex.EncodeToString(sum[:])+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.TrimSpace(string(read(hashFile)))
	if sum := hash(t, replayed); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the log of version 1 leads to %x, want %s", sum, want)
	}
	if ok, refused, other := outcomes(logs, responses); ok < 100 || refused < 20 || other < 10 {
		t.Errorf("a poor log: %d carried out, %d refused, %d others", ok, refused, other)
	}
	restored := newTest(t)
	if err := restore(restored, read(snapshotFile)); err != nil {
		t.Fatal(err)
	}
	sameState(t, restored, replayed)
}

// encodeLogs writes, for each entry, index, term, type and length, and the data.
func encodeLogs(logs []*raft.Log) []byte {
	var b []byte
	for _, l := range logs {
		b = binary.BigEndian.AppendUint64(b, l.Index)
		b = binary.BigEndian.AppendUint64(b, l.Term)
		b = append(b, byte(l.Type))
		b = binary.BigEndian.AppendUint32(b, uint32(len(l.Data)))
		b = append(b, l.Data...)
	}
	return b
}

func decodeLogs(b []byte) ([]*raft.Log, error) {
	const head = 8 + 8 + 1 + 4
	var logs []*raft.Log
	for len(b) > 0 {
		if len(b) < head {
			return nil, io.ErrUnexpectedEOF
		}
		l := &raft.Log{
			Index: binary.BigEndian.Uint64(b), Term: binary.BigEndian.Uint64(b[8:]), Type: raft.LogType(b[16]),
		}
		n := head + int(binary.BigEndian.Uint32(b[17:]))
		if len(b) < n {
			return nil, io.ErrUnexpectedEOF
		}
		l.Data, b = b[head:n], b[n:]
		logs = append(logs, l)
	}
	return logs, nil
}
