package barbican

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// newSecret is the body of POST /v1/secrets. null is the same as absent.
type newSecret struct {
	Name            *string      `json:"name"`
	Payload         *string      `json:"payload"`
	ContentType     *string      `json:"payload_content_type"`
	ContentEncoding *string      `json:"payload_content_encoding"`
	Type            *string      `json:"secret_type"`
	Algorithm       *string      `json:"algorithm"`
	Mode            *string      `json:"mode"`
	BitLength       *json.Number `json:"bit_length"`
	Expiration      *string      `json:"expiration"`
}

func (s *server) createSecret(w http.ResponseWriter, r *http.Request) error {
	caller := access.From(r.Context())
	if !caller.May(access.Write, caller.ProjectID) {
		return notAllowed("Secret creation")
	}
	var body newSecret
	if err := decode(r, "Secret", &body); err != nil {
		return err
	}
	spec, err := body.spec(s.Now())
	if err != nil {
		return err
	}
	if caller.ProjectID != "" {
		spec.ProjectID = lb.Some(caller.ProjectID)
	}
	id := uuid.NewString()
	if payload, contentType, given, err := body.payload(); err != nil {
		return err
	} else if given {
		if spec, err = s.sealed(spec, id, contentType, payload); err != nil {
			return err
		}
	}
	if _, _, err := s.Backend.Propose(r.Context(), "", caller.Open, lb.CreateSecret{ID: lb.SecretID(id), Spec: spec}); err != nil {
		return err
	}
	ref := secretRef(r, lb.SecretID(id))
	w.Header().Set("Location", ref)
	writeJSON(w, http.StatusCreated, record{"secret_ref": ref})
	return nil
}

// sealed puts a payload into a spec.
func (s *server) sealed(spec lb.SecretSpec, id, contentType string, payload []byte) (lb.SecretSpec, error) {
	if len(payload) > maxPayload {
		return spec, errTooLarge
	}
	sealed, err := s.Sealer.Seal(id, payload)
	if err != nil {
		return spec, err
	}
	spec.Sealed, spec.ContentType = lb.Some(sealed), lb.Some(contentType)
	return spec, nil
}

// spec is the secret without its payload.
func (b newSecret) spec(now time.Time) (lb.SecretSpec, error) {
	spec := lb.SecretSpec{Algorithm: opt(b.Algorithm), Mode: opt(b.Mode), Type: opt(b.Type)}
	spec.Name = opt(b.Name)
	if b.BitLength != nil {
		bits, err := b.BitLength.Int64()
		if err != nil || bits < 1 || bits > 32767 {
			return spec, schema("Secret", "bit_length", "%s is not an integer from 1 to 32767", *b.BitLength)
		}
		spec.BitLength = lb.Some(int(bits))
	}
	if b.Expiration != nil && strings.TrimSpace(*b.Expiration) != "" {
		at, err := parseTime(strings.TrimSpace(*b.Expiration))
		if err != nil {
			return spec, schema("Secret", "expiration", "Invalid date for 'expiration'")
		}
		if !at.After(now) {
			return spec, schema("Secret", "expiration", "'expiration' is before current time")
		}
		spec.Expires = lb.Some(at)
	}
	return spec, nil
}

// payload returns the payload and its type, if there is one.
func (b newSecret) payload() (payload []byte, contentType string, given bool, err error) {
	if b.Payload == nil {
		if b.ContentType != nil && *b.ContentType != "" {
			return nil, "", false, schema("Secret", "payload", "payload must be provided when payload_content_type is supplied")
		}
		return nil, "", false, nil
	}
	if *b.Payload == "" {
		return nil, "", false, schema("Secret", "payload", "If 'payload' specified, must be non empty")
	}
	if b.ContentType == nil || *b.ContentType == "" {
		return nil, "", false, schema("Secret", "payload_content_type", "If 'payload' is supplied, 'payload_content_type' must also be supplied")
	}
	contentType, binary, ok := normal(*b.ContentType)
	encoding := ""
	if b.ContentEncoding != nil {
		encoding = strings.ToLower(*b.ContentEncoding)
	}
	switch {
	case !ok:
		return nil, "", false, schema("Secret", "payload_content_type", "payload_content_type %s is not one of %s", *b.ContentType, strings.Join(contentTypes, ", "))
	case encoding != "" && encoding != "base64":
		return nil, "", false, schema("Secret", "payload_content_encoding", "payload_content_encoding %s is not base64", *b.ContentEncoding)
	case binary && encoding == "":
		return nil, "", false, schema("Secret", "payload_content_encoding", "payload_content_encoding must be specified when payload_content_type is %s", contentType)
	case !binary && encoding != "":
		return nil, "", false, schema("Secret", "payload_content_encoding", "payload_content_encoding must not be specified when payload_content_type is text/plain")
	}
	payload = []byte(*b.Payload)
	if binary {
		if payload, err = decodeBase64(payload); err != nil {
			return nil, "", false, schema("Secret", "payload", "Invalid payload for payload_content_encoding")
		}
	}
	return payload, contentType, true, nil
}

// putPayload is the second of the two steps: metadata first, payload later.
func (s *server) putPayload(w http.ResponseWriter, r *http.Request) error {
	secret, err := s.findSecret(r, access.Write, "Secret update")
	if err != nil {
		return err
	}
	if len(secret.Sealed) > 0 {
		return errHasPayload
	}
	given := r.Header.Get("Content-Type")
	contentType, _, ok := normal(given)
	if given == "" || !ok {
		return fault{http.StatusUnsupportedMediaType, "Content-Type must be one of " + strings.Join(contentTypes, ", ")}
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if len(payload) == 0 {
		return errNoData
	}
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "":
	case "base64":
		if payload, err = decodeBase64(payload); err != nil {
			return errNoDecoding
		}
	default:
		return errNoSuchEncode
	}
	spec, err := s.sealed(lb.SecretSpec{}, string(secret.ID), contentType, payload)
	if err != nil {
		return err
	}
	_, _, err = s.Backend.Propose(r.Context(), "", access.From(r.Context()).Open, lb.UpdateSecret{ID: secret.ID, Spec: spec})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// contentTypes are those of payloads.
var contentTypes = []string{"text/plain", "application/octet-stream", "application/pkcs8", "application/pkix-cert"}

// normal is a content type without parameters. binary ones travel in JSON as base64.
func normal(contentType string) (name string, binary, ok bool) {
	name, parameters, _ := strings.Cut(strings.ToLower(contentType), ";")
	name, parameters = strings.TrimSpace(name), strings.ReplaceAll(parameters, " ", "")
	ok = slices.Contains(contentTypes, name) && (parameters == "" || name == "text/plain" && parameters == "charset=utf-8")
	return name, name != "text/plain", ok
}

// decodeBase64 also takes base64 that has been broken into lines.
func decodeBase64(b []byte) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), ""))
}

// parseTime takes ISO 8601 with a zone, or in UTC without one.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("is no time")
}

func opt(s *string) lb.Opt[string] {
	if s == nil || *s == "" {
		return lb.Opt[string]{}
	}
	return lb.Some(*s)
}

// decode reads a JSON body. kind is Barbican's name for what it is to be.
func decode(r *http.Request, kind string, into any) error {
	d := json.NewDecoder(r.Body)
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.As(err, &wrong) && wrong.Field != "":
		return schema(kind, wrong.Field, "%s is not of the right type", wrong.Value)
	case err != nil:
		return fault{http.StatusBadRequest, "Invalid JSON object"}
	}
	return nil
}
