package login

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// The sign-in has two pages at one path. The first asks for a name, and offers the ways that need none. The second
// asks for the password of that name, and offers other ways. It is the same for every name, except in a browser in
// which the user has signed in before.
//
// The first page has no hidden field for a password. Password managers would fill it in, and the browser would send
// the password of one account with the name of another that the user types next. They find their way without:
// the fields of both pages have the names that they look for, and the second page has the name in a real field.

// signInForm is what the sign-in page shows.
type signInForm struct {
	Login string // as the user typed it, or from the client's login_hint
	// As is the parameter that carries the name along, or "".
	As string
	// Second says that the page is the second one.
	Second bool
	// Account is the signed-in account, which the user has to confirm with a new proof. It is nil when the
	// page asks for a name.
	Account *ui.Account
	ui.FormFaults
	// SignUp and Forgot say whether the page links to registration and to the password reset.
	SignUp, Forgot bool
	// Offers are the ways that the page offers.
	Offers people.Ways
}

// Codes reports whether the page offers to send a code.
func (f signInForm) Codes() bool { return f.Offers.ByEmail || f.Offers.ByPhone }

// PhoneOnly reports whether a code that is sent to a phone is the only way to sign in with a name.
func (f signInForm) PhoneOnly() bool {
	return f.Offers.ByPhone && !f.Offers.Password && !f.Offers.ByEmail
}

// EmailOnly reports whether a code that is mailed is the only way to sign in with a name.
func (f signInForm) EmailOnly() bool {
	return f.Offers.ByEmail && !f.Offers.Password && !f.Offers.ByPhone
}

// NameNeeded reports whether there is a way that needs a name.
func (f signInForm) NameNeeded() bool { return f.Offers.Password || f.Codes() }

// signInPage shows the form that asks for a name, or for a proof.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	form, err := s.blankForm(r, in)
	if err != nil {
		return err
	}
	if form.Account != nil && !ui.WasRefused(r) {
		needed, err := s.proofNeeded(r, in, form.Account)
		if err != nil {
			return err
		}
		if !needed {
			return s.goOn(w, r, in)
		}
	}
	return s.showSignIn(w, r, in, form)
}

// proofNeeded reports whether a page or a client asks for a new proof of the signed-in account. A client's request
// does, unless the user signed in after it began, in another tab: that settles prompt=login and max_age, too.
func (s *Server) proofNeeded(r *http.Request, in *storage.Interaction, account *ui.Account) (bool, error) {
	if in == nil {
		return s.nextOf(r) != "" && !account.Fresh, nil
	}
	if !account.AuthTime.After(in.Started) || s.waitsToLink(r) {
		return true, nil
	}
	if account.Fresh {
		return false, nil
	}
	// The page that sets up a second factor sends users here whose sign-in is older. The request must not send them
	// back.
	c, err := s.claimant(r, in)
	if errors.Is(err, people.ErrNoClaimant) {
		return true, nil
	}
	return !c.IsSignedIn() || s.missingFactor(r, in, c, false).ACR != "", err
}

// blankForm returns the form before the user typed anything into it. If an account is signed in, the form asks the
// user to confirm that account, unless the client or the user named another account, or the user chose another
// with ?other.
func (s *Server) blankForm(r *http.Request, in *storage.Interaction) (signInForm, error) {
	form := signInForm{Login: s.TypedName(r)}
	var err error
	if form.Login != "" {
		form.As, in = r.FormValue("as"), nil // what the client hints at counts no more
	} else if in != nil {
		if form.Login, err = s.hinted(r, in); err != nil {
			return form, err
		}
	}
	if r.FormValue("other") != "" {
		return form, nil
	}
	form.Second = form.Login != ""
	current, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return form, nil
	}
	if err != nil {
		return form, err
	}
	if in != nil && in.Subjects != nil {
		if !slices.Contains(in.Subjects, current.UserID) {
			return form, nil // the client means another account, which it named by an ID token or by sub
		}
	} else if key, ok := people.NormalName(form.Login); form.Login != "" &&
		(!ok || key != current.User.EmailKey && key != current.User.UsernameKey) {
		return form, nil // the client or the user means another account
	}
	form.Account, form.Second = ui.AccountOf(current), false
	form.Login = form.Account.Login
	return form, nil
}

// hinted returns the name of the account that the client means, or "". If the client gave only the account's
// id, the name is returned only in a browser that was signed in to the account before: an attacker could
// otherwise send an id here and read the name on the page.
func (s *Server) hinted(r *http.Request, in *storage.Interaction) (string, error) {
	if name := strings.TrimSpace(in.LoginHint); name != "" || len(in.Subjects) != 1 {
		return name, nil
	}
	u, err := s.Store.User(r.Context(), web.TenantOf(r.Context()).ID, in.Subjects[0])
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !s.KnowsDevice(s.askerOf(r), u) {
		return "", nil
	}
	return ui.AccountOfUser(u).Login, nil
}

// offers returns the ways that the page offers.
func (s *Server) offers(r *http.Request, form signInForm) (people.Ways, error) {
	a := s.askerOf(r)
	switch {
	case form.Account != nil:
		return s.WaysOf(r.Context(), a, form.Account.User)
	case form.Second:
		return s.WaysFor(r.Context(), a, form.Login)
	}
	return s.TenantWays(a), nil
}

// showSignIn fills in what the page offers, and shows the form.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, in *storage.Interaction, form signInForm) error {
	all := s.TenantWays(s.askerOf(r))
	form.Second = form.Second && (all.Password || all.ByEmail || all.ByPhone)
	var err error
	if form.Offers, err = s.offers(r, form); err != nil {
		return err
	}
	form.FormFaults = ui.FaultsOf(r)
	form.Forgot = s.OffersReset(s.askerOf(r)) && form.Offers.Password && (form.Second || form.Account != nil)
	form.SignUp = form.Account == nil && s.MaySignUp(s.askerOf(r), false) == nil
	v := s.view(w, r, titleOf(form), in)
	v.Alert = cmp.Or(v.Alert, ui.UpstreamAlert(r, s.Service))
	without := "" // the id of an upstream provider that the page leaves out
	if form.Account != nil {
		var stale string
		without, stale = s.staleFrom(r)
		v.Alert = cmp.Or(v.Alert, stale)
	}
	v.Page = form
	v.Upstreams = ui.UpstreamsOf(s.Service.Upstreams(web.TenantOf(r.Context())), func(id string) bool {
		return id != without && slices.Contains(form.Offers.Upstreams, id)
	}, form.Account != nil)
	markLast(r, v.Upstreams)
	if v.Passkey, err = s.signInPasskey(w, r, v, form); err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "signin", v)
}

// titleOf returns the id of the page's title.
func titleOf(form signInForm) string {
	switch {
	case form.Account != nil:
		return "signin.again"
	case form.Second && form.Offers.Password:
		return "signin.password_title"
	case form.Second:
		return "signin.ways_title"
	}
	return "signin.title"
}
