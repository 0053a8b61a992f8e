package api

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// flowAnswer is the answer of calls that send a code. It is the same if there is no account to send one to.
type flowAnswer struct {
	Flow string `json:"flow,omitempty" doc:"Send it with the code that the user types, and keep it secret. If it is missing, there is nothing to confirm and the user can sign in."`
}

// signedInAnswer is the answer of calls that sign a user in.
type signedInAnswer struct {
	storage.Tokens
	AuthSession string `json:"auth_session" doc:"Keep it as securely as the tokens, even after a sign-out, and send it with the next sign-in."`
}

// appAnswer returns the tokens of a session, and the auth_session that the app keeps.
func (s *Server) appAnswer(a *asking, sess storage.Session, scope string) (out signedInAnswer, err error) {
	if out.Tokens, err = s.Apps.Tokens(a.Context(), a.app, sess, scope); err != nil {
		return signedInAnswer{}, err
	}
	out.AuthSession, err = a.kept.seal(s, a.Request)
	return out, err
}

// appGoesOn signs in a user who proved the account by amr at the time since. If the policy asks for a second
// factor, f has its proof.
func (s *Server) appGoesOn(a *asking, user storage.User, since time.Time, scope string, f proofFields,
	amr ...string,
) (signedInAnswer, error) {
	a.begin()
	c, err := s.Prove(a.Context(), a.asker, user, since, amr...)
	if err != nil {
		return signedInAnswer{}, err
	}
	sess, err := s.appSignIn(a, c, f)
	if err != nil {
		return signedInAnswer{}, err
	}
	return s.appAnswer(a, sess, scope)
}
