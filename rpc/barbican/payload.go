package barbican

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/rpc/access"
)

// showPayload answers with what was stored, for those who may write: to read what a
// project does is not to have its keys.
func (s *server) showPayload(w http.ResponseWriter, r *http.Request) error {
	secret, err := s.findSecret(r, access.Write, "Secret payload retrieval")
	if err != nil {
		return err
	}
	// Who administers load balancers alone has no business with the keys of others.
	if caller := access.From(r.Context()); !caller.Open && !caller.Has(access.RoleAdmin) && (caller.ProjectID == "" || caller.ProjectID != secret.ProjectID) {
		return notAllowed("Secret payload retrieval")
	}
	if len(secret.Sealed) == 0 {
		return errNoPayload
	}
	if accept := r.Header.Get("Accept"); accept != "" && !accepts(accept, secret.ContentType) {
		return errNotAccepted
	}
	payload, err := s.Sealer.Open(string(secret.ID), secret.Sealed)
	if err != nil {
		return fmt.Errorf("open secret %s: %w", secret.ID, err)
	}
	contentType := secret.ContentType
	if contentType == "text/plain" {
		contentType += "; charset=utf-8"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(payload) // the client has gone: nobody to tell
	return nil
}

// accepts reports whether a header Accept allows a media type.
func accepts(accept, mediaType string) bool {
	group, _, _ := strings.Cut(mediaType, "/")
	for each := range strings.SplitSeq(accept, ",") {
		switch name, _, _ := mime.ParseMediaType(each); name {
		case mediaType, "*/*", group + "/*":
			return true
		}
	}
	return false
}
