package barbican

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// record is a resource, or anything else, as JSON has it.
type record map[string]any

// fault is an answer that is not what was asked for.
type fault struct {
	status int
	msg    string
}

// Error is the message for the client.
func (f fault) Error() string { return f.msg }

// Barbican's texts, from barbican/api/controllers and barbican/common/exception.py.
var (
	errNoSecret     = fault{http.StatusNotFound, "Not Found. Sorry but your secret is in another castle."}
	errNoContainer  = fault{http.StatusNotFound, "Not Found. Sorry but your container is in another castle."}
	errNoPayload    = fault{http.StatusNotFound, "Not Found. Sorry but your secret has no payload."}
	errTooLarge     = fault{http.StatusRequestEntityTooLarge, "Provided information too large to process"}
	errHasPayload   = fault{http.StatusConflict, "Secret already has data, cannot modify it."}
	errNoData       = fault{http.StatusBadRequest, "No data supplied to process."}
	errNoDecoding   = fault{http.StatusBadRequest, "Unable to decode request data."}
	errNotAccepted  = fault{http.StatusNotAcceptable, "Requested content type is not that of the payload."}
	errNoSuchEncode = fault{http.StatusBadRequest, "Problem with decoding payload - payload_content_encoding must be base64."}
)

func schema(kind, property, format string, args ...any) fault {
	return fault{http.StatusBadRequest, fmt.Sprintf("Provided object does not match schema '%s': %s. Invalid property: '%s'", kind, fmt.Sprintf(format, args...), property)}
}

func notAllowed(what string) fault {
	return fault{http.StatusForbidden, what + " attempt not allowed - please review your user/project privileges"}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}

// refuse answers with what err says, and logs what it must not say.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f fault
	if !errors.As(err, &f) {
		f = domainFault(err)
	}
	if f.status == http.StatusInternalServerError {
		s.Log.Error("request not answered", "method", r.Method, "path", r.URL.Path, logkey.Err, err)
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, f.status, record{"code": f.status, "title": http.StatusText(f.status), "description": f.msg})
}

// domainFault is the one table between the domain's kinds of error and this API's.
func domainFault(err error) fault {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, lb.ErrUnavailable):
		return fault{http.StatusServiceUnavailable, err.Error()}
	case errors.Is(err, lb.ErrNotFound):
		return errNoSecret
	case errors.Is(err, lb.ErrInvalid):
		return fault{http.StatusBadRequest, reasons(err)}
	case errors.Is(err, lb.ErrConflict), errors.Is(err, lb.ErrInUse), errors.Is(err, lb.ErrImmutable):
		return fault{http.StatusConflict, reasons(err)}
	}
	return fault{http.StatusInternalServerError, "The server failed to answer; its log says why."}
}

// reasons puts several errors on one line.
func reasons(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// timestamp is how Barbican writes times, in UTC.
func timestamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
