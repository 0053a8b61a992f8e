package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signingIn is what the code of a sign-in sets in motion.
type signingIn struct {
	Login   string // as it was typed
	Channel string // storage.MethodEmail or MethodPhone
	To      string // the key of the address, or the number, that the code goes to
	Browser string // where it began, and the client's request there
	Letter  string
}

// amr is what the code proves by (RFC 8176).
func (d signingIn) amr() string {
	if d.Channel == storage.MethodPhone {
		return "sms"
	}
	return "otp"
}

// sendsCodes says whether people may sign in by a code that goes this way.
func (s *Server) sendsCodes(r *http.Request, channel string) bool {
	methods := web.TenantOf(r.Context()).Settings.SignIn.Methods
	return channel == storage.MethodEmail && slices.Contains(methods, channel) && s.Mail.Sends()
}

// startSignInCode sends a code to whoever the name means, and gives the flow that it
// belongs to. When there is nobody who could be sent one a decoy is stored, and nothing else
// differs.
func (s *Server) startSignInCode(r *http.Request, login, channel string) (flow string, err error) {
	if !s.sendsCodes(r, channel) {
		return "", &web.Problem{Status: http.StatusNotFound}
	}
	if err := s.allowAddress(r); err != nil {
		return "", err
	}
	login = strings.TrimSpace(login)
	if login == "" || len(login) > maxEmail {
		return "", invalidf("login", "signin.missing_login")
	}
	return s.sendSignIn(r, signingIn{Login: login, Channel: channel, Browser: browserOf(r), Letter: r.FormValue("i")})
}

func (s *Server) sendSignIn(r *http.Request, data signingIn) (flow string, err error) {
	ctx := r.Context()
	tenant := web.TenantOf(ctx)
	user, key, err := s.named(r, data.Login)
	if err != nil {
		return "", err
	}
	target := s.sendingTo(r, user.ID, key)
	if err := s.allowSending(r, target); err != nil {
		return "", err
	}
	data.To = user.EmailKey
	code, err := s.newCode(r, storage.CodeSignIn, data.Channel+":"+target, user.ID, data, codeLife)
	if err != nil {
		return "", err
	}
	content := map[string]string{"Code": code.Spoken(), "Link": tenant.URL("/login/code/confirm?token=" + code.Token)}
	m, err := s.compose(r, user.Email, "sign-in", content)
	if user.ID == "" || user.Disabled || errors.Is(err, mail.ErrAddress) {
		m, err = s.decoy(r, "nobody@example.com", content)
	}
	if err != nil {
		return "", err
	}
	if err := s.Store.PutCode(ctx, code.Code, m); err != nil {
		return "", err
	}
	s.Mail.Stored()
	return code.ID, nil
}

// named finds whom somebody means, by the same reads whether or not there is anybody; and
// the key of the name.
func (s *Server) named(r *http.Request, login string) (storage.User, string, error) {
	key, ok := normalName(login)
	if !ok {
		key = login
	}
	user, _, err := s.Store.UserPassword(r.Context(), web.TenantOf(r.Context()).ID, key)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return user, key, err
}

// sendingTo is by what the codes for a person are counted and replaced. A browser that
// signed in to the account before has its own, so that a stranger who asks for codes
// neither voids its owner's nor keeps them from one.
func (s *Server) sendingTo(r *http.Request, userID, key string) string {
	if userID == "" {
		return "name:" + key
	}
	if device, ok := s.devices.Known(r, userID); ok {
		return "user:" + userID + ":" + device
	}
	return "user:" + userID
}

// proveSignInCode finds whom a code proves, and uses it up. Who proves an address for the
// first time gets the account as takeBack leaves it.
func (s *Server) proveSignInCode(r *http.Request, p proof) (storage.User, signingIn, error) {
	ctx, now := r.Context(), time.Now()
	var data signingIn
	code, err := s.tryCode(r, storage.CodeSignIn, p, &data)
	if err != nil {
		return storage.User{}, data, err
	}
	user, err := s.Store.User(ctx, code.TenantID, code.UserID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return user, data, errWrongCode
	case err != nil:
		return user, data, err
	case user.Disabled, !s.sendsCodes(r, data.Channel), !data.reaches(user), p.Token == "" && data.Browser != browserOf(r):
		return user, data, errWrongCode
	}
	version := user.CredentialVersion
	change := storage.Change{TenantID: user.TenantID, UserID: user.ID, Now: now, Code: code.ID, Version: &version}
	if data.Channel == storage.MethodEmail && !user.EmailVerified {
		if err := s.takeBack(r, &user, &change); err != nil {
			return user, data, err
		}
		change.Events = []storage.Event{s.event(r, storage.Event{Kind: "email.confirmed", UserID: user.ID})}
		user.CredentialVersion++
	}
	err = s.Store.Apply(ctx, change)
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		err = errWrongCode // used, disabled or removed this very moment
	}
	return user, data, err
}

// reaches says whether the person still reads what is sent there.
func (d signingIn) reaches(u storage.User) bool {
	return d.Channel == storage.MethodEmail && d.To != "" && d.To == u.EmailKey
}

// refusedCode records that a code proved nobody.
func (s *Server) refusedCode(r *http.Request, in *storage.Interaction) error {
	return s.record(r, storage.Event{Kind: "login.failed", Actor: "anonymous", ClientID: clientID(in), Detail: map[string]string{"reason": "code"}})
}
