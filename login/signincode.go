package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signingIn is what the code of a sign-in sets in motion.
type signingIn struct {
	Login   string // as it was typed
	Channel string // storage.MethodEmail or MethodPhone
	To      string // the key of the address, or the number, that the code goes to
	Browser string // where it began, and the client's request there
	Letter  string
	Asker   string // see codeOwner
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
	switch channel {
	case storage.MethodEmail:
		return offers(r, channel) && s.Mail.Sends()
	case storage.MethodPhone:
		return offers(r, channel) && s.Mail.Texts
	}
	return false
}

// startSignInCode sends a code to whoever the name means, and gives the flow that it
// belongs to. When there is nobody who could be sent one a decoy is stored, and nothing else
// differs.
func (s *Server) startSignInCode(r *http.Request, login, channel string) (flow string, err error) {
	login = strings.TrimSpace(login)
	if ok, err := s.mayCodeFor(r, channel, login); !ok || err != nil {
		return "", errors.Join(err, &web.Problem{Status: http.StatusNotFound})
	}
	if login == "" || len(login) > maxEmail {
		return "", invalidf("login", "signin.missing_login")
	}
	return s.sendSignIn(r, signingIn{Login: login, Channel: channel, Browser: browserOf(r), Letter: r.FormValue("i"), Asker: codeOwner(r)})
}

func (s *Server) sendSignIn(r *http.Request, data signingIn) (flow string, err error) {
	ctx := r.Context()
	defer evenly(ctx, time.Now())
	user, key, err := s.named(r, data.Login)
	if err != nil {
		return "", err
	}
	vain, err := s.AllowSending(r.Context(), s.askerOf(r), data.Channel, key, user, data.sends(user))
	if err != nil {
		return "", err
	}
	target := "name:" + key
	if user.ID != "" {
		target = "user:" + user.ID
	}
	data.To = user.EmailKey
	if data.Channel == storage.MethodPhone {
		data.To = user.Phone
	}
	code, err := s.newOwnCode(r, data.Asker, storage.CodeSignIn, data.Channel+":"+target, user.ID, data)
	if err != nil {
		return "", err
	}
	m, err := s.signInMessage(r, user, data, code, vain)
	if err != nil {
		return "", err
	}
	if err := s.Store.PutCode(ctx, code.Code, m); err != nil {
		return "", err
	}
	s.Mail.Stored()
	return code.ID, nil
}

// sends says whether there is somewhere to send the person's code.
func (d signingIn) sends(u storage.User) bool {
	if d.Channel == storage.MethodPhone {
		return !u.Disabled && u.Phone != "" && u.PhoneVerified
	}
	return !u.Disabled && u.Email != ""
}

// signInMessage carries the code; to whom it cannot be carried, or in vain, it is a decoy.
func (s *Server) signInMessage(r *http.Request, user storage.User, data signingIn, code issued, vain bool) (m storage.Mail, err error) {
	if data.Channel == storage.MethodPhone {
		to := user.Phone
		nobody := user.ID == "" || user.Disabled || vain || !data.reaches(user)
		if nobody {
			to = "+10000000000"
		}
		if m, err = s.composeText(r, to, code); nobody {
			m.Template = ""
		}
		return m, err
	}
	content := map[string]string{"Code": code.Spoken(), "Link": web.TenantOf(r.Context()).URL("/login/code/confirm?token=" + code.Token)}
	m, err = s.compose(r, recipientOf(user), "sign-in", content)
	if user.ID == "" || user.Disabled || vain || errors.Is(err, mail.ErrAddress) {
		return s.decoy(r, "nobody@example.com", content)
	}
	return m, err
}

// named finds whom somebody means, by the same reads whether or not there is anybody; and
// the key of the name.
func (s *Server) named(r *http.Request, login string) (user storage.User, key string, err error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context())
	if number, bad := phones.Parse(login, tenant.Settings.SignIn.PhoneRegions); bad == nil && s.sendsCodes(r, storage.MethodPhone) {
		key = number
		user, err = s.Store.UserByPhone(ctx, tenant.ID, key)
	} else {
		var ok bool
		if key, ok = normalName(login); !ok {
			key = login
		}
		user, _, err = s.Store.UserPassword(ctx, tenant.ID, key)
	}
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return user, key, err
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
	case user.Disabled, !data.reaches(user), p.Token == "" && !isBrowser(r, data.Browser):
		return user, data, errWrongCode
	}
	if ok, err := s.mayCode(r, data.Channel, user); !ok || err != nil {
		return user, data, errors.Join(err, errWrongCode)
	}
	version := user.CredentialVersion
	change := storage.Change{TenantID: user.TenantID, UserID: user.ID, Now: now, Code: code.ID, Version: &version}
	if data.Channel == storage.MethodEmail && !user.EmailVerified {
		if err := s.takeBack(r, &user, &change); err != nil {
			return user, data, err
		}
		change.Events = []storage.Event{s.event(r, storage.Event{Kind: storage.EventEmailConfirmed, UserID: user.ID})}
		user.CredentialVersion++
	}
	err = s.Store.Apply(ctx, change)
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		err = errWrongCode // used, disabled or removed this very moment
	}
	return user, data, err
}

// reaches says whether the person still reads what is sent there. A number that was never
// confirmed may be anybody's.
func (d signingIn) reaches(u storage.User) bool {
	if d.Channel == storage.MethodPhone {
		return d.To != "" && d.To == u.Phone && u.PhoneVerified
	}
	return d.Channel == storage.MethodEmail && d.To != "" && d.To == u.EmailKey
}

// observeWrongCode records that a code was wrong.
func (s *Server) observeWrongCode(r *http.Request, in *storage.Interaction) {
	s.observeSome(r, storage.Event{Kind: storage.EventLoginFailed, Actor: "anonymous", ClientID: clientID(in), Detail: map[string]string{"reason": "code"}})
}

// letter is the client's request with which the sign-in began in this browser; "" in any other.
func (d signingIn) letter(r *http.Request) string {
	if d.Browser == "" || !isBrowser(r, d.Browser) {
		return ""
	}
	return d.Letter
}
