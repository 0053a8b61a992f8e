package fakeidp

// Fault is one way in which the provider can misbehave in a round trip. Says describes it on the
// page.
type Fault struct{ ID, Says string }

const (
	faultError    = "error"
	faultIssParam = "iss-parameter"

	faultHang     = "hang"
	faultHuge     = "huge"
	faultStatus   = "status"
	faultJSON     = "json"
	faultRedirect = "redirect"

	faultNoToken   = "no-id-token"
	faultIssuer    = "issuer"
	faultAudience  = "audience"
	faultParty     = "azp"
	faultNonce     = "nonce"
	faultNoNonce   = "no-nonce"
	faultSignature = "signature"
	faultUnsigned  = "unsigned"
	faultSymmetric = "symmetric"
	faultExpired   = "expired"
	faultNoExpiry  = "no-exp"
	faultFuture    = "future"
	faultOld       = "old"
	faultNoIssued  = "no-iat"
	faultSubject   = "no-sub"
	faultHash      = "at-hash"
	faultTenant    = "tid"
	faultUserinfo  = "userinfo"
	faultAuthTime  = "auth-time"
	faultNoTime    = "no-auth-time"
	faultInfo403   = "userinfo-403"
	faultInfo500   = "userinfo-500"
	faultInfoJWT   = "userinfo-jwt"
	faultInfoOther = "userinfo-jwt-other"
	faultLean      = "lean"
	faultNoEmails  = "no-emails"
	faultNewKey    = "new-key"
)

// transport are the faults that every kind of provider has.
var transport = []Fault{
	{faultError, "It returns an error"},
	{faultIssParam, "The response names another issuer"},
	{faultHang, "It doesn’t respond to the server"},
	{faultHuge, "It sends 100 MB"},
	{faultStatus, "It is unavailable (503)"},
	{faultJSON, "It sends invalid JSON"},
	{faultRedirect, "It redirects the server elsewhere"},
}

// tokenFaults are the faults of providers that speak OpenID Connect. Some are correct behaviour
// that is rare.
var tokenFaults = []Fault{
	{faultNoToken, "There is no ID token"},
	{faultIssuer, "ID token from another issuer"},
	{faultAudience, "ID token for another client"},
	{faultParty, "ID token for another party"},
	{faultNonce, "ID token with another nonce"},
	{faultNoNonce, "ID token without a nonce"},
	{faultSignature, "ID token with a bad signature"},
	{faultUnsigned, "ID token without a signature"},
	{faultSymmetric, "ID token signed with the client secret"},
	{faultExpired, "ID token that has expired"},
	{faultNoExpiry, "ID token without exp"},
	{faultFuture, "ID token from the future"},
	{faultOld, "ID token from yesterday"},
	{faultNoIssued, "ID token without iat"},
	{faultSubject, "ID token without sub"},
	{faultHash, "ID token for another access token"},
	{faultTenant, "ID token from another directory"},
	{faultUserinfo, "Userinfo for another user"},
	{faultAuthTime, "Says that the user signed in yesterday"},
	{faultNoTime, "Doesn’t say when the user signed in"},
	{faultInfo403, "Lean ID token, and no userinfo (403)"},
	{faultInfo500, "Lean ID token, and userinfo is out of order"},
	{faultInfoJWT, "Lean ID token, and userinfo as a JWT (no fault: it has to work)"},
	{faultInfoOther, "Lean ID token, and userinfo as a JWT for another client"},
	{faultLean, "Lean ID token: sub alone (no fault: it has to work)"},
	{faultNewKey, "A new key (no fault: it has to work)"},
}

// faults returns the faults that the page offers for this kind of provider.
func (s *Server) faults() []Fault {
	if s.Kind == GitHub {
		return append(append([]Fault{}, transport...), Fault{faultNoEmails, "It does not let us read addresses (403)"})
	}
	if !s.openID() {
		return transport
	}
	return append(append([]Fault{}, transport...), tokenFaults...)
}
