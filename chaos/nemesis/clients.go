package nemesis

import (
	"context"
	"errors"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// clients keeps a connection to the admin API of each node, for one goroutine.
type clients struct {
	cluster *chaos.Cluster
	open    map[string]*admin.Client
}

// use calls do with a client of the node. When the node cannot do it, the
// connection is given up: the next use makes a new one at once, where the old one
// would wait longer and longer before it tries again.
func (c *clients) use(ctx context.Context, node string, do func(*admin.Client) error) error {
	client := c.open[node]
	if client == nil {
		var err error
		if client, err = admin.Dial(ctx, "unix://"+c.cluster.Socket(node)); err != nil {
			return err
		}
		if c.open == nil {
			c.open = map[string]*admin.Client{}
		}
		c.open[node] = client
	}
	err := do(client)
	if errors.Is(err, lb.ErrUnavailable) {
		delete(c.open, node)
		_ = client.Close()
	}
	return err
}

func (c *clients) close() {
	for _, client := range c.open {
		_ = client.Close()
	}
	c.open = nil
}
