package octavia

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// Config of the API.
type Config struct {
	Backend Backend      // required
	Log     *slog.Logger // nil: nothing is logged
	// BaseURI is what links begin with, such as "https://lb.example/load-balancer";
	// "": what the client called.
	BaseURI string
	// PageLimit is how many items a list shows at most; 0: [DefaultPageLimit].
	PageLimit int
	// Watchers is how many calls may wait for changes at a time; 0: [DefaultWatchers].
	Watchers int
}

// Defaults of [Config], and the limit of a request's body as of oslo.middleware.
const (
	DefaultPageLimit = 1000
	DefaultWatchers  = 256
	MaxBody          = 114688 // bytes
)

// New returns the API. Each request's context must say who calls ([access.With]); without
// that the caller may do nothing. The version document and the health check ask nobody.
// The API waits for the backend only; the server in front bounds how long a client takes
// to send a request, and must allow an answer [MaxWait] and a little.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.PageLimit <= 0 {
		cfg.PageLimit = DefaultPageLimit
	}
	if cfg.Watchers <= 0 {
		cfg.Watchers = DefaultWatchers
	}
	a := &api{Config: cfg, journal: newJournal(), waiters: make(chan struct{}, cfg.Watchers)}
	a.router = newRouter(a.routes())
	return a
}

type api struct {
	Config
	router  *router
	journal *journal
	waiters chan struct{} // one for each call that waits
}

// ServeHTTP answers one request. Every answer has a request id.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := "req-" + uuid.NewString()
	w.Header().Set("X-Openstack-Request-Id", id)
	begin := time.Now()
	err := a.serve(w, r, id)
	if err == nil {
		return
	}
	f := faultOf(err)
	f.write(w)
	level := slog.LevelInfo
	if f.status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	a.Log.Log(r.Context(), level, "request refused", "method", r.Method, "path", r.URL.Path, "status", f.status, "err", err,
		"request_id", id, "global_request_id", globalID(r), "took", time.Since(begin))
}

// globalID is the id that the client gives to what it does, for logs only.
func globalID(r *http.Request) string {
	id := r.Header.Get("X-Openstack-Request-Id")
	if rest, ok := strings.CutPrefix(id, "req-"); ok && uuid.Validate(rest) == nil {
		return id
	}
	return ""
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, id string) error {
	where, path := locate(r.URL.Path)
	switch where {
	case versions:
		return a.versions(w, r)
	case liveness:
		return a.healthcheck(w, r)
	case nowhere:
		return notFound()
	}
	if !acceptsJSON(r) {
		return &fault{status: http.StatusNotAcceptable, pecan: true, text: "The resource could not be generated that was acceptable to your browser. Ask for application/json."}
	}
	if where == discovery {
		return reading(w, r, func() error { return writeJSON(w, http.StatusOK, []byte(`"v2"`)) })
	}
	run, ids, f := a.router.find(r.Method, path)
	if f != nil {
		return f
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("One or more arguments are either duplicate or invalid")
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	return run(&call{w: w, r: r, api: a, caller: access.From(r.Context()), requestID: id, ids: ids, query: query, body: body})
}

// reading runs answer for GET and HEAD only.
func reading(_ http.ResponseWriter, r *http.Request, answer func() error) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return (&router{methods: map[string]func(*call) error{http.MethodGet: nil}}).notAllowed(r.Method)
	}
	return answer()
}

// readBody reads what a request brings, which must be JSON.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	if r.ContentLength > MaxBody {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge()
	}
	if err != nil {
		return nil, badRequest("The request's body ended early")
	}
	if t := r.Header.Get("Content-Type"); len(body) > 0 && t != "" {
		media, _, err := mime.ParseMediaType(t)
		if err != nil || media != "application/json" && media != "text/javascript" && media != "application/javascript" {
			return nil, refuse(http.StatusUnsupportedMediaType, "Unknown mimetype: %s", t)
		}
	}
	return body, nil
}

func tooLarge() *fault {
	return &fault{status: http.StatusRequestEntityTooLarge, pecan: true, text: "Request is too large."}
}

// acceptsJSON reports whether the client takes JSON.
func acceptsJSON(r *http.Request) bool {
	accept := r.Header.Values("Accept")
	if len(accept) == 0 {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
			continue
		}
		switch media {
		case "*/*", "application/*", "application/json":
			return true
		}
	}
	return strings.TrimSpace(strings.Join(accept, "")) == ""
}

func writeJSON(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody to tell
	return nil
}

// kindAmphora is a kind of this API alone: amphorae are nodes, no resources of lb.
const kindAmphora lb.Kind = "amphora"
