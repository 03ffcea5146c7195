package fsm

import (
	"errors"
	"math"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

func TestCommandRoundTrip(t *testing.T) {
	seen := map[reflect.Type]bool{}
	s := newScript(t, 1)
	for index := range uint64(500) {
		stamp := lb.Stamp{At: time.Unix(int64(index), 0).UTC(), ID: testID(index)}
		op := s.op(index)
		data, err := EncodeCommand("request", stamp, index%2 == 0, op)
		if err != nil {
			t.Fatal(err)
		}
		id, cmd, err := DecodeCommand(data)
		if err != nil {
			t.Fatal(err)
		}
		if want := (lb.Command{Stamp: stamp, Exempt: index%2 == 0, Op: op}); id != "request" || !reflect.DeepEqual(cmd, want) {
			t.Fatalf("got %s %+v\nwant %+v", id, cmd, want)
		}
		seen[reflect.TypeOf(op)] = true
	}
	if len(seen) != 18 {
		t.Errorf("%d operations tried, there are 18", len(seen))
	}
	cascade := lb.DeleteLoadBalancer{ID: "x", Cascade: true}
	data, err := EncodeCommand("", lb.Stamp{}, false, cascade)
	if err != nil {
		t.Fatal(err)
	}
	if _, cmd, err := DecodeCommand(data); err != nil || !reflect.DeepEqual(cmd.Op, lb.Op(cascade)) || !cmd.At.IsZero() {
		t.Errorf("got %+v, %v", cmd, err)
	}
}

// What would stop every node must not get into the log.
func TestEncodeCommandRefuses(t *testing.T) {
	stamp := lb.Stamp{At: time.Unix(0, 0)}
	name := func(s string) lb.Op {
		return lb.CreatePool{Spec: lb.PoolSpec{MetaSpec: lb.MetaSpec{Name: lb.Some(s)}}}
	}
	for what, encode := range map[string]func() ([]byte, error){
		"no operation":      func() ([]byte, error) { return EncodeCommand("", stamp, true, nil) },
		"text not UTF-8":    func() ([]byte, error) { return EncodeCommand("", stamp, true, name("\xff")) },
		"request not UTF-8": func() ([]byte, error) { return EncodeCommand("\xff", stamp, true, name("a")) },
		"long request id":   func() ([]byte, error) { return EncodeCommand(strings.Repeat("x", 129), stamp, true, name("a")) },
		"no address": func() ([]byte, error) {
			return EncodeCommand("", stamp, true, lb.CreateMember{Spec: lb.MemberSpec{Address: lb.Some(netip.Addr{})}})
		},
		"no prefix": func() ([]byte, error) {
			return EncodeCommand("", stamp, true, lb.CreateSubnet{Spec: lb.SubnetSpec{CIDR: lb.Some(netip.Prefix{})}})
		},
		"time out of range": func() ([]byte, error) {
			return EncodeCommand("", lb.Stamp{At: time.Unix(math.MaxInt64/2, 0)}, true, name("a"))
		},
	} {
		if data, err := encode(); err == nil {
			t.Errorf("%s: encoded as %q", what, data)
		}
	}
}

func TestResponseRoundTrip(t *testing.T) {
	result := lb.Result{Kind: lb.KindHealthMonitor, ID: testID(1)}
	data, err := encodeResult(result, 42)
	if err != nil {
		t.Fatal(err)
	}
	if got, revision, err := DecodeResponse(data); err != nil || got != result || revision != 42 {
		t.Errorf("got %v %d %v", got, revision, err)
	}

	var all []error
	for kind := range errorKinds {
		e := &lb.Error{Kind: kind, Resource: lb.KindPool, ID: "5f1c", Field: "lb_algorithm", Msg: "unknown"}
		got := refusal(t, e)
		if !reflect.DeepEqual(got, error(e)) || !errors.Is(got, kind) {
			t.Errorf("got %#v, want %#v", got, e)
		}
		all = append(all, e)
	}
	got := refusal(t, errors.Join(all[0], errors.Join(all[1:]...)))
	if !reflect.DeepEqual(flatten(got), all) {
		t.Errorf("got %#v, want %#v", got, all)
	}
	for _, kind := range []error{lb.ErrNotFound, lb.ErrInvalid, lb.ErrConflict, lb.ErrInUse, lb.ErrImmutable, lb.ErrUnavailable, lb.ErrQuota, lb.ErrPrecondition, lb.ErrUnsupported} {
		if !errors.Is(got, kind) {
			t.Errorf("%v got lost", kind)
		}
	}
	if got := refusal(t, errors.New("odd \xff")); got.Error() != "odd \uFFFD" {
		t.Errorf("got %q", got)
	}
	for _, data := range []string{"", "?", "\x12\x00"} {
		if _, _, err := DecodeResponse([]byte(data)); err == nil {
			t.Errorf("%q decoded", data)
		}
	}
}

func refusal(t *testing.T, refused error) error {
	t.Helper()
	data, err := encodeRefusal(refused)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = DecodeResponse(data)
	return err
}

func FuzzDecode(f *testing.F) {
	for _, l := range history(f, 1, 60).logs {
		f.Add(l.Data)
	}
	for _, op := range []lb.Op{
		lb.Batch{},
		lb.Batch{Ops: []lb.Op{
			lb.CreatePool{ID: "p", Spec: lb.PoolSpec{Members: []lb.MemberSpec{{Weight: lb.Null[int]()}}}},
			lb.SetMembers{PoolID: "p", Members: []lb.MemberSpec{{ProtocolPort: lb.Some(80)}}, AdditiveOnly: true},
			lb.DeleteMember{ID: "m", If: 7},
		}},
	} {
		data, err := EncodeCommand("batch", lb.Stamp{At: time.Unix(1, 0), ID: testID(1)}, false, op)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	batch := func(ops ...*lbpb.Op) *lbpb.Op { return &lbpb.Op{Op: &lbpb.Op_Batch{Batch: &lbpb.Batch{Ops: ops}}} }
	nested, err := marshal.Marshal(&fsmpb.Command{
		Version: CommandVersion, Op: &fsmpb.Command_Operation{Operation: batch(batch(batch()))},
	})
	if err != nil {
		f.Fatal(err)
	}
	if _, _, err := DecodeCommand(nested); err == nil {
		f.Fatal("a batch in a batch was decoded")
	}
	f.Add(nested)
	golden, err := os.ReadFile("testdata/v1-log.bin")
	if err != nil {
		f.Fatal(err)
	}
	old, err := decodeLogs(golden)
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range old[:60] {
		f.Add(l.Data)
	}
	f.Add([]byte{0x08, 0x02})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = DecodeResponse(data)
		id, cmd, err := DecodeCommand(data)
		if err != nil {
			return
		}
		again, err := EncodeCommand(id, cmd.Stamp, cmd.Exempt, cmd.Op)
		if len(data) > MaxCommand/2 { // the same may take more room in version 2
			return
		}
		if err != nil {
			t.Fatalf("decoded, but not encoded again: %v", err)
		}
		id2, cmd2, err := DecodeCommand(again)
		cmd2.Unnumbered = cmd.Unnumbered // of version 1, and it is now of version 2
		if err != nil || id2 != id || !reflect.DeepEqual(cmd2, cmd) {
			t.Fatalf("got %s %+v, %v\nwant %s %+v", id2, cmd2, err, id, cmd)
		}
	})
}
