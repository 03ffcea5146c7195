package barbican

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

type newContainer struct {
	Type       string       `json:"type"`
	Name       *string      `json:"name"`
	SecretRefs []secretName `json:"secret_refs"`
}

type secretName struct {
	Name string `json:"name"`
	Ref  string `json:"secret_ref"`
}

func (s *server) createContainer(w http.ResponseWriter, r *http.Request) error {
	caller := access.From(r.Context())
	if !caller.May(access.Write, caller.ProjectID) {
		return notAllowed("Container creation")
	}
	var body newContainer
	if err := decode(r, "Container", &body); err != nil {
		return err
	}
	if err := s.Backend.Sync(r.Context()); err != nil {
		return err
	}
	spec := lb.SecretContainerSpec{Type: lb.Some(body.Type)}
	spec.Name = opt(body.Name)
	if caller.ProjectID != "" {
		spec.ProjectID = lb.Some(caller.ProjectID)
	}
	secrets := make([]lb.ContainedSecret, len(body.SecretRefs))
	for i, ref := range body.SecretRefs {
		id, ok := idOf(ref.Ref)
		if !ok {
			return schema("Container", "secret_refs", "%q is no reference to a secret", ref.Ref)
		}
		secrets[i] = lb.ContainedSecret{Name: ref.Name, SecretID: id}
	}
	spec.Secrets = lb.Some(secrets)
	id := uuid.NewString()
	if _, _, err := s.Backend.Propose(r.Context(), "", caller.Open, lb.CreateSecretContainer{ID: lb.SecretContainerID(id), Spec: spec}); err != nil {
		return err
	}
	ref := containerRef(r, lb.SecretContainerID(id))
	w.Header().Set("Location", ref)
	writeJSON(w, http.StatusCreated, record{"container_ref": ref})
	return nil
}

// idOf is the id at the end of the URL of a secret, whatever host it names: a cluster has
// many addresses.
func idOf(ref string) (lb.SecretID, bool) {
	u, err := url.Parse(ref)
	if err != nil {
		return "", false
	}
	path, last := "", strings.Trim(u.Path, "/")
	if i := strings.LastIndexByte(last, '/'); i >= 0 {
		path, last = last[:i], last[i+1:]
	}
	id, err := uuid.Parse(last)
	return lb.SecretID(id.String()), err == nil && strings.HasSuffix(path, "secrets")
}

func containerRef(r *http.Request, id lb.SecretContainerID) string {
	return base(r) + "/v1/containers/" + string(id)
}

// findContainer returns the container that a request names, if the caller has that right
// on it.
func (s *server) findContainer(r *http.Request, right access.Right, what string) (*lb.SecretContainer, error) {
	if err := s.Backend.Sync(r.Context()); err != nil {
		return nil, err
	}
	box, ok := s.Backend.Config().SecretContainer(lb.SecretContainerID(strings.ToLower(r.PathValue("id"))))
	switch {
	case !ok:
		return nil, errNoContainer
	case !access.From(r.Context()).May(right, box.ProjectID):
		return nil, notAllowed(what)
	}
	return box, nil
}

func showContainer(r *http.Request, c *lb.SecretContainer) record {
	refs := []record{}
	for _, s := range c.Secrets {
		refs = append(refs, record{"name": orNull(s.Name), "secret_ref": secretRef(r, s.SecretID)})
	}
	return record{
		"container_ref": containerRef(r, c.ID), "name": orNull(c.Name), "type": c.Type, "status": "ACTIVE",
		"created": timestamp(c.CreatedAt), "updated": timestamp(c.CreatedAt), "creator_id": nil,
		"secret_refs": refs, "consumers": []record{},
	}
}

func (s *server) showContainer(w http.ResponseWriter, r *http.Request) error {
	box, err := s.findContainer(r, access.Read, "Container retrieval")
	if err == nil {
		writeJSON(w, http.StatusOK, showContainer(r, box))
	}
	return err
}

// listContainers lists those of the caller's project, the oldest first.
func (s *server) listContainers(w http.ResponseWriter, r *http.Request) error {
	caller := access.From(r.Context())
	if !caller.May(access.Read, caller.ProjectID) {
		return notAllowed("Containers retrieval")
	}
	if err := s.Backend.Sync(r.Context()); err != nil {
		return err
	}
	q := r.URL.Query()
	var found []*lb.SecretContainer
	for c := range s.Backend.Config().SecretContainers() {
		name, kind := q.Get("name"), q.Get("type")
		if ours(caller, c.ProjectID) && (name == "" || name == c.Name) && (kind == "" || kind == c.Type) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *lb.SecretContainer) int {
		return cmp.Or(a.CompareCreation(&b.Meta), cmp.Compare(a.ID, b.ID))
	})
	all := make([]record, len(found))
	for i, c := range found {
		all[i] = showContainer(r, c)
	}
	writePage(w, r, "containers", all)
	return nil
}

func (s *server) deleteContainer(w http.ResponseWriter, r *http.Request) error {
	box, err := s.findContainer(r, access.Write, "Container deletion")
	if err != nil {
		return err
	}
	_, _, err = s.Backend.Propose(r.Context(), "", access.From(r.Context()).Open, lb.DeleteSecretContainer{ID: box.ID})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
