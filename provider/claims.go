package provider

import "github.com/vouchsafe/vouchsafe/storage"

// claimsRequest is the claims parameter (OIDC Core 5.5).
type claimsRequest struct {
	IDToken  map[string]*claimRequest `json:"id_token"`
	Userinfo map[string]*claimRequest `json:"userinfo"`
}

// claimRequest is one asked for; nil for null.
type claimRequest struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

func parseClaimsRequest(raw string) (*claimsRequest, error) { return nil, nil }
func userClaims(u *storage.User, scopes []string, asked map[string]*claimRequest) map[string]any {
	return nil
}

var supportedScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}
