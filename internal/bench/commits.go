package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// rate is how fast changes were committed.
type rate struct {
	Clients   int     `json:"clients"`
	PerSecond float64 `json:"changes_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_us_per_change"` // of the three nodes
}

// commits changes weights of members through the leader of a pair and a witness
// that run in one namespace and sync to the same disk: on three disks it would be
// faster. A change counts when its answer has come.
func commits(ctx context.Context, s settings) (line string, detail any, err error) {
	if os.Geteuid() != 0 {
		return "", nil, fmt.Errorf("%w: a pair holds VIPs, in a namespace, which needs root", errCannot)
	}
	b, err := makeBed(false)
	if err != nil {
		return "", nil, err
	}
	data, err := os.MkdirTemp(s.out, "data-")
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("make data directory: %w", err), b.close())
	}
	defer func() { err = errors.Join(err, b.close(), os.RemoveAll(data)) }()
	leader, nodes, err := b.startPair(ctx, s.bin, data)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = leader.Close() }()
	var members []string
	for i := range 100 {
		members = append(members, fmt.Sprintf("%s:%d", b.memberAddr, 1000+i))
	}
	ids, err := configure(ctx, leader, 80, members)
	if err != nil {
		return "", nil, fmt.Errorf("configure: %w", err)
	}
	before, err := readAll(nodes)
	if err != nil {
		return "", nil, err
	}
	if err := pause(ctx, s.seconds); err != nil {
		return "", nil, err
	}
	spent, err := spentSince(before, nodes)
	if err != nil {
		return "", nil, err
	}
	idle := 100 * spent.Seconds() / s.seconds.Seconds()
	fmt.Printf("#   idle: the three nodes use %.1f%% of a CPU\n", idle)
	var rates []rate
	for _, clients := range []int{1, 8, 64} {
		r, err := change(ctx, leader, ids, clients, s.seconds, nodes)
		if err != nil {
			return "", nil, err
		}
		fmt.Printf("#   %d clients: %.0f changes/s, p50 %.1f ms, p99 %.1f ms, %.0f us of CPU a change\n", clients, r.PerSecond, r.P50, r.P99, r.CPU)
		rates = append(rates, r)
	}
	top := rates[len(rates)-1]
	return fmt.Sprintf("per_second=%.0f clients=%d p99_ms=%.1f one_client=%.0f idle_cpu=%.1f%% limit=500", top.PerSecond, top.Clients, top.P99, rates[0].PerSecond, idle), rates, nil
}

// startPair starts two amphorae and a witness in the proxies' namespace and
// returns a connection to the leader and the processes.
func (b *bed) startPair(ctx context.Context, bin, data string) (leader *admin.Client, nodes []*process, err error) {
	names := []string{"amphora-1", "amphora-2", "witness"}
	gossip := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", 7500+i) }
	socket := func(name string) string { return filepath.Join(b.dir, name+".sock") }
	for i, name := range names {
		var peers []string
		for j := range names {
			if j != i {
				peers = append(peers, fmt.Sprintf("%q", gossip(j)))
			}
		}
		config := fmt.Sprintf("name = %q\nrole = \"amphora\"\ndata_dir = %q\nlog_level = \"error\"\n", name, filepath.Join(data, name))
		if name == "witness" {
			config = strings.Replace(config, `role = "amphora"`, `role = "witness"`, 1)
		}
		config += fmt.Sprintf("[cluster]\nlisten = \"127.0.0.1:%d\"\ngossip = %q\npeers = [%s]\nvoters = [\"%s\"]\n",
			7400+i, gossip(i), strings.Join(peers, ", "), strings.Join(names, `", "`))
		if name != "witness" {
			config += "[vip]\ninterface = \"client\"\n"
		}
		config += fmt.Sprintf("[admin]\nsocket = %q\n[api]\nlisten = \"\"\n", socket(name))
		file := filepath.Join(b.dir, name+".toml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			return nil, nil, fmt.Errorf("write configuration: %w", err)
		}
		p, err := b.start(b.proxy, "", filepath.Join(bin, "amphorad"), "run", "--config", file)
		if err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, p)
	}
	name := ""
	first, err := dialAdmin(ctx, socket(names[0]), nodes[0])
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = first.Close() }()
	err = poll(ctx, nodes[0], func() error {
		status, err := first.Status(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(status.Nodes, func(n admin.Node) bool { return n.ID == status.LeaderID && n.Role == admin.Amphora })
		if i < 0 || !status.Quorum || len(status.Nodes) < len(names) {
			return errors.New("no amphora leads yet")
		}
		name = status.Nodes[i].Name
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("form a cluster: %w", err)
	}
	leader, err = dialAdmin(ctx, socket(name), nodes[slices.Index(names, name)])
	return leader, nodes, err
}

// change lets clients change members for that long, each one thing after the
// other.
func change(ctx context.Context, c *admin.Client, ids []lb.MemberID, clients int, d time.Duration, nodes []*process) (rate, error) {
	before, err := readAll(nodes)
	if err != nil {
		return rate{}, err
	}
	var (
		wg    sync.WaitGroup
		took  = make([][]time.Duration, clients)
		errs  = make([]error, clients)
		begin = time.Now()
	)
	for k := range clients {
		wg.Go(func() {
			for n := 0; time.Since(begin) < d; n++ {
				asked := time.Now()
				_, err := c.Members.Update(ctx, string(ids[(k+n*clients)%len(ids)]), lb.MemberSpec{Weight: lb.Some(1 + (k+n)%256)})
				if err != nil {
					errs[k] = err
					return
				}
				took[k] = append(took[k], time.Since(asked))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	if err := errors.Join(errs...); err != nil {
		return rate{}, fmt.Errorf("change a member: %w", err)
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	cpu, err := spentSince(before, nodes)
	if err != nil {
		return rate{}, err
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return rate{
		Clients: clients, PerSecond: float64(len(all)) / elapsed.Seconds(),
		P50: ms(all[len(all)/2]), P99: ms(all[len(all)*99/100]), CPU: perRequest(cpu, len(all)),
	}, nil
}
