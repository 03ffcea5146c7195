package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// watchMove makes something happen that moves the VIPs from a holder, and returns
// what a client saw that asked all the while. It returns when another node alone has
// the VIP and every node that runs agrees.
func (c *Cluster) watchMove(ctx context.Context, vip netip.Addr, from string, happen func() error) (History, error) {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	histories := make(chan History, 1)
	url := "http://" + vip.String() + "/"
	go func() { histories <- newClient(c.client).probe(probing, url) }()
	err := happen()
	if err == nil {
		err = c.awaitMove(ctx, vip, from)
	}
	if err == nil {
		_, err = newClient(c.client).get(ctx, url)
	}
	stop()
	return <-histories, err
}

// awaitMove returns when one node other than from has the VIP, and it alone.
func (c *Cluster) awaitMove(ctx context.Context, vip netip.Addr, from string) error {
	return until(ctx, func() error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		carriers, err := c.Carriers(vip)
		if err == nil && (len(carriers) != 1 || carriers[0] == from) {
			err = fmt.Errorf("the VIP is on %v, want it on one node other than %s", carriers, from)
		}
		return err
	})
}

// move is an act of the demo: what is done to the holder, in words, and how.
type move struct {
	words  string
	result string // its name in the verdict
	do     func(ctx context.Context, holder string) error
}

// moves are the demo's small failovers: those that no user notices.
func (s *story) moves() []move {
	return []move{
		{
			"a planned move", "planned",
			func(ctx context.Context, _ string) error { return s.run(ctx, "failover") },
		},
		{
			"kill -9 of the holder's worker; its supervisor lives", "worker",
			func(ctx context.Context, holder string) error {
				return s.cluster.lab.Inject(ctx, s.cluster.KillNode(holder, Worker))
			},
		},
	}
}

// moveAll plays them and says what a client saw.
func (s *story) moveAll(ctx context.Context) (verdict string, err error) {
	for _, m := range s.moves() {
		holder, err := s.cluster.holder(s.vip)
		if err != nil {
			return "", err
		}
		s.tell("A request every %v, and %s, %s", probeEvery, m.words, holder)
		history, err := s.cluster.watchMove(ctx, s.vip, holder, func() error { return m.do(ctx, holder) })
		if err = errors.Join(err, s.cluster.lab.HealAll(ctx)); err != nil {
			return "", fmt.Errorf("%s: %w", m.words, err)
		}
		now, err := s.cluster.holder(s.vip)
		if err != nil {
			return "", err
		}
		ms := history.Outage().Milliseconds()
		fmt.Fprintf(s.out, "   the VIP is on %s now; longest time without an answer: %d ms; %d of %d requests failed\n", now, ms, history.Failed(), len(history))
		verdict += fmt.Sprintf("%s_ms=%d ", m.result, ms)
	}
	return verdict, nil
}
