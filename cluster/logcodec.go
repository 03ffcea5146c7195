package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// An entry is stored as
//
//	version  1 byte, logVersion
//	type     1 byte
//	index    8 bytes, big endian
//	term     8 bytes
//	appended 8 bytes, nanoseconds since 1970; 0 for no time
//	data     length as uvarint, bytes
//	extra    the rest
const (
	logVersion    = 1
	logHeaderSize = 1 + 1 + 8 + 8 + 8
)

var errLogEntry = errors.New("malformed log entry")

func encodeLog(l *raft.Log) []byte {
	buf := make([]byte, logHeaderSize, logHeaderSize+binary.MaxVarintLen64+len(l.Data)+len(l.Extensions))
	buf[0] = logVersion
	buf[1] = byte(l.Type)
	binary.BigEndian.PutUint64(buf[2:], l.Index)
	binary.BigEndian.PutUint64(buf[10:], l.Term)
	if !l.AppendedAt.IsZero() {
		binary.BigEndian.PutUint64(buf[18:], uint64(l.AppendedAt.UnixNano()))
	}
	buf = binary.AppendUvarint(buf, uint64(len(l.Data)))
	buf = append(buf, l.Data...)
	return append(buf, l.Extensions...)
}

// decodeLog copies everything out of buf, which belongs to a transaction.
func decodeLog(buf []byte, l *raft.Log) error {
	if len(buf) < logHeaderSize {
		return fmt.Errorf("%w: %d bytes are shorter than its header", errLogEntry, len(buf))
	}
	if buf[0] != logVersion {
		return fmt.Errorf("%w: version %d, this program knows %d", errLogEntry, buf[0], logVersion)
	}
	size, n := binary.Uvarint(buf[logHeaderSize:])
	if n <= 0 {
		return fmt.Errorf("%w: length of its data", errLogEntry)
	}
	rest := buf[logHeaderSize+n:]
	if size > uint64(len(rest)) {
		return fmt.Errorf("%w: %d bytes of data announced, %d there", errLogEntry, size, len(rest))
	}
	*l = raft.Log{
		Type:       raft.LogType(buf[1]),
		Index:      binary.BigEndian.Uint64(buf[2:]),
		Term:       binary.BigEndian.Uint64(buf[10:]),
		Data:       append([]byte(nil), rest[:size]...),
		Extensions: append([]byte(nil), rest[size:]...),
	}
	if at := binary.BigEndian.Uint64(buf[18:]); at != 0 {
		l.AppendedAt = time.Unix(0, int64(at)).UTC()
	}
	return nil
}
