package admin_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signsIn returns the status of a token request with the client's secret.
func (a *api) signsIn(id, secret string) int {
	a.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	r := httptest.NewRequest("POST", a.tenant.URL("/token"), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), secret)
	return a.answer(r).status
}

func TestAClientIsAddedReadChangedAndRemoved(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		made := a.do("POST", "/clients", fields{
			"client_id": "reports", "client_name": "Reports", "grant_types": []string{"client_credentials"},
			"scope": "reports:read", "access_token_lifetime": "5m",
		}).is(201)
		secret := made.text("client_secret")
		if status := a.signsIn("reports", secret); status != 200 {
			s.Errorf("got %d with the secret that was shown, want 200", status)
		}
		read := a.do("GET", "/clients/reports", nil).is(200)
		if strings.Contains(read.raw, secret) || read.get("client_secret") != nil {
			s.Errorf("got %s, which shows the secret again", read.raw)
		}
		for _, path := range []string{"/clients", "/clients/reports/secrets"} {
			if got := a.do("GET", path, nil).is(200); strings.Contains(got.raw, secret) || strings.Contains(got.raw, "sha256") {
				s.Errorf("%s: got %s, which tells of the secret", path, got.raw)
			}
		}
		if got := a.do("PUT", "/clients/reports", read.body).is(200); got.raw != read.raw {
			s.Errorf("got %s, want a PUT of what was read to change nothing: %s", got.raw, read.raw)
		}
		patched := a.do("PATCH", "/clients/reports", fields{"client_name": nil, "scope": "reports:read reports:write"},
			"Content-Type: application/merge-patch+json", "If-Match: "+read.header.Get("ETag")).is(200)
		if patched.get("client_name") != nil || patched.text("access_token_lifetime") != "5m0s" {
			s.Errorf("got %s, want the patch applied and the rest as it was", patched.raw)
		}
		if status := a.signsIn("reports", secret); status != 200 {
			s.Errorf("got %d after a change, want the secret to stay valid", status)
		}
		a.do("PUT", "/clients/reports", read.body, "If-Match: "+read.header.Get("ETag")).is(412)
		a.do("PUT", "/clients/reports", fields{"client_id": "other"}).is(422).has("/client_id", "invalid")
		a.do("POST", "/clients", fields{"client_id": "reports", "grant_types": []string{"client_credentials"}}).
			is(409, "exists")
		a.do("DELETE", "/clients/reports?dry_run=true", nil).is(200)
		a.do("DELETE", "/clients/reports", nil).is(204)
		a.do("GET", "/clients/reports", nil).is(404)
		s.as("", storage.RoleOwner).do("GET", "/clients/reports", nil).is(404)
	})
}

func TestSecretsAreReplacedWithoutAGap(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleAdministrator)
		id := "https://app.example/client"
		path := "/clients/" + url.PathEscape(id)
		first := a.do("PUT", path, fields{"grant_types": []string{"client_credentials"}, "scope": "x"}).is(201)
		if got := first.header.Get("Location"); !strings.HasSuffix(got, path) {
			s.Errorf("got the location %s, want an escaped id", got)
		}
		old := a.do("GET", path+"/secrets", nil).is(200).items()[0]["id"].(string)
		a.do("DELETE", path+"/secrets/"+old, nil).is(409, "last_secret")
		second := a.do("POST", path+"/secrets", nil).is(201)
		for _, secret := range []string{first.text("client_secret"), second.text("client_secret")} {
			if status := a.signsIn(id, secret); status != 200 {
				s.Errorf("got %d, want both secrets to work", status)
			}
		}
		a.do("DELETE", path+"/secrets/"+old, nil).is(204)
		a.do("DELETE", path+"/secrets/"+old, nil).is(404)
		if left := a.do("GET", path+"/secrets", nil).items(); len(left) != 1 || left[0]["id"] != second.text("id") {
			s.Errorf("got %v, want the second secret alone", left)
		}
		for range 4 {
			a.do("POST", path+"/secrets", nil).is(201)
		}
		a.do("POST", path+"/secrets", nil).is(409, "no_secret")
		own := a.do("PUT", path, fields{"grant_types": []string{"client_credentials"},
			"client_secret": "a secret of my own, long"}).is(200)
		if own.get("client_secret") != nil || strings.Contains(own.raw, "of my own") {
			s.Errorf("got %s, which shows the secret", own.raw)
		}
		a.do("POST", "/clients", fields{"client_id": "spa", "token_endpoint_auth_method": "none",
			"redirect_uris": []string{"https://spa.example/cb"}}).is(201)
		a.do("POST", "/clients/spa/secrets", nil).is(409, "no_secret")
	})
}

func TestAllThatIsWrongWithAClientIsToldAtOnce(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleAdministrator)
		a.do("POST", "/clients", fields{
			"client_id": "a b", "grant_types": []string{"implicit"}, "redirect_uris": []string{"http://x.example/#f"},
			"client_secret": "short", "client_uri": "ftp://x",
		}).is(422, "invalid_fields").has("/client_id", "invalid").has("/grant_types", "invalid").
			has("/redirect_uris", "invalid").has("/client_secret", "invalid").has("/client_uri", "invalid")
		a.do("POST", "/clients", fields{"client_id": "x", "redirect_uri": "https://x.example/", "require_pkce": "yes",
			"default_max_age": -1.5}).is(400, "invalid_fields").has("/redirect_uri", "unknown").has("/require_pkce", "type").
			has("/default_max_age", "type")
	})
}

// A caller who could change a client that may do more, or add one, could get tokens for it and do more.
func TestCallersManageNoClientThatMayDoMore(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		owner, admin := s.as("", storage.RoleOwner), s.as("", storage.RoleAdministrator)
		body := fields{"client_id": "root", "grant_types": []string{"client_credentials"}, "scope": "administrators:write",
			"audience": []string{owner.tenant.URL("/api/v1")}}
		admin.do("POST", "/clients", body).is(403, "outranked")
		admin.do("POST", "/clients?dry_run=true", body).is(403, "outranked")
		owner.do("POST", "/clients", body).is(201)
		admin.do("POST", "/clients", fields{"client_id": "mine", "grant_types": []string{"client_credentials"}}).is(201)
		admin.do("PATCH", "/clients/mine", fields{"scope": "tenants:write"}).is(403, "outranked")
		for _, try := range [][2]string{{"POST", "/clients/root/secrets"}, {"DELETE", "/clients/root"},
			{"DELETE", "/clients/root/secrets/x"}} {
			admin.do(try[0], try[1], nil).is(403, "outranked")
		}
		admin.do("PATCH", "/clients/root", fields{"scope": "x"}).is(403, "outranked")
		admin.do("PUT", "/clients/root", body).is(403, "outranked")
		s.service("", "clients:write").do("POST", "/clients", fields{"client_id": "up", "scope": "users:read",
			"grant_types": []string{"client_credentials"}}).is(403, "outranked")
	})
}

func TestAClientsFileIsDeclared(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		owner, admin := s.as("acme", storage.RoleOwner), s.as("acme", storage.RoleAdministrator)
		_, hash := clients.NewSecret()
		body := fields{"client_name": "Job", "grant_types": []string{"client_credentials"}, "scope": "x",
			"client_secret": []string{"a secret of my own"}, "client_secret_hash": []string{hash}}
		const at = "/clients/job:declare"
		admin.do("POST", at, body).is(403, "insufficient_scope")
		if got := owner.do("POST", at+"?dry_run=true", body).is(200); strings.Contains(got.raw, "my own") ||
			strings.Contains(got.raw, hash) || !strings.Contains(got.raw, "(2 secrets)") {
			s.Errorf("got %s, want what changes, without secrets", got.raw)
		}
		owner.do("GET", "/clients/job", nil).is(404)
		made := owner.do("POST", at, body).is(200)
		if strings.Contains(made.raw, "my own") || made.body["status"].(map[string]any)["declared"] != true {
			s.Errorf("got %s, want a declared client, without secrets", made.raw)
		}
		if status := owner.signsIn("job", "a secret of my own"); status != 200 {
			s.Errorf("got %d with the declared secret, want 200", status)
		}
		if again := owner.do("POST", at, body).is(200); again.raw != made.raw {
			s.Errorf("declared anew, got %s, want nothing changed: %s", again.raw, made.raw)
		}
		owner.do("POST", at, body, `If-Match: "old"`).is(412)
		owner.do("POST", at, body, "If-None-Match: *").is(412)
		// A change in another way keeps the mark; without a change, the mark alone is one.
		admin.do("PATCH", "/clients/job", fields{"client_name": "Other"}).is(200)
		admin.do("POST", "/clients", fields{"client_id": "job2", "token_endpoint_auth_method": "none",
			"redirect_uris": []string{"https://spa.example/cb"}}).is(201)
		spa := admin.do("GET", "/clients/job2", nil).is(200).body
		delete(spa, "status")
		owner.do("POST", "/clients/job2:declare", spa).is(200)
		for _, id := range []string{"job", "job2"} {
			c, err := s.store.Client(s.Context(), "acme", id)
			if err != nil || !c.Declared {
				s.Errorf("%s: got %+v, %v, want it declared", id, c, err)
			}
		}
		events := owner.do("GET", "/audit?kind=client.changed&client_id=job2", nil).is(200).items()
		if len(events) != 1 {
			s.Errorf("got %v, want one event about the mark", events)
		}
	})
}

// Hashes are stored as they are sent: one that no verification can read would lock the client out, and one of a costly
// kind would slow every sign-in of it.
func TestDeclaredSecretsHaveTheFormOfHashes(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		owner := s.as("", storage.RoleOwner)
		_, good := clients.NewSecret()
		for _, hash := range []string{"", "plain", good[:len(good)-1], good + "A", strings.ToUpper(good), good + "\n",
			" " + good,
			"$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHRzYWx0$" + strings.Repeat("A", 43),
			"$argon2id$v=19$m=19456,t=99999,p=1$c2FsdHNhbHRzYWx0$" + strings.Repeat("A", 43),
			"$2b$12$" + strings.Repeat("a", 53)} {
			owner.do("POST", "/clients/job:declare", fields{"grant_types": []string{"client_credentials"},
				"client_secret_hash": []string{hash}}).is(422).has("/client_secret_hash", "invalid")
		}
		owner.do("POST", "/clients/job:declare", fields{"grant_types": []string{"client_credentials"}}).is(422).
			has("/client_secret", "invalid")
		owner.do("POST", "/clients/job:declare", fields{"grant_types": []string{"client_credentials"},
			"client_secret": []string{"sample-secret-that-all-know"}}).is(422).has("/client_secret", "invalid")
		owner.do("POST", "/clients/job:declare", fields{"client_id": "other", "client_secret_hash": []string{good}}).is(422).
			has("/client_id", "invalid")
		owner.do("POST", "/clients/job:declare", fields{"client_secret_hash": []string{good, good, good, good, good, good}}).
			is(400).has("/client_secret_hash", "too_many")
		s.service("", "clients:declare").do("POST", "/clients/job:declare", fields{"scope": "users:read",
			"client_secret_hash": []string{good}, "grant_types": []string{"client_credentials"}}).is(403, "outranked")
	})
}
