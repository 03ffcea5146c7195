package fsm

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// CommandVersion is the newest version of a command that this program encodes
// and understands. A command may be proposed once every voter knows its version.
//
// Version 1 had an encoding of its own for each of few operations, and no quotas.
const CommandVersion = 2

// MaxCommand is how many bytes a command may have. An entry of the log is sent in one
// piece, and holds up what is behind it.
const MaxCommand = 1 << 20

// maxRequestID keeps what is stored per answered request small.
const maxRequestID = 128

// errNewer is what a node runs into that was left behind by an upgrade.
var errNewer = errors.New("it was written by a newer version: this node is older than the cluster, upgrade it")

// marshal is for everything that is stored or hashed. Resources in storage hold
// no maps, so their encoding is the same on every node that runs this program.
var marshal = proto.MarshalOptions{Deterministic: true}

// EncodeCommand returns the data of a log entry. requestID is the client's, or
// empty; commands that carry the same one are applied once. The stamp is the
// proposing node's. Quotas do not bind a command that is exempt.
//
// It returns an error for what [DecodeCommand] would refuse, such as a name that
// is not UTF-8: every node that applied such an entry would stop. One of more than
// [MaxCommand] bytes is refused with an [*lb.Error] that names the largest resource in it.
func EncodeCommand(requestID string, stamp lb.Stamp, exempt bool, op lb.Op) ([]byte, error) {
	operation, err := lbpb.FromOp(op)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	data, err := marshal.Marshal(&fsmpb.Command{
		Version:   CommandVersion,
		RequestId: requestID,
		At:        timestamppb.New(stamp.At),
		NewId:     stamp.ID,
		Exempt:    exempt,
		Op:        &fsmpb.Command_Operation{Operation: operation},
	})
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	if len(data) > MaxCommand {
		return nil, tooLarge(operation, len(data))
	}
	if _, _, err := DecodeCommand(data); err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	return data, nil
}

// DecodeCommand is the inverse of [EncodeCommand]. Data that comes from another
// node has to pass it before it is proposed: the state machine panics on an
// entry that it cannot decode. The command's Revision is left 0.
func DecodeCommand(data []byte) (requestID string, cmd lb.Command, err error) {
	c := &fsmpb.Command{}
	if err := proto.Unmarshal(data, c); err != nil {
		return "", lb.Command{}, fmt.Errorf("decode command: %w", err)
	}
	switch {
	case c.GetVersion() == 0:
		err = errors.New("it has no version")
	case c.GetVersion() == 1 && (c.GetExempt() || c.GetOperation() != nil):
		err = errors.New("it has fields that version 1 does not have")
	case c.GetVersion() > CommandVersion:
		err = fmt.Errorf("version %d, known up to %d: %w", c.GetVersion(), CommandVersion, errNewer)
	case c.GetVersion() > 1 && len(data) > MaxCommand:
		err = fmt.Errorf("it has %d bytes, at most %d are allowed", len(data), MaxCommand)
	case unknownFields(c.ProtoReflect()):
		err = fmt.Errorf("unknown fields: %w", errNewer)
	case len(c.GetRequestId()) > maxRequestID:
		err = &lb.Error{
			Kind: lb.ErrInvalid, Field: "request_id",
			Msg: fmt.Sprintf("it has %d bytes, use at most %d", len(c.GetRequestId()), maxRequestID),
		}
	default:
		err = c.GetAt().CheckValid()
	}
	if err != nil {
		return "", lb.Command{}, fmt.Errorf("decode command: %w", err)
	}
	op, err := getOp(c)
	if err != nil {
		return "", lb.Command{}, fmt.Errorf("decode command: %w", err)
	}
	stamp := lb.Stamp{At: c.GetAt().AsTime(), ID: c.GetNewId()}
	// What version 1 could do, only operators did, and nothing was numbered.
	first := c.GetVersion() == 1
	return c.GetRequestId(), lb.Command{Stamp: stamp, Exempt: c.GetExempt() || first, Unnumbered: first, Op: op}, nil
}
