package barbican

import (
	"net/http"
	"net/url"
	"strconv"
)

// Sizes of a page.
const (
	defaultLimit = 10
	maxLimit     = 100
)

// writePage answers with the page of all that limit and offset name. Barbican takes what
// it cannot read for the default.
func writePage(w http.ResponseWriter, r *http.Request, plural string, all []record) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	offset, err := strconv.Atoi(q.Get("offset"))
	if err != nil || offset < 0 {
		offset = 0
	}
	from := min(offset, len(all))
	to := min(from+limit, len(all))
	href := func(offset int) string {
		v := url.Values{}
		for name, values := range q {
			v[name] = values
		}
		v.Set("limit", strconv.Itoa(limit))
		v.Set("offset", strconv.Itoa(offset))
		return base(r) + r.URL.Path + "?" + v.Encode()
	}
	body := record{plural: append([]record{}, all[from:to]...), "total": len(all)}
	if to < len(all) {
		body["next"] = href(to)
	}
	if offset > 0 {
		body["previous"] = href(max(0, offset-limit))
	}
	writeJSON(w, http.StatusOK, body)
}
