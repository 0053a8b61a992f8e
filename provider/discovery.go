package provider

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// metadata is what the provider says of itself (OpenID Connect Discovery 3, RFC 8414
// section 2, RFC 9207, RP-Initiated Logout 2.1). Its lists are those that the endpoints
// work with.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	// ChallengeEndpoint is of draft-ietf-oauth-first-party-apps-04 section 8.
	ChallengeEndpoint string `json:"authorization_challenge_endpoint,omitempty"`

	Scopes                []string `json:"scopes_supported"`
	Claims                []string `json:"claims_supported"`
	ClaimTypes            []string `json:"claim_types_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	CodeChallengeMethods  []string `json:"code_challenge_methods_supported"`
	Prompts               []string `json:"prompt_values_supported"`
	Displays              []string `json:"display_values_supported"`
	ACRs                  []string `json:"acr_values_supported"`
	UILocales             []string `json:"ui_locales_supported,omitempty"`
	IssuerInResponse      bool     `json:"authorization_response_iss_parameter_supported"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	RequestURIParameter   bool     `json:"request_uri_parameter_supported"` // its default is true
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	UserinfoAlgs          []string `json:"userinfo_signing_alg_values_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
}

// discovery serves the metadata, the same under both well-known paths.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) error {
	if err := readOnly(w, r); err != nil {
		return err
	}
	t := web.TenantOf(r.Context())
	return p.metadataDocuments.serve(w, r, publishedAge, t, func() ([]byte, error) { return json.Marshal(p.metadata(t)) })
}

func (p *Provider) metadata(t *web.Tenant) *metadata {
	var modes []string
	for _, m := range oauth.ResponseModes {
		modes = append(modes, string(m))
	}
	// RS256 first: it is what clients get that ask for nothing else.
	algs := clients.AlgorithmNames(clients.SigningAlgorithms)
	slices.SortFunc(algs, func(a, b string) int {
		first := func(alg string) int {
			if alg == string(jose.RS256) {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
	assertions := clients.AlgorithmNames(clients.AssertionAlgorithms)
	// Introspection is for clients that can authenticate.
	confidential := slices.DeleteFunc(slices.Clone(clients.AuthMethods), func(m string) bool { return m == "none" })
	challenge := ""
	if p.Pages.Challenge != "" {
		challenge = t.URL(p.Pages.Challenge)
	}
	return &metadata{
		ChallengeEndpoint:     challenge,
		Issuer:                t.Issuer,
		AuthorizationEndpoint: t.URL("/authorize"),
		TokenEndpoint:         t.URL("/token"),
		UserinfoEndpoint:      t.URL("/userinfo"),
		JWKSURI:               t.URL("/jwks"),
		EndSessionEndpoint:    t.URL("/logout"),
		RevocationEndpoint:    t.URL("/revoke"),
		IntrospectionEndpoint: t.URL("/introspect"),

		Scopes:                clients.Scopes,
		Claims:                tokens.Claims(),
		ClaimTypes:            []string{"normal"},
		ClaimsParameter:       true,
		ResponseTypes:         []string{"code"},
		ResponseModes:         modes,
		GrantTypes:            p.token.GrantTypes(),
		SubjectTypes:          []string{"public"},
		CodeChallengeMethods:  []string{"S256"},
		Prompts:               p.authorize.PromptValues(t),
		Displays:              []string{"page"},
		ACRs:                  storage.ACRs,
		UILocales:             p.Pages.Languages,
		IssuerInResponse:      true,
		IDTokenAlgs:           algs,
		UserinfoAlgs:          algs,
		TokenAuthMethods:      clients.AuthMethods,
		TokenAuthAlgs:         assertions,
		RevocationAuthMethods: clients.AuthMethods,
		RevocationAuthAlgs:    assertions,
		IntrospectAuthMethods: confidential,
		IntrospectAuthAlgs:    assertions,
	}
}
