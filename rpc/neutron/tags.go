package neutron

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// retries bounds how often a change is made anew because another one came between the
// reading of a resource and the writing.
const retries = 16

// routeTags adds the calls of the extension standard-attr-tag.
func (c *collection) routeTags(handle func(string, func(*server, http.ResponseWriter, *http.Request) error)) {
	handle("GET /{id}/tags", func(s *server, w http.ResponseWriter, r *http.Request) error {
		tags, err := c.tags(s, r)
		if err == nil {
			writeJSON(w, http.StatusOK, record{"tags": tags})
		}
		return err
	})
	handle("GET /{id}/tags/{tag}", func(s *server, w http.ResponseWriter, r *http.Request) error {
		tags, err := c.tags(s, r)
		if err == nil && !slices.Contains(tags, r.PathValue("tag")) {
			err = tagNotFound(r)
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	})
	handle("PUT /{id}/tags", func(s *server, w http.ResponseWriter, r *http.Request) error {
		var body struct{ Tags *[]string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Tags == nil {
			return badRequest("Invalid tags body")
		}
		tags, err := c.changeTags(s, r, func([]string) ([]string, error) { return *body.Tags, nil })
		if err == nil {
			writeJSON(w, http.StatusOK, record{"tags": tags})
		}
		return err
	})
	handle("PUT /{id}/tags/{tag}", func(s *server, w http.ResponseWriter, r *http.Request) error {
		_, err := c.changeTags(s, r, func(tags []string) ([]string, error) {
			return append(slices.Clone(tags), r.PathValue("tag")), nil
		})
		if err == nil {
			w.WriteHeader(http.StatusCreated)
		}
		return err
	})
	handle("DELETE /{id}/tags", func(s *server, w http.ResponseWriter, r *http.Request) error {
		_, err := c.changeTags(s, r, func([]string) ([]string, error) { return []string{}, nil })
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	})
	handle("DELETE /{id}/tags/{tag}", func(s *server, w http.ResponseWriter, r *http.Request) error {
		_, err := c.changeTags(s, r, func(tags []string) ([]string, error) {
			if !slices.Contains(tags, r.PathValue("tag")) {
				return nil, tagNotFound(r)
			}
			return slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == r.PathValue("tag") }), nil
		})
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	})
}

func tagNotFound(r *http.Request) error {
	return fault{http.StatusNotFound, "TagNotFound", "Tag " + r.PathValue("tag") + " could not be found."}
}

func (c *collection) tags(s *server, r *http.Request) ([]string, error) {
	if err := s.backend.Sync(r.Context()); err != nil {
		return nil, err
	}
	one, err := c.find(s.view(), access.From(r.Context()), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	tags, _ := one["tags"].([]string)
	return tags, nil
}

// changeTags gives a resource the tags that edit makes of those it has.
func (c *collection) changeTags(s *server, r *http.Request, edit func([]string) ([]string, error)) ([]string, error) {
	err := s.retry(r, func() error {
		old, err := c.findToChange(s.view(), r, "update")
		if err != nil {
			return err
		}
		have, _ := old["tags"].([]string)
		want, err := edit(have)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(want)
		if err != nil {
			return err
		}
		f := &fields{raw: map[string]json.RawMessage{"tags": raw}}
		revision, _ := old["revision_number"].(uint64)
		op := c.update(f, asText(old["id"]), revision)
		if err := f.done(); err != nil {
			return err
		}
		return s.change(r, old, revision, op)
	})
	if err != nil {
		return nil, err
	}
	return c.tags(s, r)
}

// retry calls change, which reads and then writes what it read, until nobody else has
// written in between.
func (s *server) retry(r *http.Request, change func() error) error {
	if err := s.backend.Sync(r.Context()); err != nil {
		return err
	}
	var err error
	for range retries {
		if err = change(); !overtaken(err) {
			return err
		}
	}
	return err
}

// overtaken reports whether an update was refused because of its If.
func overtaken(err error) bool {
	return errors.Is(err, lb.ErrPrecondition)
}
