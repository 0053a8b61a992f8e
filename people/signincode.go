package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signingIn is what the code of a sign-in sets in motion.
type signingIn struct {
	Login   string // as it was typed
	Channel string // storage.MethodEmail or MethodPhone
	To      string // the key of the address, or the number, that the code goes to
	beginning
}

// amr returns what the code proves by (RFC 8176).
func (d signingIn) amr() string {
	if d.Channel == storage.MethodPhone {
		return "sms"
	}
	return "otp"
}

// OffersCodes reports whether users of the tenant may sign in by a code that goes this way:
// storage.MethodEmail or MethodPhone.
func (s *Service) OffersCodes(a Asker, channel string) bool {
	switch channel {
	case storage.MethodEmail:
		return a.offers(channel) && s.Mail.Sends()
	case storage.MethodPhone:
		return a.offers(channel) && s.Mail.Texts
	}
	return false
}

// StartSignInCode sends a code to the user that the name means, and returns the flow that the code
// belongs to. letter is the client's request, which goes on when the code comes back in the same
// browser. If the code cannot be sent to any user, it stores a decoy, and nothing else differs. It
// fails with ErrNotOffered.
func (s *Service) StartSignInCode(ctx context.Context, a Asker, login, channel,
	letter string,
) (flow string, err error) {
	login = strings.TrimSpace(login)
	if ok, err := s.mayCodeFor(ctx, a, channel, login); err != nil {
		return "", err
	} else if !ok {
		return "", ErrNotOffered
	}
	if login == "" || len(login) > maxEmail {
		return "", Invalid("login", "signin.missing_login")
	}
	return s.sendSignIn(ctx, a, signingIn{Login: login, Channel: channel, beginning: beginningAt(a, letter)})
}

// sendSignIn stores a code for the typed name and its message, and returns the flow. A name without an account gets a
// decoy.
func (s *Service) sendSignIn(ctx context.Context, a Asker, data signingIn) (flow string, err error) {
	defer Evenly(ctx, time.Now())
	user, key, err := s.named(ctx, a, data.Login)
	if err != nil {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, Sending{Channel: data.Channel, Typed: key, User: user, Real: data.sends(user)})
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
	code, err := s.newOwnCode(a, data.Asker, storage.CodeSignIn, data.Channel+":"+target, user.ID, data)
	if err != nil {
		return "", err
	}
	m, err := s.signInMessage(ctx, a, user, data, code, vain)
	if err != nil {
		return "", err
	}
	return s.putFlow(ctx, a, code, m)
}

// sends reports whether there is somewhere to send the user's code.
func (d signingIn) sends(u storage.User) bool {
	if d.Channel == storage.MethodPhone {
		return !u.Disabled && u.Phone != "" && u.PhoneVerified
	}
	return !u.Disabled && u.Email != ""
}

// signInMessage returns the message that carries the code. It is a decoy if vain is set or if the
// user cannot get a message by this channel.
func (s *Service) signInMessage(ctx context.Context, a Asker, user storage.User, data signingIn, code Issued,
	vain bool,
) (m storage.Delivery, err error) {
	if data.Channel == storage.MethodPhone {
		to := user.Phone
		decoyed := user.ID == "" || user.Disabled || vain || !data.reaches(user)
		if decoyed {
			to = "+10000000000"
		}
		if m, err = s.composeText(a, to, code); decoyed {
			m.Template = ""
		}
		return m, err
	}
	content := map[string]string{"Code": code.Spoken(), "Link": a.Tenant.URL("/login/code/confirm?token=" + code.Token)}
	m, err = s.Compose(a, RecipientOf(user), "sign-in", content)
	if user.ID == "" || user.Disabled || vain || errors.Is(err, mail.ErrAddress) {
		return s.decoy(a, "nobody@example.com", content)
	}
	return m, err
}

// named returns the user that a name means, and the key of the name. If there is no such user, its
// ID is empty; the reads are the same for every name.
func (s *Service) named(ctx context.Context, a Asker, login string) (user storage.User, key string, err error) {
	ctx, tenant := ctx, a.Tenant
	if number, bad := phones.Parse(login, tenant.Settings.SignIn.PhoneRegions); bad == nil &&
		s.OffersCodes(a, storage.MethodPhone) {
		key = number
		user, err = s.Store.UserByPhone(ctx, tenant.ID, key)
	} else {
		var ok bool
		if key, ok = NormalName(login); !ok {
			key = login
		}
		user, _, err = s.Store.UserPassword(ctx, tenant.ID, key)
	}
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return user, key, err
}

// SignInCode is a sign-in that waits for its code.
type SignInCode struct {
	// Login is what was typed in the browser where the sign-in began; by the link the key of the
	// address, so that the user sees whose account it is: an attacker may have sent a link of
	// the attacker's own.
	Login    string
	Phone    bool      // the code was sent to a phone
	AMR      string    // what the code proves by (RFC 8176)
	Letter   string    // the client's request with which the sign-in began in this browser
	ResendAt time.Time // see Service.ResendAt
}

// shown returns what a page may show of the sign-in. The client's request is part of it only in the browser in which
// the sign-in began.
func (d signingIn) shown(a Asker) SignInCode {
	out := SignInCode{Login: d.Login, Phone: d.Channel == storage.MethodPhone, AMR: d.amr()}
	if d.beganHere(a) {
		out.Letter = d.Letter
	}
	return out
}

// OpenSignInCode returns the sign-in that waits for the code of a link, by p.Token, or for the
// digits of a flow that began in this browser. It spends nothing. Its refusal is ErrWrongCode.
func (s *Service) OpenSignInCode(ctx context.Context, a Asker, p Proof) (SignInCode, error) {
	var data signingIn
	code, err := s.openFlow(ctx, a, storage.CodeSignIn, p, &data)
	out := data.shown(a)
	out.ResendAt = s.ResendAt(code)
	if p.Token != "" {
		out.Login, out.Phone = data.To, false
	}
	return out, err
}

// ProveCode returns the user who is proven by a code, and uses the code up. A user who proves an
// address for the first time gets the account as TakeBack leaves it. It fails with ErrWrongCode,
// which it also records; the sign-in is returned as far as it is known.
func (s *Service) ProveCode(ctx context.Context, a Asker, p Proof) (storage.User, SignInCode, error) {
	user, data, err := s.proveCode(ctx, a, p)
	if errors.Is(err, ErrWrongCode) {
		s.ObserveSome(ctx, a, storage.Event{
			Kind: storage.EventLoginFailed, Actor: "anonymous", ClientID: a.ClientID,
			Detail: map[string]string{"reason": "code"},
		})
	}
	return user, data.shown(a), err
}

// proveCode is ProveCode without the event of a failure.
func (s *Service) proveCode(ctx context.Context, a Asker, p Proof) (storage.User, signingIn, error) {
	now := time.Now()
	var data signingIn
	code, err := s.proveFlow(ctx, a, storage.CodeSignIn, p, &data)
	if err != nil {
		return storage.User{}, data, err
	}
	user, err := s.Store.User(ctx, code.TenantID, code.UserID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return user, data, ErrWrongCode
	case err != nil:
		return user, data, err
	case user.Disabled, !data.reaches(user):
		return user, data, ErrWrongCode
	}
	if ok, err := s.MayProveByCode(ctx, a, data.Channel, user); err != nil {
		return user, data, err
	} else if !ok {
		return user, data, ErrWrongCode
	}
	version := user.CredentialVersion
	change := storage.Change{TenantID: user.TenantID, UserID: user.ID, Now: now, Code: code.ID, Version: &version}
	if data.Channel == storage.MethodEmail && !user.EmailVerified {
		if err := s.TakeBack(ctx, &user, &change); err != nil {
			return user, data, err
		}
		change.Events = []storage.Event{a.Event(storage.Event{Kind: storage.EventEmailConfirmed, UserID: user.ID})}
		user.CredentialVersion++
	}
	_, err = s.ApplyProven(ctx, a, change)
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		err = ErrWrongCode // used, disabled or removed this very moment
	}
	return user, data, err
}

// reaches reports whether the user still reads what is sent there. A number that was never
// confirmed may be anyone's.
func (d signingIn) reaches(u storage.User) bool {
	if d.Channel == storage.MethodPhone {
		return d.To != "" && d.To == u.Phone && u.PhoneVerified
	}
	return d.Channel == storage.MethodEmail && d.To != "" && d.To == u.EmailKey
}

// MayProveByCode reports whether a code that goes this way may prove the user here. If the tenant
// lets no user sign in by mailed codes, such a code may still prove anew a user who is signed in,
// comes by way of upstream providers and has nothing else: not every provider says when the user
// signed in there.
func (s *Service) MayProveByCode(ctx context.Context, a Asker, channel string, user storage.User) (bool, error) {
	if s.OffersCodes(a, channel) {
		return true, nil
	}
	if channel != storage.MethodEmail || !s.Mail.Sends() || user.ID == "" || !user.EmailVerified {
		return false, nil
	}
	if here, err := s.isSignedIn(ctx, a, user); !here || err != nil {
		return false, err
	}
	creds, err := s.Store.CredentialsOf(ctx, user.TenantID, user.ID)
	if err != nil {
		return false, err
	}
	own := slices.ContainsFunc(creds, func(c storage.Credential) bool {
		return c.Kind == storage.PasskeyCredential || c.Kind == storage.PasswordCredential && a.UsesPasswords()
	})
	if own {
		return false, nil
	}
	ids, err := s.Store.IdentitiesOf(ctx, user.TenantID, user.ID)
	return len(ids) > 0, err
}

// mayCodeFor is MayProveByCode for the user of that name.
func (s *Service) mayCodeFor(ctx context.Context, a Asker, channel, login string) (bool, error) {
	if s.OffersCodes(a, channel) {
		return true, nil
	}
	user, _, err := s.named(ctx, a, login)
	if err != nil {
		return false, err
	}
	return s.MayProveByCode(ctx, a, channel, user)
}

// resendSignInCode sends the code of a sign-in once more, by the code that it replaces.
func (s *Service) resendSignInCode(ctx context.Context, a Asker, data signingIn) (flow string, err error) {
	if ok, err := s.mayCodeFor(ctx, a, data.Channel, data.Login); err != nil {
		return "", err
	} else if !ok {
		return "", ErrWrongCode
	}
	return s.sendSignIn(ctx, a, data)
}

// Resend sends the code of a flow once more, and returns the next flow; the code before is void.
// Its refusal is ErrWrongCode.
func (s *Service) Resend(ctx context.Context, a Asker, flow string) (next string, err error) {
	code, err := s.Store.Code(ctx, a.Tenant.ID, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return "", ErrWrongCode
	}
	if err != nil {
		return "", err
	}
	var reg registration
	var reset resetting
	var signIn signingIn
	data := map[string]begun{storage.CodeSignUp: &reg, storage.CodeReset: &reset,
		storage.CodeSignIn: &signIn}[code.Purpose]
	if data == nil {
		return "", ErrWrongCode
	}
	if err = s.openHere(a, code, data); err == nil {
		err = s.MayResend(a, code)
	}
	if err != nil {
		return "", err
	}
	switch code.Purpose {
	case storage.CodeSignUp:
		return s.resendSignUp(ctx, a, code, reg)
	case storage.CodeReset:
		return s.sendReset(ctx, a, reset)
	}
	return s.resendSignInCode(ctx, a, signIn)
}
