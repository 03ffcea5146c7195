package octavia

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// call is one request on its way.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	api       *api
	caller    access.Caller
	requestID string
	ids       []string // in the path, parents first, as the client wrote them
	query     url.Values
	body      []byte
}

// id returns the n-th id of the path, in the usual form if it is a UUID.
func (c *call) id(n int) string {
	if id, ok := canonical(c.ids[n]); ok {
		return id
	}
	return c.ids[n]
}

// last returns the id of the resource that the call is about.
func (c *call) last() string { return c.id(len(c.ids) - 1) }

// could refuses a call whose caller has a right nowhere.
func (c *call) could(right access.Right) error {
	if !c.caller.Could(right) {
		return forbidden()
	}
	return nil
}

// may refuses a call whose caller lacks a right on what belongs to project; "" is what
// belongs to none.
func (c *call) may(right access.Right, project string) error {
	if !c.caller.May(right, project) {
		return forbidden()
	}
	return nil
}

// snapshot is what one call reads: a configuration, and the view that goes with it.
type snapshot struct {
	cfg   *lb.Config
	view  func() (v lb.View, ok bool) // asked when it is needed; false: there is none
	trees map[*lb.Tree]map[string]lb.Status
}

// reasonNoView is why everything is pending while nobody holds the VIPs. The cause names
// nodes and addresses, which are the operator's and stay in the log.
const reasonNoView = "no node answers for the VIPs now"

// status is that of the resource with that id in t. A tree is derived once.
func (s *snapshot) status(t *lb.Tree, id string) lb.Status {
	view, ok := s.view()
	all, known := s.trees[t]
	if !known {
		all = view.Tree(t)
		s.trees[t] = all
	}
	status := all[id]
	if !ok && status.Reason == "" {
		status.Reason = reasonNoView
	}
	return status
}

// read returns a snapshot that shows every change that was acknowledged before the call.
func (c *call) read() (*snapshot, error) {
	if err := c.api.Backend.Sync(c.r.Context()); err != nil {
		return nil, err
	}
	return c.snapshot(nil), nil
}

// snapshot returns one of this node's configuration. As changes the view.
func (c *call) snapshot(as func(lb.View) lb.View) *snapshot {
	return &snapshot{
		cfg:   c.api.Backend.Config(),
		trees: map[*lb.Tree]map[string]lb.Status{},
		view: sync.OnceValues(func() (lb.View, bool) {
			v, err := c.api.Backend.View(c.r.Context())
			if err != nil { // statuses are then as before the holder's first word
				c.api.Log.DebugContext(c.r.Context(), "no view", "err", err, "request_id", c.requestID)
				v = lb.View{}
			}
			if as != nil {
				v = as(v)
			}
			return v, err == nil
		}),
	}
}

// propose has op done and returns a snapshot as it was at that moment: what op changed
// is pending, whatever the engine has done since. That is what Octavia answers.
func (c *call) propose(op lb.Op) (lb.Result, *snapshot, error) {
	if err := errors.Join(c.checkNets(op), c.checkMembers(op)); err != nil {
		return lb.Result{}, nil, err
	}
	result, revision, err := c.api.Backend.Propose(c.r.Context(), c.requestID, c.caller.Open, op)
	if err != nil {
		return lb.Result{}, nil, err
	}
	return result, c.snapshot(func(v lb.View) lb.View {
		v.Revision = min(v.Revision, revision-1)
		return v
	}), nil
}

// accepted answers 202 without a body.
func (c *call) accepted() error {
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// ctx is the request's.
func (c *call) ctx() context.Context { return c.r.Context() }
