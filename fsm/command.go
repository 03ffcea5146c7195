package fsm

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/lb"
)

// CommandVersion is the newest version of a command that this program encodes
// and understands. A command may be proposed once every voter knows its version.
const CommandVersion = 1

// maxRequestID keeps what is stored per answered request small.
const maxRequestID = 128

// errNewer is what a node runs into that was left behind by an upgrade.
var errNewer = errors.New("it was written by a newer version: this node is older than the cluster, upgrade it")

// marshal is for everything that is stored or hashed. Messages in storage hold
// no maps, so their encoding is the same on every node that runs this program.
var marshal = proto.MarshalOptions{Deterministic: true}

// EncodeCommand returns the data of a log entry. requestID is the client's, or
// empty; commands that carry the same one are applied once. The stamp is the
// proposing node's.
//
// It returns an error for what [DecodeCommand] would refuse, such as a name that
// is not UTF-8: every node that applied such an entry would stop.
func EncodeCommand(requestID string, stamp lb.Stamp, op lb.Op) ([]byte, error) {
	c := &fsmpb.Command{
		Version:   CommandVersion,
		RequestId: requestID,
		At:        timestamppb.New(stamp.At),
		NewId:     stamp.ID,
	}
	if err := setOp(c, op); err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	data, err := marshal.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
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
	case c.GetVersion() > CommandVersion:
		err = fmt.Errorf("version %d, known up to %d: %w", c.GetVersion(), CommandVersion, errNewer)
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
	return c.GetRequestId(), lb.Command{Stamp: stamp, Op: op}, nil
}

// unknownFields reports whether m, or a message in it, has fields that this
// program does not know. To ignore them would be to apply another command than
// the nodes that know them.
func unknownFields(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind || f.IsMap(): // the only map is from text to text
		case f.IsList():
			for i := range v.List().Len() {
				found = found || unknownFields(v.List().Get(i).Message())
			}
		default:
			found = unknownFields(v.Message())
		}
		return !found
	})
	return found
}
