package races

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestEveryPageAtOnce: browsers of an owner ask for all pages to which links lead, from the account page, the sign-in
// page and the console on, and an app asks for all lists of the management API, each twice and all at once. Nothing
// fails, and the race detector, with which the program of these tests is built, finds nothing.
func TestEveryPageAtOnce(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		owner := s.Owner(t)
		var browsers []*vouchsafetest.Browser
		for range 2 {
			b := s.Browser(t, owner)
			if page := b.SignIn(t, b.Get(t, "/login"), owner); page.Status != http.StatusOK {
				t.Fatalf("sign in: got %d at %s", page.Status, page.URL)
			}
			browsers = append(browsers, b)
		}
		api, token := s.API(t), s.OwnerToken(t)
		documents := lists(t, api)
		site := site{}
		next := site.add([]string{s.Issuer + "/account", s.Issuer + "/signup", s.Issuer + "/admin"})
		for round := 0; len(next) > 0; round++ {
			pages := make([]*vouchsafetest.Page, len(next)*len(browsers))
			var wg sync.WaitGroup
			for i := range pages {
				wg.Go(func() { pages[i] = browsers[i%len(browsers)].Get(t, next[i/len(browsers)]) })
			}
			for _, path := range documents[:min(len(documents), 40)] {
				wg.Go(func() {
					req := api.Request(t, http.MethodGet, path, "", "")
					req.Header.Set("Authorization", "Bearer "+token)
					if got := api.Do(t, req); got.Status >= http.StatusInternalServerError {
						t.Errorf("%s: got %d %s", path, got.Status, got.Raw)
					}
				})
			}
			wg.Wait()
			documents = documents[min(len(documents), 40):]
			var found []string
			for _, page := range pages {
				if page.Status >= http.StatusInternalServerError {
					t.Errorf("%s: got %d\n%s", page.URL, page.Status, page.Text(t))
				}
				found = append(found, links(page, s.Origin())...)
			}
			next = site.add(found)
		}
		for _, path := range []string{"/account", "/admin/people/", "/admin/apps/app", "/admin/log/"} {
			if site[s.Issuer+path] == 0 {
				t.Errorf("no link led to %s, but to %v", path, slices.Sorted(maps.Keys(site)))
			}
		}
	})
}

// lists returns the paths of the management API that answer GET and need no id.
func lists(t *testing.T, api *vouchsafetest.API) (out []string) {
	t.Helper()
	paths := api.Do(t, api.Request(t, http.MethodGet, "/api/v1/openapi.json", "", "")).Body["paths"].(map[string]any)
	for path, operations := range paths {
		if _, ok := operations.(map[string]any)["get"]; ok && !strings.Contains(path, "{") {
			out = append(out, "/api/v1"+path)
		}
	}
	return out
}

// site is how many targets of each page links lead to. A page is a URL with neither ids nor a query.
type site map[string]int

// most is how many targets of one page are asked for: lists lead to more of them without an end.
const most = 1

var ids = regexp.MustCompile(`[0-9a-f-]{36}|\?.*`)

// add notes targets to which links lead, and returns those to ask for.
func (s site) add(targets []string) (next []string) {
	for _, target := range targets {
		page := ids.ReplaceAllString(target, "")
		if s[target] > 0 || s[page] == most {
			continue
		}
		s[page]++
		if target != page {
			s[target]++
		}
		next = append(next, target)
	}
	return next
}

var hrefs = regexp.MustCompile(`href="([^"#]+)`)

// links returns where the links of the page lead on the same site.
func links(page *vouchsafetest.Page, origin string) (out []string) {
	for _, m := range hrefs.FindAllStringSubmatch(page.Body, -1) {
		u, err := page.URL.Parse(html.UnescapeString(m[1]))
		if err == nil && strings.HasPrefix(u.String(), origin+"/") {
			out = append(out, u.String())
		}
	}
	return out
}
