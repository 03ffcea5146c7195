package lb

import "time"

// Apply returns the Config after cmd, the resource that the command was about,
// and what has to be stored, in a fixed order: what is written with parents
// before children, what is deleted with children before parents. On error the
// Config is unchanged: next is cfg, and the error is an [*Error], or several
// joined, one for each rule that the command breaks.
//
// Apply is pure and cfg stays as it was, so a dry run is a call whose results
// are thrown away. It may be called from any number of goroutines.
func Apply(cfg *Config, cmd Command) (next *Config, result Result, changes []Change, err error) {
	switch {
	case cmd.Op == nil:
		return cfg, Result{}, nil, &Error{Kind: ErrInvalid, Msg: "the command has no operation"}
	case cmd.At.IsZero():
		return cfg, Result{}, nil, &Error{Kind: ErrInvalid, Field: "at", Msg: "the command is not stamped with a time"}
	}
	e := &edit{Config: *cfg, id: cmd.ID, at: cmd.At.UTC().Truncate(time.Second)}
	e.revision = cmd.Revision
	result, err = cmd.Op.apply(e)
	if err != nil {
		return cfg, Result{}, nil, err
	}
	return &e.Config, result, e.changes, nil
}

// edit is one command at work: a Config of its own to change, which still
// shares everything with the one before.
type edit struct {
	Config
	id      string // stamped, for the resource that the command creates
	at      time.Time
	changes []Change
}

// created stamps a resource that is new.
func (e *edit) created(m *Meta) { m.CreatedAt, m.Revision = e.at, e.revision }

// updated stamps a resource that has changed.
func (e *edit) updated(m *Meta) { m.UpdatedAt, m.Revision = e.at, e.revision }

func (e *edit) wrote(kind Kind, id string, object any) Result {
	e.changes = append(e.changes, Change{Kind: kind, ID: id, Object: object})
	return Result{Kind: kind, ID: id}
}

func (e *edit) deleted(kind Kind, id string) Result { return e.wrote(kind, id, nil) }

// setTree puts a changed tree in the place of the old one.
func (e *edit) setTree(t *Tree) { e.trees = e.trees.With(t.LoadBalancer.ID, t) }

// setPool puts a changed pool in its tree. It records no change: which
// resource of the pool was written is the caller's to say.
func (e *edit) setPool(p *Pool) {
	t, _ := e.Tree(p.LoadBalancerID)
	e.setTree(t.withPool(p))
}

// setListener puts a new or changed listener in its tree and records it.
func (e *edit) setListener(l *Listener) Result {
	t, _ := e.Tree(l.LoadBalancerID)
	e.setTree(t.withListener(l))
	return e.wrote(KindListener, string(l.ID), l)
}

func (e *edit) own(id string, lb LoadBalancerID) { e.owners = e.owners.With(id, lb) }

func (e *edit) disown(id string) { e.owners = e.owners.Without(id) }

func notFound(kind Kind, id string) error {
	return &Error{Kind: ErrNotFound, Resource: kind, ID: id, Msg: "does not exist"}
}
