package doors

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestTheOperatorsListenerIsApart: the operator's routes are served to the operator only, and
// public routes are not served there.
func TestTheOperatorsListenerIsApart(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		api := s.API(t)
		for _, path := range []string{
			"/metrics", "/metrics/", "/%6detrics", "//metrics", "/x/../metrics", "/METRICS", "/debug/pprof/",
			"/debug/pprof/heap", "/debug/vars", "/debug/requests",
			"/config", "/users", "/tenants", "/keys", "/routes", "/.env", "/.git/config",
			"/clients.yaml", "/data/secret", "/data/vouchsafe.db",
			"/static/../clients.yaml", "/static/%2e%2e/clients.yaml", "/static/..%2fclients.yaml", "/static//etc/passwd",
		} {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PROPFIND"} {
				if got := api.Do(t, api.Request(t, method, path, "", "")); got.Status != http.StatusNotFound &&
					got.Status != http.StatusMethodNotAllowed && got.Status != http.StatusBadRequest {
					t.Errorf("%s %s: got %d, want nothing to be there\n%.100s", method, path, got.Status, got.Raw)
				}
			}
		}
		// Everyone may ask whether the server is healthy, and learns no more.
		for _, path := range []string{"/healthz", "/readyz"} {
			got := api.Do(t, api.Request(t, "GET", path, "", ""))
			if got.Status != 200 || strings.Contains(got.Raw, "latency") || strings.Contains(got.Raw, "postgres:") ||
				strings.Contains(got.Raw, "version") {
				t.Errorf("%s: got %d %s, want whether it is well and no more", path, got.Status, got.Raw)
			}
		}
		served := 0
		for path := range doors {
			status, body := s.Ops(t, filled(path))
			if path == "/" && status == http.StatusNotFound {
				served++
			}
			if status != http.StatusNotFound {
				t.Errorf("the operator's listener serves %s: %d %.100s", path, status, body)
			}
		}
		if status, body := s.Ops(t, "/metrics"); status != 200 || !strings.Contains(body, "vouchsafe_") || served != 1 {
			t.Errorf("metrics: got %d %.100s, want them at the operator's listener", status, body)
		}
	})
}

// TestTheDevelopersPageIsForThisMachine: it is served to this machine directly, under one of its
// own names.
func TestTheDevelopersPageIsForThisMachine(t *testing.T) {
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	north := s.Tenant(t, "north")
	api, elsewhere := s.API(t), north.API(t)
	opened := 0
	key := developersKey(t, api)
	for path, n := range doors {
		if n != developer && n != playground {
			continue
		}
		path = filled(path)
		got := elsewhere.Do(t, elsewhere.Request(t, "GET", path, "", ""))
		if n == developer && got.Status != 404 || got.Status == 200 {
			t.Errorf("%s at another tenant, without the key: got %d", path, got.Status)
		}
		if got := api.Do(t, api.Request(t, "GET", path, "", "")); got.Status == 200 {
			t.Errorf("%s without the key: got %d", path, got.Status)
		}
		req := api.Request(t, "HEAD", path, "", "")
		req.AddCookie(key)
		if got := api.Do(t, req); got.Status == 200 {
			opened++
		}
		for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
			"X-Real-Ip", "Forwarded", "Via"} {
			req := api.Request(t, "GET", path, "", "")
			req.AddCookie(key)
			req.Header.Set(header, "for=203.0.113.9")
			if got := api.Do(t, req); got.Status != 404 {
				t.Errorf("%s through a proxy (%s): got %d, want 404", path, header, got.Status)
			}
		}
		req = api.Request(t, "GET", path, "", "")
		req.AddCookie(key)
		req.Host = "rebound.evil.example"
		if got := api.Do(t, req); got.Status < 400 {
			t.Errorf("%s by another name: got %d, want it refused", path, got.Status)
		}
	}
	if opened == 0 {
		t.Error("nothing of the developer's page is served at all: this test shows nothing")
	}
}

// developersKey gets the key of the developer page through the port that only this machine reaches.
func developersKey(t *testing.T, api *vouchsafetest.API) *http.Cookie {
	t.Helper()
	sent := api.Do(t, api.Request(t, "GET", "/dev", "", ""))
	door, err := url.Parse(vouchsafetest.Leads(sent.Status, sent.Header))
	if err != nil || door.Hostname() != "localhost" {
		t.Fatalf("the developer page: got %d to %q", sent.Status, sent.Header.Get("Location"))
	}
	resp, err := http.DefaultTransport.RoundTrip(&http.Request{Method: "GET", URL: door, Header: http.Header{}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Path != "/dev" {
		t.Fatalf("the door: got %s to %q", resp.Status, back)
	}
	page := api.Do(t, api.Request(t, "GET", back.RequestURI(), "", ""))
	if page.Status != http.StatusOK {
		t.Fatalf("with the key: got %d", page.Status)
	}
	cookie, err := http.ParseSetCookie(page.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}
