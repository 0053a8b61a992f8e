package provider

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// serveDiscovery serves the metadata, the same under both well-known paths.
func (p *Provider) serveDiscovery(w http.ResponseWriter, r *http.Request) error {
	t := web.TenantOf(r.Context())
	return p.metadataDocuments.serve(w, r, publishedAge, t, func() ([]byte, error) { return json.Marshal(p.metadata(t)) })
}

// serveResource serves the metadata of the issuer as a protected resource, which is its userinfo endpoint (RFC 9728
// section 2).
func (p *Provider) serveResource(w http.ResponseWriter, r *http.Request) error {
	t := web.TenantOf(r.Context())
	return p.resourceDocuments.serve(w, r, publishedAge, t, func() ([]byte, error) {
		return json.Marshal(map[string]any{
			"resource": t.Issuer, "resource_name": "User information", "authorization_servers": []string{t.Issuer},
			"jwks_uri": t.URL("/jwks"), "scopes_supported": scopesSupported(t),
			"bearer_methods_supported":              []string{"header", "body"},
			"resource_signing_alg_values_supported": signingAlgorithms(),
			"dpop_signing_alg_values_supported":     clients.AlgorithmNames(dpop.Algorithms),
		})
	})
}

// metadata returns the metadata of the tenant's issuer (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2,
// RFC 9207, RFC 9728 section 4, RP-Initiated Logout 1.0 section 2.1, Back-Channel Logout 1.0 section 2.1). The
// endpoints are those of the table, and the lists those that the endpoints work with.
func (p *Provider) metadata(t *issuer.Tenant) map[string]any {
	algs := signingAlgorithms()
	all := map[string]any{
		"issuer":                                         t.Issuer,
		"scopes_supported":                               scopesSupported(t),
		"claims_supported":                               tokens.Claims(&t.Tenant),
		"claim_types_supported":                          []string{"normal"},
		"claims_parameter_supported":                     true,
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       oauth.ResponseModes,
		"grant_types_supported":                          p.token.GrantTypes(),
		"subject_types_supported":                        clients.SubjectTypes,
		"code_challenge_methods_supported":               []string{"S256"},
		"prompt_values_supported":                        p.authorize.PromptValues(t),
		"display_values_supported":                       []string{"page"},
		"acr_values_supported":                           storage.ACRs,
		"authorization_response_iss_parameter_supported": true,
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"request_parameter_supported":                    true,
		"request_object_signing_alg_values_supported":    clients.AlgorithmNames(clients.AssertionAlgorithms),
		"request_uri_parameter_supported":                false, // its default is true
		"dpop_signing_alg_values_supported":              clients.AlgorithmNames(dpop.Algorithms),
		"id_token_signing_alg_values_supported":          algs,
		"userinfo_signing_alg_values_supported":          algs,
		"authorization_signing_alg_values_supported":     algs,
		"introspection_signing_alg_values_supported":     algs,
		"protected_resources":                            tokens.OwnResources(t),
	}
	if t.Settings.OutsideClients.ReadsDocuments() { // draft-ietf-oauth-client-id-metadata-document section 5
		all["client_id_metadata_document_supported"] = true
	}
	if len(p.Pages.Languages) > 0 {
		all["ui_locales_supported"] = p.Pages.Languages
	}
	aliases := map[string]string{}
	for _, e := range p.endpoints {
		if e.Metadata != "" && (e.offered == nil || e.offered(t)) {
			all[e.Metadata] = t.URL(e.Path)
			if e.Program && (len(e.Clients) > 0 || e.Path == "/userinfo") {
				aliases[e.Metadata] = p.aliasOf(t) + e.Path
			}
		}
		if e.announced {
			all[e.Metadata+"_auth_methods_supported"] = p.authMethods(e.Clients)
			all[e.Metadata+"_auth_signing_alg_values_supported"] = clients.AlgorithmNames(clients.AssertionAlgorithms)
		}
	}
	if p.Certificates {
		all["tls_client_certificate_bound_access_tokens"] = true
		if p.CertificatesURL != "" {
			all["mtls_endpoint_aliases"] = aliases // RFC 8705 section 5
		}
	}
	return all
}

// aliasOf returns the URL that stands in the place of the issuer where clients present certificates.
func (p *Provider) aliasOf(t *issuer.Tenant) string {
	switch {
	case p.CertificatesURL == "":
		return t.Issuer
	case t.ID == storage.DefaultTenant:
		return p.CertificatesURL
	}
	return p.CertificatesURL + "/t/" + t.ID
}

// authMethods returns those of the methods by which clients can authenticate here.
func (p *Provider) authMethods(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(m string) bool {
		return clients.ByCertificate(m) && !p.Certificates || m == clients.ByAuthority && p.Authorities == nil
	})
}

// scopesSupported returns the scopes that Vouchsafe and the tenant give a meaning to.
func scopesSupported(t *issuer.Tenant) []string {
	return slices.Concat(clients.Scopes, claims.RulesOf(&t.Tenant, nil).Scopes())
}

// signingAlgorithms returns the JWS algorithms of ID tokens and of signed user information. RS256 comes first: it is
// the one that clients get unless they ask for another.
func signingAlgorithms() []string {
	algs := clients.AlgorithmNames(clients.SigningAlgorithms)
	first := slices.Index(algs, string(jose.RS256))
	return slices.Insert(slices.Delete(algs, first, first+1), 0, string(jose.RS256))
}
