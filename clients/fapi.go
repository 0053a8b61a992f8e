package clients

import (
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// fapi reports what a client that is held to a profile may not have (FAPI 2.0 Security Profile section 5.3). What the
// profile demands need not be written, and what contradicts it is a fault rather than being passed over.
func (v *clientChecks) fapi() {
	if v.Profile == "" {
		return
	}
	if v.Profile != storage.ProfileFAPI2 {
		v.oneOf("profile", v.Profile, []string{storage.ProfileFAPI2})
		return
	}
	if method := v.TokenEndpointAuthMethod; method != "private_key_jwt" && !ByCertificate(method) {
		v.fault("token_endpoint_auth_method", "has to be one with a key for profile: fapi2: write private_key_jwt, "+
			"tls_client_auth or self_signed_tls_client_auth")
	}
	if v.DPoP != "" && v.DPoP != storage.DPoPRequire && !v.CertificateBound {
		v.fault("dpop", "can't be %s for profile: fapi2: remove it, or write "+
			"tls_client_certificate_bound_access_tokens: true", v.DPoP)
	}
	if v.RequirePKCE != nil && !*v.RequirePKCE {
		v.fault("require_pkce", "can't be false for profile: fapi2: remove it")
	}
	if v.MayUse(FirstPartyGrant) {
		v.fault("grant_types", "can't have %s for profile: fapi2: remove it", FirstPartyGrant)
	}
	for _, uri := range v.RedirectURIs {
		if u, err := url.Parse(uri); err == nil && u.Scheme == "http" && v.ApplicationType != "native" {
			v.fault("redirect_uris", "%q isn't https, which profile: fapi2 demands: write https", uri)
		}
	}
	for _, signed := range []struct{ field, alg string }{
		{"id_token_signed_response_alg", v.IDTokenSignedResponseAlg},
		{"userinfo_signed_response_alg", v.UserinfoSignedResponseAlg},
		{"authorization_signed_response_alg", v.AuthorizationSignedResponseAlg},
		{"introspection_signed_response_alg", v.IntrospectionSignedResponseAlg},
		{"request_object_signing_alg", v.RequestObjectSigningAlg},
		{"token_endpoint_auth_signing_alg", v.TokenEndpointAuthSigningAlg},
	} {
		if signed.alg != "" && !slices.Contains(FAPIAlgorithms, jose.SignatureAlgorithm(signed.alg)) {
			v.fault(signed.field, "can't be %s for profile: fapi2: write one of %s", signed.alg,
				strings.Join(AlgorithmNames(FAPIAlgorithms), ", "))
		}
	}
}
