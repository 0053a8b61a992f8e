package authorize

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// signedLifetime is how long a signed response counts. JARM section 2.1 recommends ten minutes at most.
const signedLifetime = 5 * time.Minute

// send sends the browser to the client with params: as a JWT where the client asked for one (JARM).
func (s *Server) send(w http.ResponseWriter, r *http.Request, a *authorization, params url.Values) error {
	out := a.answer(params)
	carrier, signed := oauth.SignedMode(a.mode)
	if !signed {
		return out.write(w, r, s.Pages.Say)
	}
	all := map[string]any{"aud": a.client.ClientID, "exp": time.Now().Add(signedLifetime).Unix()}
	for name := range out.params {
		all[name] = out.params.Get(name)
	}
	plain, err := json.Marshal(all)
	if err != nil {
		return err
	}
	alg := cmp.Or(a.client.AuthorizationSignedResponseAlg, keys.IDTokenAlgorithm(a.client))
	text, err := s.Tokens.Keys.Sign(r.Context(), a.tenant.ID, alg, tokens.IDTokenType, plain)
	if err != nil {
		return err
	}
	out.mode, out.params = carrier, url.Values{"response": {text}}
	return out.write(w, r, s.Pages.Say)
}
