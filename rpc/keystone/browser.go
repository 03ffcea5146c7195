package keystone

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Local keeps web pages away from APIs that ask nobody who he is: a browser on the same
// host reaches them for any page that it shows. It refuses changes that another site asks
// for, and names that are not this host's, by which a page would pass for the same site
// (DNS rebinding). publicURL is the root of the APIs as clients reach them, "" for none.
func Local(publicURL string, next http.Handler) http.Handler {
	public := ""
	if u, err := url.Parse(publicURL); err == nil {
		public = u.Hostname()
	}
	crossing := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localName(r.Host, public) {
			writeFault(w, fault{http.StatusForbidden, "These APIs ask nobody who he is, and are for this host only: call them by address or as localhost, or set api.public_url."})
			return
		}
		if crossing.Check(r) != nil {
			writeFault(w, fault{http.StatusForbidden, "These APIs ask nobody who he is, and take no changes from a web page."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// localName reports whether a request's host is an address, localhost, or the public name.
func localName(hostport, public string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || public != "" && strings.EqualFold(host, public)
}
