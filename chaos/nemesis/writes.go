package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

const (
	writers   = 3
	registers = 4
	// writeEvery is the pause of a writer between two operations.
	writeEvery = 20 * time.Millisecond
	writeLimit = 2 * time.Second
	// retireAfter bounds the writes of unknown outcome on one register: each doubles
	// the work of the judge.
	retireAfter = 6
	// holderOf is the load balancer that the writers' pools belong to.
	holderOf = "written"
)

// register is a pool whose description is written and read.
type register struct {
	id      string
	unknown int
}

// writing is what the writers did.
type writing struct {
	cluster *chaos.Cluster

	mu        sync.Mutex
	registers []*register // guarded by mu
	ops       []check.Op  // guarded by mu
	created   []string    // guarded by mu; names that were acknowledged
	acked     int         // guarded by mu; changes that were acknowledged
	serial    int         // guarded by mu; makes values and names unique
	refused   error       // guarded by mu; a change that was refused and should not have been
}

// prepare makes the load balancer and the registers.
func (w *writing) prepare(ctx context.Context) error {
	cs := &clients{cluster: w.cluster}
	defer cs.close()
	err := cs.use(ctx, w.cluster.Nodes()[0], func(c *admin.Client) error {
		_, err := c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{
			MetaSpec: lb.MetaSpec{Name: lb.Some(holderOf)}, VIPSubnetID: lb.Some(lb.SubnetID("public")),
		})
		for range registers {
			if err != nil {
				break
			}
			var r *register
			if r, err = w.newRegister(ctx, c); err == nil {
				w.registers = append(w.registers, r)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("prepare writers: %w", err)
	}
	return nil
}

func (w *writing) newRegister(ctx context.Context, c *admin.Client) (*register, error) {
	w.mu.Lock()
	w.serial++
	name := "register-" + strconv.Itoa(w.serial)
	w.mu.Unlock()
	made, err := c.Pools.Create(ctx, poolSpec(name))
	if err != nil {
		return nil, fmt.Errorf("make register: %w", err)
	}
	return &register{id: string(made.Value.ID)}, nil
}

func poolSpec(name string) lb.PoolSpec {
	return lb.PoolSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some(name)}, LoadBalancerID: lb.Some(lb.LoadBalancerID(holderOf)),
		Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}
}

// run writes and reads through random nodes until ctx ends.
func (w *writing) run(ctx context.Context, client int, random *rand.Rand) {
	cs := &clients{cluster: w.cluster}
	defer cs.close()
	nodes := w.cluster.Nodes()
	for pause(ctx, writeEvery) {
		what, r := random.IntN(5), w.pick(random)
		one, cancel := context.WithTimeout(ctx, writeLimit)
		err := cs.use(one, nodes[random.IntN(len(nodes))], func(c *admin.Client) error {
			switch what {
			case 0:
				return w.create(one, c)
			case 1, 2:
				return w.operate(one, c, client, r, true)
			default:
				return w.operate(one, c, client, r, false)
			}
		})
		cancel()
		w.note(err)
	}
}

func (w *writing) pick(random *rand.Rand) *register {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.registers[random.IntN(len(w.registers))]
}

func (w *writing) next(prefix string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	return prefix + strconv.Itoa(w.serial)
}

func (w *writing) create(ctx context.Context, c *admin.Client) error {
	name := w.next("created-")
	_, err := c.Pools.Create(ctx, poolSpec(name))
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.created = append(w.created, name)
		w.acked++
	}
	return err
}

// operate writes the register, or reads it.
func (w *writing) operate(ctx context.Context, c *admin.Client, client int, r *register, write bool) error {
	op := check.Op{Client: client, Register: r.id, Write: write, Call: wire.Now()}
	var err error
	if write {
		op.Value = w.next("")
		_, err = c.Pools.Update(ctx, r.id, lb.PoolSpec{MetaSpec: lb.MetaSpec{Description: lb.Some(op.Value)}})
	} else {
		var got admin.Resource[lb.Pool]
		if got, err = c.Pools.Get(ctx, r.id); err == nil {
			op.Value = got.Value.Description
		}
	}
	op.Return = wire.Now()
	w.mu.Lock()
	op.Unknown = err != nil
	w.ops = append(w.ops, op)
	if write && err == nil {
		w.acked++
	}
	retire := false
	if write && err != nil {
		r.unknown++
		retire = r.unknown == retireAfter
	}
	w.mu.Unlock()
	if retire {
		w.replace(ctx, c, r)
	}
	return err
}

// replace puts a new register in the place of one with too many open writes.
func (w *writing) replace(ctx context.Context, c *admin.Client, old *register) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	r, err := w.newRegister(ctx, c)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		old.unknown-- // the next one that fails tries again
		return
	}
	for i := range w.registers {
		if w.registers[i] == old {
			w.registers[i] = r
		}
	}
}

// note keeps the first error that no fault explains: what the writers ask for is
// never wrong.
func (w *writing) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range []error{lb.ErrInvalid, lb.ErrNotFound, lb.ErrConflict, lb.ErrInUse, lb.ErrImmutable} {
		if errors.Is(err, kind) && w.refused == nil {
			w.refused = err
		}
	}
}

func (w *writing) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked
}

// pause waits, and reports whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
