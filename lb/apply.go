package lb

import (
	"fmt"
	"strconv"
	"time"
)

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
	e := &edit{Config: *cfg, id: cmd.ID, at: cmd.At.UTC().Truncate(time.Second), exempt: cmd.Exempt, unnumbered: cmd.Unnumbered}
	e.revision = cmd.Revision
	result, err = cmd.Op.apply(e)
	if err != nil {
		return cfg, Result{}, nil, err
	}
	return &e.Config, result, once(e.changes), nil
}

// edit is one command at work: a Config of its own to change, which still
// shares everything with the one before.
type edit struct {
	Config
	id         string // stamped, for the resource that the command creates
	made       int    // ids that newID gave out
	births     uint64 // resources created so far, unless they are unnumbered
	at         time.Time
	exempt     bool // from quotas
	unnumbered bool
	changes    []Change
}

// newID returns the id of a resource to create: given, or if that is empty the one of
// the stamp. A command that makes several resources gets further ids derived from it, the
// same ones on every node: RFC 9562 UUIDs of version 8, from a hash.
func (e *edit) newID(given string) string {
	if given != "" {
		return given
	}
	e.made++
	if e.made == 1 {
		return e.id
	}
	return deriveID("further " + strconv.Itoa(e.made) + " of " + e.id)
}

// precondition refuses a command for a resource that is not, or no longer, as the client
// read it. want is the If of an operation, 0 for any; has is the resource's revision.
func precondition(kind Kind, id string, want, has uint64) error {
	if want == 0 || want == has {
		return nil
	}
	return &Error{
		Kind: ErrPrecondition, Resource: kind, ID: id,
		Msg: fmt.Sprintf("has revision %d, not %d: somebody changed it, read it again", has, want),
	}
}

// serialBits are the lower bits of a serial, which number the resources of one command. A
// command of the largest size cannot have so many.
const serialBits = 20

// created stamps a resource that is new. Serials need no counter that would have to be
// stored: revisions rise, and what one command creates is counted.
func (e *edit) created(m *Meta) {
	m.CreatedAt, m.Revision = e.at, e.revision
	if !e.unnumbered {
		m.Serial = e.revision<<serialBits | e.births
		e.births++
	}
}

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
	return e.wrote(KindListener, string(l.ID), l.stored())
}

// own enters a new child of a load balancer into the index of owners, and counts it
// against the quota of the load balancer's project.
func (e *edit) own(kind Kind, id string, owner LoadBalancerID) error {
	t, _ := e.Tree(owner)
	e.owners = e.owners.With(id, owner)
	return e.quota(kind, t.LoadBalancer.ProjectID, 1)
}

// disown takes back what own did. The load balancer must still be there.
func (e *edit) disown(kind Kind, id string) {
	t, _ := e.TreeOf(id)
	e.owners = e.owners.Without(id)
	e.release(kind, t.LoadBalancer.ProjectID, 1)
}

func notFound(kind Kind, id string) error {
	return &Error{Kind: ErrNotFound, Resource: kind, ID: id, Msg: "does not exist"}
}
