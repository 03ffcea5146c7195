package nemesis

import (
	"context"
	"time"

	"github.com/amphora-lb/amphora/chaos/check"
)

// end reads what every node has, stops all nodes and looks for what they left.
func (r *run) end(ctx context.Context, v *Verdict) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	settled, cancel := context.WithTimeout(ctx, 10*time.Second)
	has, differ, err := r.compare(settled)
	cancel()
	if err != nil {
		return err
	}
	v.Bad = append(v.Bad, differ...)
	lost, bad := check.Kept(r.writing.created, has)
	v.Lost, v.Bad = lost, append(v.Bad, bad...)

	if err := r.journals.read(); err != nil {
		return err
	}
	for node := range r.journals.ledgers {
		text, err := r.cluster.Gate(ctx, node)
		if err == nil {
			err = r.journals.tells(node, text)
		}
		if err != nil {
			return err
		}
	}
	if err := r.cluster.Stop(); err != nil {
		return err
	}
	if err := r.journals.read(); err != nil { // up to the last word
		return err
	}
	return r.afterStop(ctx, v)
}

// afterStop is I10: what systemd does after a stop is done too, and then nothing is
// left.
func (r *run) afterStop(ctx context.Context, v *Verdict) error {
	after := map[string][]string{}
	for _, node := range r.cluster.Nodes() {
		if r.cluster.Amphora(node) {
			if err := r.cluster.ReleaseVIP(ctx, node); err != nil {
				return err
			}
		}
		var err error
		if after[node], err = r.cluster.Traces(node); err != nil {
			return err
		}
	}
	v.Bad = append(v.Bad, check.Clean(r.before, after)...)
	return nil
}
