package fsm

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

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

// tooLarge says which resource takes the room in a command of so many bytes.
func tooLarge(op *lbpb.Op, size int) error {
	largest, at, ops := op, 0, op.GetBatch().GetOps()
	for i, each := range ops {
		if i == 0 || proto.Size(each) > proto.Size(largest) {
			largest, at = each, i
		}
	}
	kind, id := largest.Target()
	msg := fmt.Sprintf("the command has %d bytes, use at most %d", size, MaxCommand)
	if len(ops) > 0 {
		msg += fmt.Sprintf("; the largest operation is number %d of %d with %d bytes: give it less or use several batches",
			at+1, len(ops), proto.Size(largest))
	}
	return &lb.Error{Kind: lb.ErrInvalid, Resource: kind, ID: id, Msg: msg}
}
