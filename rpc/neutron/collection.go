package neutron

import (
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// view is a configuration, with what records show besides.
type view struct {
	*lb.Config
	mtu int
}

func (s *server) view() *view { return &view{Config: s.backend.Config(), mtu: s.mtu} }

// collection is one kind of resource as the API shows it.
type collection struct {
	kind         lb.Kind
	name, plural string // in bodies
	path         string
	public       bool // everybody may read all of them
	attributes   []string

	all func(*view) iter.Seq[record]
	get func(v *view, id string) (record, bool)
	// create and update take the attributes of f. They check nothing that lb checks.
	create func(f *fields, v *view, caller access.Caller, id, project string) lb.Op
	update func(f *fields, id string, revision uint64) lb.Op
	remove func(id string, revision uint64) lb.Op
}

// store is where resources of a kind are in a configuration, and how they are shown.
func store[T any](c collection, all func(*lb.Config) iter.Seq[*T], get func(*lb.Config, string) (*T, bool), show func(*view, *T) record) *collection {
	c.all = func(v *view) iter.Seq[record] {
		return func(yield func(record) bool) {
			for o := range all(v.Config) {
				if !yield(show(v, o)) {
					return
				}
			}
		}
	}
	c.get = func(v *view, id string) (record, bool) {
		o, ok := get(v.Config, id)
		if !ok {
			return nil, false
		}
		return show(v, o), true
	}
	var zero T
	c.attributes = slices.Sorted(maps.Keys(show(&view{Config: &lb.Config{}}, &zero)))
	return &c
}

func (c *collection) route(mux *http.ServeMux, s *server) {
	handle := func(pattern string, serve func(*server, http.ResponseWriter, *http.Request) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+c.path+path, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(s, w, r); err != nil {
				s.refuse(w, r, err)
			}
		})
	}
	handle("GET ", c.serveList)
	handle("GET /{id}", c.serveShow)
	handle("POST ", c.serveCreate)
	handle("PUT /{id}", c.serveUpdate)
	handle("DELETE /{id}", c.serveDelete)
	c.routeTags(handle)
}

// readable reports whether the caller may see a record.
func (c *collection) readable(caller access.Caller, r record) bool {
	project := asText(r["project_id"])
	if shared, _ := r["shared"].(bool); shared || c.public {
		project = ""
	}
	return caller.May(access.Read, project)
}

// find returns what the caller may see. To others it is not there.
func (c *collection) find(v *view, caller access.Caller, id string) (record, error) {
	r, ok := c.get(v, id)
	if !ok || !c.readable(caller, r) {
		return nil, notFound(c.kind, id)
	}
	return r, nil
}

// findToChange is find for a call that changes what it finds.
func (c *collection) findToChange(v *view, r *http.Request, action string) (record, error) {
	caller := access.From(r.Context())
	found, err := c.find(v, caller, r.PathValue("id"))
	if err == nil && !caller.May(access.Write, asText(found["project_id"])) {
		return nil, disallowed(action + "_" + c.name)
	}
	return found, err
}

func (c *collection) serveList(s *server, w http.ResponseWriter, r *http.Request) error {
	caller := access.From(r.Context())
	if !caller.Could(access.Read) {
		return disallowed("get_" + c.name)
	}
	q, err := parseQuery(r.URL.Query(), c.attributes)
	if err != nil {
		return err
	}
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	v := s.view()
	all := []record{}
	if ids := q.filters["id"]; len(ids) == 1 {
		if one, err := c.find(v, caller, ids[0]); err == nil && q.matches(one) {
			all = append(all, one)
		}
	} else {
		for one := range c.all(v) {
			if c.readable(caller, one) && q.matches(one) {
				all = append(all, one)
			}
		}
	}
	page, err := q.page(all, c.kind)
	if err != nil {
		return err
	}
	body := record{}
	if links := q.links(r, page); len(links) > 0 {
		body[c.plural+"_links"] = links
	}
	for i, one := range page {
		page[i] = q.pick(one)
	}
	body[c.plural] = page
	writeJSON(w, http.StatusOK, body)
	return nil
}

func (c *collection) serveShow(s *server, w http.ResponseWriter, r *http.Request) error {
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	one, err := c.find(s.view(), access.From(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, record{c.name: pick(one, r.URL.Query()["fields"])})
	return nil
}

// serveCreate makes one resource, or several in one step.
func (c *collection) serveCreate(s *server, w http.ResponseWriter, r *http.Request) error {
	bodies, bulk, err := c.decode(r)
	if err != nil {
		return err
	}
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	caller, v := access.From(r.Context()), s.view()
	var ops []lb.Op
	var ids []string
	for _, f := range bodies {
		project, err := f.owner(caller, "create_"+c.name)
		if err != nil {
			return err
		}
		id := uuid.NewString()
		op := c.create(f, v, caller, id, project)
		if err := f.done(); err != nil {
			return err
		}
		if err := unseen(v, caller, op); err != nil {
			return err
		}
		ops, ids = append(ops, op), append(ids, id)
	}
	op := ops[0]
	if len(ops) > 1 {
		op = lb.Batch{Ops: ops}
	}
	if _, _, err := s.backend.Propose(r.Context(), "", caller.Open, op); err != nil {
		return err
	}
	return c.answer(s, w, http.StatusCreated, ids, bulk)
}

// owner is the project that is to own what the request creates, "" if nobody said one.
func (f *fields) owner(caller access.Caller, action string) (string, error) {
	project, given := f.project().Get()
	if !given {
		project = caller.ProjectID
	}
	if !caller.May(access.Write, project) {
		return "", disallowed(action)
	}
	return project, nil
}

// answer shows what a call has made or changed.
func (c *collection) answer(s *server, w http.ResponseWriter, status int, ids []string, bulk bool) error {
	v := s.view()
	all := make([]record, len(ids))
	for i, id := range ids {
		one, ok := c.get(v, id)
		if !ok {
			return notFound(c.kind, id) // deleted meanwhile
		}
		all[i] = one
	}
	if bulk {
		writeJSON(w, status, record{c.plural: all})
	} else {
		writeJSON(w, status, record{c.name: all[0]})
	}
	return nil
}

func (c *collection) serveUpdate(s *server, w http.ResponseWriter, r *http.Request) error {
	bodies, bulk, err := c.decode(r)
	if err != nil {
		return err
	}
	if bulk {
		return badRequest("Unable to find '%s' in request body", c.name)
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	old, err := c.findToChange(s.view(), r, "update")
	if err != nil {
		return err
	}
	f, id := bodies[0], asText(old["id"])
	if project, ok := f.project().Get(); ok && project != old["project_id"] {
		return badRequest("Cannot update read-only attribute project_id")
	}
	op := c.update(f, id, revision)
	if err := f.done(); err != nil {
		return err
	}
	if err := unseen(s.view(), access.From(r.Context()), op); err != nil {
		return err
	}
	if err := s.change(r, old, revision, op); err != nil {
		return err
	}
	return c.answer(s, w, http.StatusOK, []string{id}, false)
}

func (c *collection) serveDelete(s *server, w http.ResponseWriter, r *http.Request) error {
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	old, err := c.findToChange(s.view(), r, "delete")
	if err != nil {
		return err
	}
	if err := s.change(r, old, revision, c.remove(asText(old["id"]), revision)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// change proposes op on a resource, which must have that revision unless it is 0.
func (s *server) change(r *http.Request, old record, revision uint64, op lb.Op) error {
	if have, _ := old["revision_number"].(uint64); revision != 0 && revision != have {
		return stale(revision)
	}
	_, _, err := s.backend.Propose(r.Context(), "", access.From(r.Context()).Open, op)
	return err
}

// decode reads a body with one resource, or with a list of them.
func (c *collection) decode(r *http.Request) (bodies []*fields, bulk bool, err error) {
	var envelope map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&envelope); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, false, fault{http.StatusRequestEntityTooLarge, "HTTPRequestEntityTooLarge", "The body of this request was too large."}
		}
		return nil, false, fault{http.StatusBadRequest, "HTTPBadRequest", "Request body is not valid JSON"}
	}
	var raws []map[string]json.RawMessage
	if many, ok := envelope[c.plural]; ok {
		bulk = true
		if json.Unmarshal(many, &raws) != nil || len(raws) == 0 {
			return nil, true, badRequest("Resources required")
		}
	} else {
		raws = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(envelope[c.name], &raws[0]) != nil || raws[0] == nil {
			return nil, false, badRequest("Unable to find '%s' in request body", c.name)
		}
	}
	for _, raw := range raws {
		if raw == nil {
			raw = map[string]json.RawMessage{}
		}
		bodies = append(bodies, &fields{raw: raw})
	}
	return bodies, bulk, nil
}
