package octavia

import (
	"cmp"
	"encoding/json"
	"iter"
	"net/http"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// resource declares a kind of resource: R is one of them as a snapshot shows it, S what
// requests say about one. Its methods are the calls that every kind has; a call whose
// function is nil must not be routed.
type resource[R, S any] struct {
	kind             lb.Kind
	one, many, links string // root keys; links is "" if lists have none
	arg              string // WSME's name of the argument, in faults
	named            bool   // ids are names, not UUIDs
	attrs            []attribute[R]
	hidden           []attribute[R] // are filtered by, and not shown
	form             object[S]

	id      func(R) string
	tags    func(R) []string // nil: it has none
	project func(R) string   // nil: it is no project's

	// What the calls need. Global is the right to list what belongs to every project.
	read, global, write access.Right

	// all yields every resource that the path means, in any order. Find returns the one
	// that the path names. Both may return a fault of pecan's form for a parent that is
	// not there.
	all  func(*call, *snapshot) (iter.Seq[R], error)
	find func(c *call, s *snapshot, id string) (R, bool, error)

	// create returns the operation, and the project in which it creates; [call.owner]
	// finds that out where nothing else does. Update and remove get what find found.
	create func(*call, *snapshot, *S) (project string, op lb.Op, err error)
	update func(*call, R, *S) (lb.Op, error)
	remove func(*call, R) (lb.Op, error)

	changed, removed int // status codes; 0: 200 and 204
}

// list answers GET on a collection.
func (r *resource[R, S]) list(c *call) error {
	q, err := parseQuery(c.query)
	if err != nil {
		return err
	}
	project, err := r.scope(c, &q)
	if err != nil {
		return err
	}
	s, err := c.read()
	if err != nil {
		return err
	}
	seq, err := r.all(c, s)
	if err != nil {
		return err
	}
	var rows []R
	for row := range seq {
		if project == "" || r.project(row) == project {
			rows = append(rows, row)
		}
	}
	if rows, err = filter(rows, q, slices.Concat(r.attrs, r.hidden), r.tags); err != nil {
		return err
	}
	if err := order(rows, q, r.attrs, r.id); err != nil {
		return err
	}
	limit := c.api.PageLimit
	if q.limit > 0 {
		limit = min(limit, q.limit)
	}
	if rows, err = page(rows, q, limit, r.id); err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, r.appendPage(c, rows, q, limit))
}

// scope returns the project that a list is limited to, "" for none, and takes it out of
// the query.
func (r *resource[R, S]) scope(c *call, q *query) (string, error) {
	if r.project == nil {
		return "", c.could(r.read)
	}
	project := ""
	for _, name := range []string{"tenant_id", "project_id"} {
		if p, ok := q.filters[name]; ok {
			project = p
			delete(q.filters, name)
		}
	}
	if c.caller.Could(r.global) {
		return project, nil
	}
	if project == "" {
		project = c.caller.ProjectID
	}
	if project == "" {
		return "", forbidden()
	}
	return project, c.may(r.read, project)
}

func (r *resource[R, S]) appendPage(c *call, rows []R, q query, limit int) []byte {
	b := make([]byte, 0, 64+1024*len(rows))
	b = append(appendString(append(b, '{'), r.many), ':')
	b = appendList(b, rows, func(b []byte, row R) []byte { return appendObject(b, r.attrs, row, q.fields) })
	if r.links != "" {
		first, last := "", ""
		if len(rows) > 0 {
			first, last = r.id(rows[0]), r.id(rows[len(rows)-1])
		}
		j, _ := json.Marshal(links(c.api.baseURI(c.r)+c.r.URL.Path, c.query, limit, len(rows) >= limit, first, last)) // text: cannot fail
		b = append(appendString(append(b, ','), r.links), ':')
		b = append(b, j...)
	}
	return append(b, '}')
}

// answer writes one resource.
func (r *resource[R, S]) answer(c *call, status int, row R) error {
	b := append(appendString([]byte{'{'}, r.one), ':')
	b = appendObject(b, r.attrs, row, parseFields(c.query))
	return writeJSON(c.w, status, append(b, '}'))
}

// found returns the resource that the path names, if the caller has the right on it. A
// caller who has it nowhere does not learn whether there is one.
func (r *resource[R, S]) found(c *call, right access.Right) (R, *snapshot, error) {
	var none R
	if err := c.could(right); err != nil {
		return none, nil, err
	}
	s, err := c.read()
	if err != nil {
		return none, nil, err
	}
	id := c.ids[len(c.ids)-1]
	if !r.named {
		id = c.last()
	}
	row, ok, err := r.find(c, s, id)
	switch {
	case err != nil:
		return none, nil, err
	case !ok:
		return none, nil, missing(r.kind, c.ids[len(c.ids)-1])
	case r.project == nil, right == r.read && c.caller.Could(r.global):
		return row, s, nil
	}
	return row, s, c.may(right, r.project(row))
}

// show answers GET on one resource.
func (r *resource[R, S]) show(c *call) error {
	row, _, err := r.found(c, r.read)
	if err != nil {
		return err
	}
	return r.answer(c, http.StatusOK, row)
}

// post creates a resource.
func (r *resource[R, S]) post(c *call) error {
	if err := c.could(r.write); err != nil {
		return err
	}
	spec, err := r.decode(c, post)
	if err != nil {
		return err
	}
	// What it is to be below is there already as a rule, and moves to no other project.
	project, op, err := r.create(c, c.snapshot(nil), spec)
	if err != nil {
		before, e := c.read()
		if e != nil {
			return e
		}
		if project, op, err = r.create(c, before, spec); err != nil {
			return err
		}
	}
	if err := c.may(r.write, project); err != nil {
		return err
	}
	result, after, err := c.propose(op)
	if err != nil {
		return err
	}
	return r.answerChanged(c, after, http.StatusCreated, result.ID)
}

// put updates a resource.
func (r *resource[R, S]) put(c *call) error {
	row, _, err := r.found(c, r.write)
	if err != nil {
		return err
	}
	spec, err := r.decode(c, put)
	if err != nil {
		return err
	}
	op, err := r.update(c, row, spec)
	if err != nil {
		return err
	}
	_, after, err := c.propose(op)
	if err != nil {
		return err
	}
	return r.answerChanged(c, after, cmp.Or(r.changed, http.StatusOK), r.id(row))
}

// answerChanged shows what a change left. It may be gone again by now.
func (r *resource[R, S]) answerChanged(c *call, after *snapshot, status int, id string) error {
	row, ok, err := r.find(c, after, id)
	if err != nil {
		return err
	}
	if !ok {
		return missing(r.kind, id)
	}
	return r.answer(c, status, row)
}

// delete deletes a resource.
func (r *resource[R, S]) delete(c *call) error {
	row, _, err := r.found(c, r.write)
	if err != nil {
		return err
	}
	op, err := r.remove(c, row)
	if err != nil {
		return err
	}
	if _, _, err := c.propose(op); err != nil {
		return err
	}
	c.w.WriteHeader(cmp.Or(r.removed, http.StatusNoContent))
	return nil
}

// decode reads the request's body.
func (r *resource[R, S]) decode(c *call, in form) (*S, error) {
	spec := new(S)
	err := decodeBody(c.body, r.arg, r.one, func(v any) error { return r.form.decode(spec, v, in) })
	return spec, err
}

// owner is the project of something new: the one that the request names, or the caller's.
func (c *call) owner(meta *lb.MetaSpec) (string, error) {
	project, _ := meta.ProjectID.Get()
	if project == "" {
		project = c.caller.ProjectID
	}
	if project == "" {
		return "", badRequest("Missing project ID in request where one is required.")
	}
	meta.ProjectID = lb.Some(project)
	return project, nil
}

// nameForm are the attributes name and description of a request.
func nameForm[S any](meta func(*S) *lb.MetaSpec) object[S] {
	return object[S]{
		field("name", func(s *S) *lb.Opt[string] { return &meta(s).Name }, textOf(255)),
		field("description", func(s *S) *lb.Opt[string] { return &meta(s).Description }, textOf(255)),
	}
}

// metaForm are the attributes of every resource of a load balancer in requests, but for
// name and description.
func metaForm[S any](meta func(*S) *lb.MetaSpec) object[S] {
	project := func(s *S) *lb.Opt[string] { return &meta(s).ProjectID }
	return object[S]{
		field("project_id", project, textOf(36)).create(),
		field("tenant_id", project, textOf(36)).create(),
		field("admin_state_up", func(s *S) *lb.Opt[bool] { return &meta(s).AdminStateUp }, boolOf),
		field("tags", func(s *S) *lb.Opt[[]string] { return &meta(s).Tags }, listOf(textOf(255))),
	}
}

// values yields what a slice holds.
func values[R any](rows []R) (iter.Seq[R], error) { return slices.Values(rows), nil }
