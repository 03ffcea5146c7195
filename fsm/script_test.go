package fsm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/amphora-lb/amphora/lb"
)

// openTest opens a state machine that does not sync, which only a power failure
// would notice.
func openTest(t testing.TB, path string) *FSM {
	t.Helper()
	f, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.store.db.NoSync = true
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func newTest(t testing.TB) *FSM {
	t.Helper()
	return openTest(t, filepath.Join(t.TempDir(), "fsm.db"))
}

func hash(t testing.TB, f *FSM) [32]byte {
	t.Helper()
	sum, err := f.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// sameState fails the test unless both have the same index, content and
// configuration.
func sameState(t testing.TB, got, want *FSM) {
	t.Helper()
	if got.Index() != want.Index() {
		t.Fatalf("index %d, want %d", got.Index(), want.Index())
	}
	if hash(t, got) != hash(t, want) {
		t.Fatalf("hash differs at index %d", want.Index())
	}
	sameConfig(t, got.Config(), want.Config())
}

func sameConfig(t testing.TB, got, want *lb.Config) {
	t.Helper()
	if got.Revision() != want.Revision() {
		t.Fatalf("revision %d, want %d", got.Revision(), want.Revision())
	}
	a, b := slices.Collect(got.Objects()), slices.Collect(want.Objects())
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("configurations differ:\n%v\n%v", a, b)
	}
}

// script draws a plausible history: most commands fit the state that the ones
// before have led to, some are refused, some are sent twice, and raft's own
// entries lie between.
type script struct {
	t    testing.TB
	rng  *rand.Rand
	fsm  *FSM // applies every entry as soon as it is drawn
	logs []*raft.Log
	sent [][]byte
}

func newScript(t testing.TB, seed uint64) *script {
	t.Helper()
	return &script{t: t, rng: rand.New(rand.NewPCG(seed, 1)), fsm: newTest(t)}
}

// history returns n entries.
func history(t testing.TB, seed uint64, n int) *script {
	t.Helper()
	s := newScript(t, seed)
	for range n {
		s.step()
	}
	return s
}

func (s *script) step() {
	index, term := uint64(1), uint64(1)
	if len(s.logs) > 0 {
		last := s.logs[len(s.logs)-1]
		index, term = last.Index+1, last.Term
	}
	if s.rng.IntN(20) == 0 { // an election, with a noop that the FSM does not see
		index, term = index+1, term+1
	}
	l := &raft.Log{Index: index, Term: term, Type: raft.LogCommand}
	switch {
	case s.rng.IntN(15) == 0:
		l.Type = raft.LogConfiguration
	case len(s.sent) > 0 && s.rng.IntN(10) == 0:
		l.Data = s.sent[s.rng.IntN(len(s.sent))]
	default:
		l.Data = s.command(index)
		s.sent = append(s.sent, l.Data)
	}
	s.logs = append(s.logs, l)
	s.fsm.Apply(l)
}

func (s *script) command(index uint64) []byte {
	requestID := ""
	if s.rng.IntN(3) > 0 {
		requestID = fmt.Sprintf("request-%d", index)
	}
	stamp := lb.Stamp{At: time.Unix(1_800_000_000+int64(index), 0), ID: testID(index)}
	data, err := EncodeCommand(requestID, stamp, true, s.op(index))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func testID(n uint64) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// pick returns the id of some resource of that kind, or of none.
func pick[ID ~string](s *script, kind lb.Kind) ID {
	var ids []ID
	for o := range s.fsm.Config().Objects() {
		if k, id := identify(o); k == kind {
			ids = append(ids, ID(id))
		}
	}
	if len(ids) == 0 {
		return ID(testID(0))
	}
	return ids[s.rng.IntN(len(ids))]
}

func identify(o any) (lb.Kind, string) {
	switch o := o.(type) {
	case *lb.Subnet:
		return lb.KindSubnet, string(o.ID)
	case *lb.LoadBalancer:
		return lb.KindLoadBalancer, string(o.ID)
	case *lb.Listener:
		return lb.KindListener, string(o.ID)
	case *lb.Pool:
		return lb.KindPool, string(o.ID)
	case *lb.Member:
		return lb.KindMember, string(o.ID)
	case *lb.HealthMonitor:
		return lb.KindHealthMonitor, string(o.ID)
	}
	panic(fmt.Sprintf("%T", o))
}

func (s *script) op(index uint64) lb.Op {
	meta := lb.MetaSpec{
		Name: lb.Some(fmt.Sprintf("name %d", index)), Tags: lb.Some([]string{"b", "a"}),
		AdminStateUp: lb.Some(s.rng.IntN(2) == 0),
	}
	tcp := lb.Some(lb.ProtocolTCP)
	switch s.rng.IntN(24) {
	case 0, 1:
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(index), 0, 0}), 24)
		return lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: meta, CIDR: lb.Some(cidr)}}
	case 2:
		return lb.UpdateSubnet{ID: pick[lb.SubnetID](s, lb.KindSubnet), Spec: lb.SubnetSpec{MetaSpec: meta}}
	case 3:
		return lb.DeleteSubnet{ID: pick[lb.SubnetID](s, lb.KindSubnet)}
	case 4, 5:
		return lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
			MetaSpec: meta, VIPSubnetID: lb.Some(pick[lb.SubnetID](s, lb.KindSubnet)),
		}}
	case 6:
		id := pick[lb.LoadBalancerID](s, lb.KindLoadBalancer)
		return lb.DeleteLoadBalancer{ID: id, Cascade: s.rng.IntN(2) == 0}
	case 7, 8:
		return lb.CreateListener{Spec: lb.ListenerSpec{
			MetaSpec: meta, LoadBalancerID: lb.Some(pick[lb.LoadBalancerID](s, lb.KindLoadBalancer)),
			Protocol: tcp, ProtocolPort: lb.Some(int(index%100) + 1), TimeoutClientData: lb.Some(3 * time.Second),
			AllowedCIDRs: lb.Some([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}),
		}}
	case 9:
		return lb.UpdateListener{
			ID:   pick[lb.ListenerID](s, lb.KindListener),
			Spec: lb.ListenerSpec{MetaSpec: meta, TimeoutClientData: lb.Null[time.Duration]()},
		}
	case 10:
		return lb.DeleteListener{ID: pick[lb.ListenerID](s, lb.KindListener)}
	case 11, 12:
		return lb.CreatePool{Spec: lb.PoolSpec{
			MetaSpec: meta, LoadBalancerID: lb.Some(pick[lb.LoadBalancerID](s, lb.KindLoadBalancer)),
			Protocol: tcp, Algorithm: lb.Some(lb.LeastConnections),
		}}
	case 13:
		return lb.DeletePool{ID: pick[lb.PoolID](s, lb.KindPool)}
	case 14, 15, 16:
		return lb.CreateMember{Spec: lb.MemberSpec{
			MetaSpec: lb.MetaSpec{Name: meta.Name}, PoolID: lb.Some(pick[lb.PoolID](s, lb.KindPool)),
			Address: lb.Some(netip.AddrFrom4([4]byte{192, 0, 2, byte(index)})), ProtocolPort: lb.Some(8080),
		}}
	case 17:
		return lb.UpdateMember{
			ID: pick[lb.MemberID](s, lb.KindMember), Spec: lb.MemberSpec{Weight: lb.Some(s.rng.IntN(300))},
		}
	case 18:
		return lb.DeleteMember{ID: pick[lb.MemberID](s, lb.KindMember)}
	case 19:
		return lb.UpdateLoadBalancer{
			ID: pick[lb.LoadBalancerID](s, lb.KindLoadBalancer), Spec: lb.LoadBalancerSpec{MetaSpec: meta},
		}
	case 20:
		return lb.UpdatePool{
			ID: pick[lb.PoolID](s, lb.KindPool), Spec: lb.PoolSpec{Algorithm: lb.Some(lb.SourceIP)},
		}
	case 21:
		return lb.UpdateHealthMonitor{
			ID:   pick[lb.HealthMonitorID](s, lb.KindHealthMonitor),
			Spec: lb.HealthMonitorSpec{MaxRetriesDown: lb.Some(s.rng.IntN(20))},
		}
	case 22:
		return lb.DeleteHealthMonitor{ID: pick[lb.HealthMonitorID](s, lb.KindHealthMonitor)}
	default:
		return lb.CreateHealthMonitor{Spec: lb.HealthMonitorSpec{
			MetaSpec: lb.MetaSpec{Name: meta.Name}, PoolID: lb.Some(pick[lb.PoolID](s, lb.KindPool)),
			Type: lb.Some(lb.MonitorTCP), Delay: lb.Some(5 * time.Second), Timeout: lb.Some(time.Second),
			MaxRetries: lb.Some(3),
		}}
	}
}

// subnetEntry is an entry that succeeds on any state without a subnet n.
func subnetEntry(t testing.TB, index uint64, requestID string, n uint64) *raft.Log {
	t.Helper()
	data, err := EncodeCommand(requestID, lb.Stamp{At: time.Unix(1_800_000_000, 0), ID: testID(n)}, true,
		lb.CreateSubnet{Spec: lb.SubnetSpec{
			MetaSpec: lb.MetaSpec{Name: lb.Some(fmt.Sprintf("subnet %d", n))},
			CIDR:     lb.Some(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 0}), 24)),
		}})
	if err != nil {
		t.Fatal(err)
	}
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: data}
}

// outcomes counts how often each outcome came about, so that a test knows that
// its history was worth something.
func outcomes(logs []*raft.Log, responses []any) (carriedOut, refused, other int) {
	for i, l := range logs {
		data, ok := responses[i].([]byte)
		if !ok || l.Type != raft.LogCommand {
			other++
			continue
		}
		if _, _, err := DecodeResponse(data); err != nil {
			refused++
		} else {
			carriedOut++
		}
	}
	return carriedOut, refused, other
}

func snapshots(t testing.TB) *raft.FileSnapshotStore {
	t.Helper()
	store, err := raft.NewFileSnapshotStoreWithLogger(t.TempDir(), 1, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// persist sends a snapshot of f through the store and returns what the store
// then holds.
func persist(t testing.TB, f *FSM, store *raft.FileSnapshotStore) []byte {
	t.Helper()
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	_, transport := raft.NewInmemTransport("")
	sink, err := store.Create(raft.SnapshotVersionMax, max(f.Index(), 1), 1, raft.Configuration{}, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	if err := snap.Persist(sink); err != nil {
		t.Fatal(err)
	}
	_, r, err := store.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func restore(f *FSM, data []byte) error {
	return f.Restore(io.NopCloser(bytes.NewReader(data)))
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
