package certs

import (
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// reference is a TLS reference, taken apart.
type reference struct {
	id        string
	secret    bool // it may name a secret
	container bool // it may name a container
}

// parseRef reads the URL of a secret or of a container, or an id, which may be either's.
func parseRef(ref string) (reference, bool) {
	if u, err := uuid.Parse(ref); err == nil && len(ref) == 36 {
		return reference{id: u.String(), secret: true, container: true}, true
	}
	u, err := url.Parse(ref)
	if err != nil || u.Host == "" {
		return reference{}, false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return reference{}, false
	}
	kind, last := parts[len(parts)-2], parts[len(parts)-1]
	id, err := uuid.Parse(last)
	if err != nil || len(last) != 36 || kind != "secrets" && kind != "containers" {
		return reference{}, false
	}
	return reference{id: id.String(), secret: kind == "secrets", container: kind == "containers"}, true
}
