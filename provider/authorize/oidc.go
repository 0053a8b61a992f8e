package authorize

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// readOIDC reads the parameters of OIDC Core 3.1.2.1 that say which user is meant and how fresh the sign-in
// must be.
func (s *Server) readOIDC(ctx context.Context, a *authorization, form url.Values) (err error) {
	a.nonce = form.Get("nonce")
	a.prompts = strings.Fields(form.Get("prompt"))
	for _, prompt := range a.prompts {
		if allowed := s.PromptValues(a.tenant); !slices.Contains(allowed, prompt) {
			return fosite.ErrInvalidRequest.WithDescription(
				"prompt has a value that is none of " + strings.Join(allowed, ", ") + ".",
			)
		}
	}
	if slices.Contains(a.prompts, "none") && len(a.prompts) > 1 {
		return fosite.ErrInvalidRequest.WithDescription("prompt=none can't be combined with other values.")
	}
	if err := readMaxAge(a, form.Get("max_age")); err != nil {
		return err
	}
	a.rawClaims = form.Get("claims")
	if a.claims, err = tokens.ParseClaimsRequest(a.rawClaims); err != nil {
		a.claims = &tokens.ClaimsRequest{}
		return fosite.ErrInvalidRequest.WithDescription(err.Error())
	}
	a.claims.Within(a.client, a.rules())
	if err := s.readSubject(ctx, a); err != nil {
		return err
	}
	if err := readACR(a, form.Get("acr_values")); err != nil {
		return err
	}
	return s.readHint(ctx, a, form.Get("id_token_hint"))
}

// readHint reads which user the client means by an id_token_hint. One that cannot be verified, because its
// key has long gone, counts as none: the user at the browser is asked, or signed in already. But nothing is
// answered about that user without a page (prompt=none): it could be another one than the client means
// (OIDC Core 3.1.2.2).
func (s *Server) readHint(ctx context.Context, a *authorization, raw string) error {
	if raw == "" {
		return nil
	}
	hint, err := s.Tokens.OpenIDTokenHint(ctx, a.tenant, raw)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		web.Note(ctx, "why", err.Error())
		if slices.Contains(a.prompts, "none") {
			return fosite.ErrLoginRequired.WithDescription(
				"id_token_hint is not an ID token that was issued here, or the key that signed it has gone.",
			)
		}
		return nil
	case err != nil:
		return err
	case !slices.Contains(hint.Audience, a.client.ClientID):
		return fosite.ErrInvalidRequest.WithDescription("id_token_hint was issued to another client.")
	case !a.claims.IDToken["sub"].Allows(hint.Subject):
		return fosite.ErrInvalidRequest.WithDescription("id_token_hint and the claims parameter name different users.")
	}
	a.hint = hint
	return nil
}

// PromptValues returns the values of prompt that are understood: create where every user may sign up.
func (s *Server) PromptValues(t *issuer.Tenant) []string {
	values := []string{"none", "login", "consent", "select_account"}
	if mode := t.Settings.SignUp.Mode; s.Pages.SignUp != "" && (mode == "" || mode == storage.SignUpOpen) {
		values = append(values, "create")
	}
	return values
}

// readMaxAge reads max_age, or what the client registered in its place.
func readMaxAge(a *authorization, raw string) error {
	switch {
	case raw != "":
		seconds, err := strconv.ParseInt(raw, 10, 64)
		if err != nil || seconds < 0 || raw[0] == '+' {
			return fosite.ErrInvalidRequest.WithDescription("max_age must be a whole number of seconds.")
		}
		d := age(seconds)
		a.maxAge = &d
	case a.client.DefaultMaxAge != nil:
		d := age(*a.client.DefaultMaxAge)
		a.maxAge = &d
	}
	return nil
}

// age returns a parameter in seconds as a duration, bounded so that it cannot overflow.
func age(seconds int64) time.Duration {
	return time.Duration(min(seconds, int64(100*365*24*time.Hour/time.Second))) * time.Second
}
