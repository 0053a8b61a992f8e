package keratin

import (
	"net/http"
	"net/url"
	"strings"
)

// audienceOf returns what tokens for a page of that URL are for: its host, with the port if the domain has one. ok is
// false if it is of none of the domains. For a pattern it is the host that matched, so that no app of one host can use
// a token of another.
func (d *Door) audienceOf(page string) (audience string, ok bool) {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return "", false
	}
	for _, domain := range d.domains {
		if !domain.matches(u) {
			continue
		}
		host := domain.host
		if strings.Contains(host, "*") {
			host = strings.ToLower(u.Hostname())
		}
		if domain.port != "" {
			host += ":" + domain.port
		}
		return host, true
	}
	return "", false
}

// originOf returns what page a browser says that a request comes from: by Origin and, only where that is missing, by
// Referer.
func originOf(r *http.Request) string {
	if all := r.Header.Values("Origin"); len(all) > 0 {
		if len(all) > 1 {
			return ""
		}
		return all[0]
	}
	return r.Referer()
}

// firstPage returns the URL of the first domain, where browsers are sent that have no better place to go to.
func (d *Door) firstPage() string {
	first := d.domains[0]
	scheme := "http"
	if first.port == "443" || first.port == "" && d.secure {
		scheme = "https"
	}
	host := first.host
	if first.port != "" && first.port != "80" && first.port != "443" {
		host += ":" + first.port
	}
	return scheme + "://" + host
}

// allowReading lets scripts of the app's pages read the answer, and send it cookies.
func (d *Door) allowReading(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if _, ok := d.audienceOf(origin); !ok {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		headers := "content-type"
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			headers = asked // of a page that is trusted: tracing adds headers of its own
		}
		h.Set("Access-Control-Allow-Headers", headers)
		h.Set("Access-Control-Max-Age", "600")
	}
}
