package keystone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// fault is an error as a client gets it.
type fault struct {
	code    int
	message string
}

func (f fault) Error() string { return f.message }

func badRequest(format string, args ...any) error {
	return fault{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func noSuch(kind, id string) error {
	return fault{http.StatusNotFound, fmt.Sprintf("Could not find %s: %s.", kind, id)}
}

// Messages that say no more than Keystone's.
const (
	msgUnauthorized = "The request you have made requires authentication."
	msgForbidden    = "You are not authorized to perform the requested action."
)

// statuses are those of the kinds of error.
var statuses = []struct {
	kind error
	code int
}{
	{lb.ErrNotFound, http.StatusNotFound},
	{lb.ErrInvalid, http.StatusBadRequest},
	{lb.ErrConflict, http.StatusConflict},
	{lb.ErrInUse, http.StatusConflict},
	{lb.ErrImmutable, http.StatusForbidden},
	{lb.ErrPrecondition, http.StatusPreconditionFailed},
	{lb.ErrUnavailable, http.StatusServiceUnavailable},
	{password.ErrTooLong, http.StatusBadRequest},
	{password.ErrBusy, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
}

// fail answers with an error. What the client is not told goes to the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f fault
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
	case errors.Is(err, access.ErrUnauthenticated):
		s.cfg.Log.Debug("refuse a request", "path", r.URL.Path, "reason", err)
		f = fault{http.StatusUnauthorized, msgUnauthorized}
	case errors.Is(err, errForbidden):
		f = fault{http.StatusForbidden, msgForbidden}
	case errors.As(err, &tooLarge):
		f = fault{http.StatusRequestEntityTooLarge, fmt.Sprintf("The request has more than %d bytes.", tooLarge.Limit)}
	default:
		for _, st := range statuses {
			if errors.Is(err, st.kind) {
				f = fault{st.code, err.Error()}
				break
			}
		}
	}
	switch f.code {
	case 0:
		if r.Context().Err() == nil {
			s.cfg.Log.Error("answer a request", "path", r.URL.Path, "error", err)
		}
		f = fault{http.StatusInternalServerError, "An unexpected error prevented the server from fulfilling your request."}
	case http.StatusUnauthorized:
		challenge(w, requestBase(r)+"/v3")
	}
	writeFault(w, f)
}

// challenge tells the client where tokens are to be had.
func challenge(w http.ResponseWriter, uri string) {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", uri))
}

func requestBase(r *http.Request) string {
	base, _ := r.Context().Value(baseKey{}).(string)
	return base
}

func writeFault(w http.ResponseWriter, f fault) {
	writeJSON(w, f.code, map[string]any{"error": map[string]any{
		"code": f.code, "title": http.StatusText(f.code), "message": f.message,
	}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who does not listen any more is not told
}

// decode reads the body of a request, which must be one JSON value.
func (c *call) decode(into any) error {
	dec := json.NewDecoder(c.Body)
	if err := dec.Decode(into); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return badRequest("Expecting to find valid JSON in request body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return badRequest("Expecting to find valid JSON in request body: there is more after its end")
	}
	return nil
}

// field is a field of a body: absent, null, or a value.
type field[T any] struct {
	given, null bool
	value       T
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *field[T]) UnmarshalJSON(data []byte) error {
	f.given, f.null = true, string(data) == "null"
	return json.Unmarshal(data, &f.value)
}

func (f field[T]) opt() lb.Opt[T] {
	switch {
	case !f.given:
		return lb.Opt[T]{}
	case f.null:
		return lb.Null[T]()
	default:
		return lb.Some(f.value)
	}
}
