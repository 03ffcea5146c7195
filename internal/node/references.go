package node

import (
	"context"
	"iter"
	"time"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// openSecrets makes what finds the secrets that TLS references name: here, and in the
// Barbican that is configured. What is served comes from copies of those, so that it goes
// on while Barbican is away; what is checked is asked for each time.
func (n *Node) openSecrets() error {
	here := certs.Config{Objects: n.state.Config, Opener: n.key}
	barbican, err := n.cfg.Barbican.source()
	if err != nil {
		return err
	}
	served, checked := here, here
	if barbican != nil {
		n.elsewhere = certs.Follow(certs.FollowConfig{
			Source: barbican, Every: time.Duration(n.cfg.Barbican.Every), Wanted: n.wantedSecrets,
			Logger: n.cfg.Logger.With(logkey.Component, "certs"),
		})
		served.Elsewhere, checked.Elsewhere = n.elsewhere, barbican
	}
	n.secrets, n.checks = certs.New(served), certs.New(checked)
	return nil
}

// checkRefs refuses an operation with TLS references that lead nowhere, whichever API it
// came by. It may ask Barbican.
func (b backend) checkRefs(ctx context.Context, op lb.Op) error {
	if !certs.Refers(op) {
		return nil
	}
	if err := b.Sync(ctx); err != nil { // a secret may have been stored on another node just now
		return err
	}
	return b.checks.CheckOp(ctx, op)
}

// wantedSecrets lists every TLS reference of the configuration.
func (n *Node) wantedSecrets() []string {
	var all []string
	for t := range n.state.Config().Trees() {
		for _, ref := range tlsRefs(t) {
			all = append(all, ref)
		}
	}
	return all
}

// tlsRefs yields the TLS references of a load balancer with the ids of the listeners and
// pools that have them.
func tlsRefs(t *lb.Tree) iter.Seq2[string, string] {
	return func(yield func(id, ref string) bool) {
		each := func(id string, refs ...string) bool {
			for _, ref := range refs {
				if ref != "" && !yield(id, ref) {
					return false
				}
			}
			return true
		}
		for _, l := range t.Listeners {
			if !each(string(l.ID), l.TLS.DefaultRef, l.TLS.ClientCARef, l.TLS.ClientCRLRef) || !each(string(l.ID), l.TLS.SNIRefs...) {
				return
			}
		}
		for _, p := range t.Pools {
			if !each(string(p.ID), p.TLS.Ref, p.TLS.CARef, p.TLS.CRLRef) {
				return
			}
		}
	}
}

// followSecrets reads again what is elsewhere, and has the engine look when it changes.
func (n *Node) followSecrets(ctx context.Context) error {
	if n.engine == nil {
		return n.elsewhere.Run(ctx)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.elsewhere.Run(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-n.elsewhere.Changes():
			n.engine.Apply(n.state.Config())
		}
	}
}

// warnings says what is not well with secrets of listeners and pools that are served.
func (n *Node) warnings() map[string]string {
	if n.elsewhere == nil || !n.elsewhere.Ailing() {
		return nil
	}
	found := map[string]string{}
	for t := range n.state.Config().Trees() {
		for id, ref := range tlsRefs(t) {
			if text := n.secrets.Warning(ref); text != "" {
				found[id] = text
			}
		}
	}
	return found
}
