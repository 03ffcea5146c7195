package octavia

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// minors are the minor versions of the API with the day of each, as Octavia dates them.
var minors = []string{
	"2016-12-11", "2018-04-20", "2018-07-31", "2018-12-18", "2018-12-19", "2019-01-21", "2019-01-25", "2018-01-25T12:00:00Z",
	"2019-02-12", "2019-03-04", "2019-03-05", "2019-06-24", "2019-09-11", "2019-09-13", "2019-11-10", "2020-03-10", "2020-03-15",
	"2020-04-29", "2020-04-29T01:00:00Z", "2020-05-12", "2020-08-02", "2020-09-03", "2020-09-04", "2020-09-07", "2020-10-15",
	"2021-10-02", "2022-08-29", "2023-05-05", "2023-11-08", "2024-10-15", "2025-02-26",
}

type version struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Updated string `json:"updated"`
	Links   []link `json:"links"`
}

type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

// versions answers with the version document, from which clients learn what they may
// ask for. Nothing depends on a minor version here.
func (a *api) versions(w http.ResponseWriter, r *http.Request) error {
	return reading(w, r, func() error {
		all := make([]version, len(minors))
		href := strings.TrimSuffix(a.baseURI(r)+strings.TrimRight(r.URL.Path, "/"), "/") + "/v2"
		if a.BaseURI != "" {
			href = strings.TrimSuffix(a.BaseURI, "/") + "/v2"
		}
		for i, updated := range minors {
			if !strings.Contains(updated, "T") {
				updated += "T00:00:00Z"
			}
			all[i] = version{ID: minorID(i), Status: "SUPPORTED", Updated: updated, Links: []link{{href, "self"}}}
		}
		all[len(all)-1].Status = "CURRENT"
		b, err := json.Marshal(map[string][]version{"versions": all})
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, b)
	})
}

// baseURI is what links begin with.
func (a *api) baseURI(r *http.Request) string {
	if a.BaseURI != "" {
		return strings.TrimSuffix(a.BaseURI, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// healthcheck says that this node answers. It asks for no quorum: a node without one
// still reads its configuration.
func (a *api) healthcheck(w http.ResponseWriter, r *http.Request) error {
	return reading(w, r, func() error {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("OK"))
		return nil
	})
}

func minorID(n int) string { return "v2." + strconv.Itoa(n) }
