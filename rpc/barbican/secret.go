package barbican

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// findSecret returns the secret that a request names, if the caller has that right on it.
func (s *server) findSecret(r *http.Request, right access.Right, what string) (*lb.Secret, error) {
	if err := s.Backend.Sync(r.Context()); err != nil {
		return nil, err
	}
	secret, ok := s.Backend.Config().Secret(lb.SecretID(strings.ToLower(r.PathValue("id"))))
	switch {
	case !ok || s.expired(secret):
		return nil, errNoSecret
	case !access.From(r.Context()).May(right, secret.ProjectID):
		return nil, notAllowed(what)
	}
	return secret, nil
}

func (s *server) expired(secret *lb.Secret) bool {
	return !secret.Expires.IsZero() && !s.Now().Before(secret.Expires)
}

func (s *server) showSecret(w http.ResponseWriter, r *http.Request) error {
	if accept := r.Header.Get("Accept"); accept != "" && !accepts(accept, "application/json") {
		return s.showPayload(w, r) // as before there was /payload
	}
	secret, err := s.findSecret(r, access.Read, "Secret retrieval")
	if err == nil {
		writeJSON(w, http.StatusOK, showSecret(r, secret))
	}
	return err
}

// showSecret shows what is not secret of a secret. Who stored it is not kept.
func showSecret(r *http.Request, s *lb.Secret) record {
	out := record{
		"secret_ref": secretRef(r, s.ID), "name": orNull(s.Name), "secret_type": s.Type, "status": "ACTIVE",
		"algorithm": orNull(s.Algorithm), "mode": orNull(s.Mode), "bit_length": nil,
		"created": timestamp(s.CreatedAt), "updated": timestamp(s.CreatedAt), "expiration": timestamp(s.Expires),
		"creator_id": nil,
	}
	if s.BitLength > 0 {
		out["bit_length"] = s.BitLength
	}
	if !s.UpdatedAt.IsZero() {
		out["updated"] = timestamp(s.UpdatedAt)
	}
	if len(s.Sealed) > 0 {
		out["content_types"] = record{"default": s.ContentType}
	}
	return out
}

func secretRef(r *http.Request, id lb.SecretID) string { return base(r) + "/v1/secrets/" + string(id) }

// listSecrets lists those of the caller's project, the oldest first.
func (s *server) listSecrets(w http.ResponseWriter, r *http.Request) error {
	caller := access.From(r.Context())
	if !caller.May(access.Read, caller.ProjectID) {
		return notAllowed("Secrets retrieval")
	}
	if err := s.Backend.Sync(r.Context()); err != nil {
		return err
	}
	var found []*lb.Secret
	for secret := range s.Backend.Config().Secrets() {
		if ours(caller, secret.ProjectID) && !s.expired(secret) && s.wanted(r, secret) {
			found = append(found, secret)
		}
	}
	slices.SortFunc(found, func(a, b *lb.Secret) int {
		return cmp.Or(a.CompareCreation(&b.Meta), cmp.Compare(a.ID, b.ID))
	})
	all := make([]record, len(found))
	for i, secret := range found {
		all[i] = showSecret(r, secret)
	}
	writePage(w, r, "secrets", all)
	return nil
}

// ours reports whether a list shows what belongs to project. Lists are those of one
// project even for administrators, unless nobody is asked who he is.
func ours(caller access.Caller, project string) bool {
	return project == caller.ProjectID || caller.Open && caller.ProjectID == ""
}

// wanted reports whether a secret passes the filters of a list.
func (s *server) wanted(r *http.Request, secret *lb.Secret) bool {
	q := r.URL.Query()
	for name, have := range map[string]string{
		"name": secret.Name, "alg": secret.Algorithm, "mode": secret.Mode, "secret_type": secret.Type,
	} {
		if want := q.Get(name); want != "" && !strings.EqualFold(want, have) {
			return false
		}
	}
	bits, err := strconv.Atoi(q.Get("bits"))
	return err != nil || bits == 0 || bits == secret.BitLength
}

func (s *server) deleteSecret(w http.ResponseWriter, r *http.Request) error {
	secret, err := s.findSecret(r, access.Write, "Secret deletion")
	if err != nil {
		return err
	}
	_, _, err = s.Backend.Propose(r.Context(), "", access.From(r.Context()).Open, lb.DeleteSecret{ID: secret.ID})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
