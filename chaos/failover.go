package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// status is what the lab reads of `amphoractl cluster status -o json`.
type status struct {
	Holder string `json:"holder"` // name of the node
	Quorum bool   `json:"quorum"` // a change could be committed
	Nodes  []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"nodes"`
}

// ready returns nil once every running node agrees that all nodes that run are
// alive, that one of them holds the VIPs, and that changes can be committed.
func (c *Cluster) ready(ctx context.Context) error {
	want, holder := 0, ""
	for _, n := range c.nodes {
		if n.serving() {
			want++
		}
	}
	for _, n := range c.nodes {
		if !n.serving() {
			continue
		}
		text, err := c.Ctl(ctx, n.name, "cluster", "status", "-o", "json")
		if err != nil {
			return err
		}
		var st status
		if err := json.Unmarshal([]byte(text), &st); err != nil {
			return fmt.Errorf("read cluster status of %s: %w", n, err)
		}
		alive := 0
		for _, peer := range st.Nodes {
			if peer.State == "alive" {
				alive++
			}
		}
		switch {
		case alive < want:
			return fmt.Errorf("%s sees %d of %d nodes alive", n, alive, want)
		case !st.Quorum:
			return fmt.Errorf("%s reaches no quorum", n)
		case st.Holder == "":
			return fmt.Errorf("%s knows no holder", n)
		case !c.node(st.Holder).serving():
			return fmt.Errorf("%s still takes %s for the holder", n, st.Holder)
		case holder != "" && holder != st.Holder:
			return fmt.Errorf("%s says that %s holds, another said %s", n, st.Holder, holder)
		}
		holder = st.Holder
	}
	return nil
}

// vip asks for the address of a load balancer.
func (c *Cluster) vip(ctx context.Context, node, lb string) (netip.Addr, error) {
	text, err := c.Ctl(ctx, node, "loadbalancer", "show", lb, "-o", "json")
	if err != nil {
		return netip.Addr{}, err
	}
	var shown struct {
		VIP netip.Addr `json:"vip_address"`
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		return netip.Addr{}, fmt.Errorf("read load balancer %s: %w", lb, err)
	}
	return shown.VIP, nil
}

// holder names the one running node whose interface has the VIP.
func (c *Cluster) holder(vip netip.Addr) (string, error) {
	carriers, err := c.Carriers(vip)
	if err != nil {
		return "", err
	}
	var holders []string
	for _, name := range carriers {
		if c.node(name).serving() {
			holders = append(holders, name)
		}
	}
	if len(holders) != 1 {
		return "", fmt.Errorf("find the holder of %s: running nodes that have it: %v", vip, holders)
	}
	return holders[0], nil
}

// failoverResult is what clients saw of a failover.
type failoverResult struct {
	outage   time.Duration
	history  History
	download download
}

// killHolder kills the holder when a quarter of a download has arrived and
// returns once the download is complete. It fails when the VIP did not move, or
// when the download is damaged or did not notice. One that hangs is no failure:
// it is pressed on as [client.fetchFrom] says, and Hang tells for how long.
func (c *Cluster) killHolder(ctx context.Context, holder string, vip netip.Addr) (failoverResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	url := "http://" + vip.String() + "/"
	probing, stopProbing := context.WithCancel(ctx)
	defer stopProbing()
	histories := make(chan History, 1)
	go func() { histories <- newClient(c.client).probe(probing, url) }()

	quarter := make(chan struct{})
	var r failoverResult
	fetched := make(chan error, 1)
	go func() {
		reached := false
		var err error
		r.download, err = newClient(c.client).fetch(ctx, url+"blob", func(got int) {
			if !reached && got >= blobSize/4 {
				reached = true
				close(quarter)
			}
		})
		fetched <- err
	}()

	err := c.killAt(ctx, quarter, fetched, holder)
	if err != nil {
		cancel() // the download is not waited for
	}
	err = errors.Join(err, <-fetched)
	stopProbing()
	r.history = <-histories
	if err != nil {
		return r, err
	}
	r.outage = r.history.Outage()
	now, err := c.holder(vip)
	switch {
	case err != nil:
		return r, err
	case now == holder:
		return r, fmt.Errorf("the VIP is still on %s, which was killed", holder)
	case !r.download.Complete:
		return r, errors.New("the download arrived damaged")
	case r.download.Breaks == 0:
		return r, errors.New("the download did not notice the kill: the fault did not hit it")
	}
	return r, nil
}

func (c *Cluster) killAt(ctx context.Context, quarter <-chan struct{}, fetched chan error, holder string) error {
	select {
	case <-quarter:
		return c.Kill(holder)
	case err := <-fetched:
		fetched <- err
		return errors.New("the download ended before the holder could be killed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
