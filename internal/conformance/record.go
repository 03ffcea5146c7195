package conformance

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
)

// recording is what Octavia answered to the calls of a script, in order.
type recording map[string][]reply

// recordedAt is where the answers to the long scripts are: to ask for them takes a
// quarter of an hour. They are made anew by
//
//	AMPHORA_RECORD=1 go test -run TestRecord -timeout 1h ./internal/conformance
const recordedAt = "testdata/octavia.json.gz"

// load reads what was recorded.
func load() (recording, error) {
	f, err := os.Open(recordedAt)
	if err != nil {
		return nil, fmt.Errorf("read Octavia's answers: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", recordedAt, err)
	}
	dec := json.NewDecoder(z)
	dec.UseNumber()
	var r recording
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("read %s: %w", recordedAt, err)
	}
	return r, nil
}

// save writes it.
func (r recording) save() error {
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		return err
	}
	f, err := os.Create(recordedAt)
	if err != nil {
		return fmt.Errorf("write Octavia's answers: %w", err)
	}
	z := gzip.NewWriter(f)
	enc := json.NewEncoder(z)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write %s: %w", recordedAt, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write %s: %w", recordedAt, err)
	}
	return f.Close()
}
