package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

func described(name string, size int) lb.PoolSpec {
	return lb.PoolSpec{MetaSpec: lb.MetaSpec{Name: lb.Some(name), Description: lb.Some(strings.Repeat("x", size))}}
}

func TestCommandTooLarge(t *testing.T) {
	stamp := lb.Stamp{At: time.Unix(1, 0), ID: testID(1)}
	var many lb.Batch
	for i := range 40 {
		many.Ops = append(many.Ops, lb.CreatePool{Spec: described(fmt.Sprintf("pool-%d", i), 30_000)})
	}
	many.Ops[17] = lb.UpdatePool{ID: "big", Spec: described("big", 40_000)}
	tests := []struct {
		name     string
		op       lb.Op
		resource lb.Kind
		id, msg  string
	}{
		{"one", lb.CreatePool{Spec: described("web", MaxCommand)}, lb.KindPool, "web", "use at most 1048576"},
		{"batch", many, lb.KindPool, "big", "number 18 of 40"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := EncodeCommand("", stamp, true, tt.op)
			var e *lb.Error
			if !errors.As(err, &e) || !errors.Is(e, lb.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			if e.Resource != tt.resource || e.ID != tt.id || !strings.Contains(e.Msg, tt.msg) {
				t.Errorf("got %+v", e)
			}
		})
	}
	data, err := EncodeCommand("", stamp, true, lb.CreatePool{Spec: described("web", MaxCommand-200)})
	if err != nil {
		t.Fatalf("a command that just fits: %v", err)
	}
	padding := make([]byte, 0, 250) // of a field that every command has: the last one counts
	for range 50 {
		padding = append(padding, 0x22, 3, 'a', 'b', 'c')
	}
	if _, _, err := DecodeCommand(append(data, padding...)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a command of another node that is too large: %v", err)
	}
}

func TestBatchOfTooManyOperations(t *testing.T) {
	b := lb.Batch{Ops: make([]lb.Op, lbpb.MaxBatch+1)}
	for i := range b.Ops {
		b.Ops[i] = lb.DeletePool{ID: "p"}
	}
	if _, err := EncodeCommand("", lb.Stamp{At: time.Unix(1, 0)}, true, b); !errors.Is(err, lb.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
