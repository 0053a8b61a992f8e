package keratin

import (
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// configuration is GET /configuration.
func (d *Door) configuration(a *asking) error {
	return writeJSON(a.w, http.StatusOK, map[string]any{
		"issuer": d.URL, "jwks_uri": d.URL + "/jwks", "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time"},
	})
}

// jwks is GET /jwks. It has the keys of RS256 alone: some libraries of Keratin AuthN stumble over others.
func (d *Door) jwks(a *asking) error {
	tenant := a.asker.Tenant.ID
	set, err := d.Keys.Complete(a.Context(), tenant)
	if err != nil {
		if set = d.Keys.LastRead(tenant); set == nil {
			return err
		}
	}
	all := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range set.Public(time.Now()).Keys {
		if key.Algorithm == string(jose.RS256) {
			all.Keys = append(all.Keys, key)
		}
	}
	a.w.Header().Set("Cache-Control", "public, max-age=300")
	return writeJSON(a.w, http.StatusOK, all)
}

// health is GET /health.
func (d *Door) health(a *asking) error {
	db, redis := d.Health(a.Context())
	return writeJSON(a.w, http.StatusOK, map[string]bool{"http": true, "db": db, "redis": redis})
}

// stats is GET /stats.
func (d *Door) stats(a *asking) error {
	active, err := d.People.Activity(a.Context(), a.asker)
	if err != nil {
		return err
	}
	return writeJSON(a.w, http.StatusOK, map[string]any{"actives": map[string]map[string]int64{
		"daily": active.Days, "weekly": active.Weeks, "monthly": active.Months,
	}})
}

// metrics is GET /metrics.
func (d *Door) metrics(a *asking) error {
	d.Metrics.ServeHTTP(a.w, a.Request)
	return nil
}

// root is GET /.
func (d *Door) root(a *asking) error {
	a.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = a.w.Write([]byte("Vouchsafe answers in the place of Keratin AuthN.\n")) // a client that is gone needs no answer
	return nil
}
