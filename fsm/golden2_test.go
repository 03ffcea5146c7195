package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// Commands of version 2 decode for ever, to the same operations: there is one of each
// in the file with every field that it has, one with every field null, and batches.
func TestGoldenCommands(t *testing.T) {
	const file = "testdata/v2-log.bin"
	if _, err := os.Stat(file); *update && errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(file, encodeLogs(everyCommand(t)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := decodeLogs(data)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	for _, l := range logs {
		id, cmd, err := DecodeCommand(l.Data)
		if err != nil {
			t.Fatalf("entry %d: %v", l.Index, err)
		}
		again, err := EncodeCommand(id, cmd.Stamp, cmd.Exempt, cmd.Op)
		if err != nil {
			t.Fatalf("entry %d: %v", l.Index, err)
		}
		if !bytes.Equal(again, l.Data) {
			t.Errorf("entry %d, %T: it is not what it was once it is encoded again", l.Index, cmd.Op)
		}
		seen[reflect.TypeOf(cmd.Op)] = true
	}
	if len(seen) != 68 {
		t.Errorf("%d operations tried, there are 68", len(seen))
	}

	applied := newTest(t)
	for i, response := range applied.ApplyBatch(logs) {
		if _, _, err := DecodeResponse(response.([]byte)); err != nil && !isDomain(err) {
			t.Errorf("entry %d: %v", logs[i].Index, err)
		}
	}
	restored := newTest(t)
	if err := restore(restored, persist(t, applied, snapshots(t))); err != nil {
		t.Fatal(err)
	}
	sameState(t, restored, applied)
}

func isDomain(err error) bool {
	var e *lb.Error
	return errors.As(err, &e)
}

// everyCommand is what the golden file was made of.
func everyCommand(t *testing.T) []*raft.Log {
	t.Helper()
	var ops []*lbpb.Op
	add := func(op *lbpb.Op) { ops = append(ops, op) }
	kinds := (&lbpb.Spec{}).ProtoReflect().Descriptor().Fields()
	for i := range kinds.Len() {
		for _, null := range []bool{false, true} {
			spec, named := specOf(kinds.Get(i), null), kinds.Get(i).Name() == "availability_zone"
			create, update := &lbpb.Create{Id: testID(uint64(i) + 1), Spec: spec}, &lbpb.Update{Id: testID(uint64(i) + 1), IfRevision: 7, Spec: spec}
			if named {
				create.Id, update.IfRevision = "", 0
			}
			add(&lbpb.Op{Op: &lbpb.Op_Create{Create: create}})
			if name := kinds.Get(i).Name(); name != "role" && name != "secret_container" {
				add(&lbpb.Op{Op: &lbpb.Op_Update{Update: update}})
			}
		}
		kind := kindNamed(t, kinds.Get(i).Name())
		remove := &lbpb.Delete{Kind: string(kind), Id: testID(uint64(i) + 1), IfRevision: 7, Cascade: kind == lb.KindLoadBalancer}
		if kind == lb.KindAvailabilityZone {
			remove.IfRevision = 0
		}
		add(&lbpb.Op{Op: &lbpb.Op_Delete{Delete: remove}})
	}
	variants := (&lbpb.Op{}).ProtoReflect().Descriptor().Fields()
	for i := range variants.Len() {
		switch f := variants.Get(i); f.Name() {
		case "create", "update", "delete":
		case "batch":
			add(&lbpb.Op{Op: &lbpb.Op_Batch{Batch: &lbpb.Batch{Ops: ops[:5]}}})
		default:
			op := &lbpb.Op{}
			fillMessage(op.ProtoReflect().Mutable(f).Message())
			add(op)
		}
	}
	var logs []*raft.Log
	for i, op := range ops {
		data, err := marshal.Marshal(&fsmpb.Command{
			Version: 2, RequestId: fmt.Sprint("request-", i), At: timestamppb.New(time.Unix(1_800_000_000, 0)), NewId: testID(uint64(i) + 100),
			Exempt: i%2 == 0, Op: &fsmpb.Command_Operation{Operation: op},
		})
		if err != nil {
			t.Fatal(err)
		}
		// As EncodeCommand writes it: the order of null_fields is up to the encoder.
		id, cmd, err := DecodeCommand(data)
		if err != nil {
			t.Fatal(err)
		}
		if data, err = EncodeCommand(id, cmd.Stamp, cmd.Exempt, cmd.Op); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, &raft.Log{Index: uint64(i) + 1, Term: 1, Type: raft.LogCommand, Data: data})
	}
	return logs
}

// kindNamed is the kind whose field has that name.
func kindNamed(t *testing.T, field protoreflect.Name) lb.Kind {
	t.Helper()
	for _, kind := range lbpb.Kinds() {
		if strings.ReplaceAll(strings.ToLower(string(kind)), " ", "_") == string(field) {
			return kind
		}
	}
	t.Fatalf("no kind is named %s", field)
	return ""
}

// specOf returns a spec with every field, or with every field that can be null.
func specOf(field protoreflect.FieldDescriptor, null bool) *lbpb.Spec {
	spec := &lbpb.Spec{}
	m := spec.ProtoReflect().Mutable(field).Message()
	if !null {
		fillMessage(m)
		return spec
	}
	list := m.Mutable(m.Descriptor().Fields().ByName("null_fields")).List()
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if f.IsList() || !f.HasPresence() || f.Name() == "meta" || f.Name() == "healthmonitor" {
			continue
		}
		list.Append(protoreflect.ValueOfString(string(f.Name())))
	}
	return spec
}

// fillMessage sets every field of m, in a form that decodes.
func fillMessage(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.Name() == "null_fields":
		case f.IsMap():
			m.Mutable(f).Map().Set(protoreflect.ValueOfString("X-Forwarded-For").MapKey(), protoreflect.ValueOfString("true"))
		case f.IsList() && f.Message() != nil:
			fillMessage(m.Mutable(f).List().AppendMutable().Message())
		case f.IsList():
			m.Mutable(f).List().Append(scalar(m, f))
		case f.Message() != nil:
			fillMessage(m.Mutable(f).Message())
		default:
			m.Set(f, scalar(m, f))
		}
	}
}

func scalar(m protoreflect.Message, f protoreflect.FieldDescriptor) protoreflect.Value {
	name := string(f.Name())
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(7)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(0) // parts of a second
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(7)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(7)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(name))
	}
	switch {
	case name == "cidr", name == "remote_ip_prefix":
		return protoreflect.ValueOfString("192.0.2.0/24")
	case name == "persistence_granularity", strings.HasSuffix(name, "address"), name == "gateway_ip", name == "start", name == "end":
		return protoreflect.ValueOfString("192.0.2.7")
	case name == "values":
		return protoreflect.ValueOfString("192.0.2.0/24") // of a list of prefixes or of anything else
	}
	return protoreflect.ValueOfString(string(m.Descriptor().Name()) + "." + name)
}
