package barbican

import (
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/rpc/access"
)

// readable returns what an answer about the consumers or the access list of a secret or a
// container is about.
func (s *server) readable(r *http.Request, right access.Right, what string) (ref string, shown record, err error) {
	if strings.HasPrefix(r.URL.Path, "/v1/containers/") {
		box, err := s.findContainer(r, right, "Container "+what)
		if err != nil {
			return "", nil, err
		}
		return containerRef(r, box.ID), showContainer(r, box), nil
	}
	secret, err := s.findSecret(r, right, "Secret "+what)
	if err != nil {
		return "", nil, err
	}
	return secretRef(r, secret.ID), showSecret(r, secret), nil
}

// listConsumers answers that there are none: what uses a secret is seen in the load
// balancers, and a list that somebody else keeps could only disagree.
func (s *server) listConsumers(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := s.readable(r, access.Read, "consumers retrieval"); err != nil {
		return err
	}
	writePage(w, r, "consumers", nil)
	return nil
}

func (s *server) addContainerConsumer(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name string `json:"name"`
		URL  string `json:"URL"`
	}
	if err := s.consumer(r, &body); err != nil {
		return err
	}
	if body.Name == "" || body.URL == "" {
		return schema("Consumer", "name", "'name' and 'URL' are required")
	}
	return s.echo(w, r, record{"name": body.Name, "URL": body.URL})
}

func (s *server) addSecretConsumer(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Service string `json:"service"`
		Type    string `json:"resource_type"`
		ID      string `json:"resource_id"`
	}
	if err := s.consumer(r, &body); err != nil {
		return err
	}
	if body.Service == "" || body.Type == "" || body.ID == "" {
		return schema("SecretConsumer", "service", "'service', 'resource_type' and 'resource_id' are required")
	}
	return s.echo(w, r, record{"service": body.Service, "resource_type": body.Type, "resource_id": body.ID})
}

func (s *server) removeContainerConsumer(w http.ResponseWriter, r *http.Request) error {
	if err := s.consumer(r, &record{}); err != nil {
		return err
	}
	return s.echo(w, r)
}

func (s *server) removeSecretConsumer(w http.ResponseWriter, r *http.Request) error {
	return s.removeContainerConsumer(w, r)
}

// consumer reads the body of a call about a consumer.
func (s *server) consumer(r *http.Request, into any) error {
	return decode(r, "Consumer", into)
}

// echo answers with the secret or container as if it had those consumers.
func (s *server) echo(w http.ResponseWriter, r *http.Request, consumers ...record) error {
	_, shown, err := s.readable(r, access.Read, "consumer registration")
	if err != nil {
		return err
	}
	shown["consumers"] = append([]record{}, consumers...)
	writeJSON(w, http.StatusOK, shown)
	return nil
}
