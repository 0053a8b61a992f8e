package login

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// codeStranger is the purpose of the code that proves a stranger's address.
const codeStranger = "upstream"

// strangerForm is what the pages show on which a stranger proves something.
type strangerForm struct {
	ui.FormFaults
	Provider string
	Email    string
	There    string // what the account there is called
	Account  *ui.Account
	Flow     string
	Token    string
	Code     string
}

// strangerClaim is what a code sent to a stranger's address sets in motion.
type strangerClaim struct {
	Stranger   stranger
	Email, Key string
}

// needStranger is who waits in this browser, and for which request of a client.
func (s *Server) needStranger(r *http.Request) (*storage.Interaction, *stranger, error) {
	in, err := s.interaction(r)
	if err != nil {
		return nil, nil, err
	}
	who := s.strangerHere(r)
	if who == nil {
		return nil, nil, s.errTrip(r, "no identity waits in this browser, or it waited too long")
	}
	return in, who, nil
}

// showStranger shows a form, also with an error that whoever filled it in can mend; any
// other it returns.
func (s *Server) showStranger(w http.ResponseWriter, r *http.Request, page, title string, in *storage.Interaction, who *stranger, form strangerForm, err error) error {
	status, alert := ui.Again(w, r, err)
	if status == 0 {
		return err
	}
	form.Provider, _ = s.upstreamName(r, who.Upstream)
	form.FormFaults = ui.FaultsOf(r, err)
	v := s.view(w, r, title, in)
	v.Page, v.Alert = form, alert
	return s.show(w, status, page, v)
}

// strangerEmailPage asks for an address that a code can be sent to.
func (s *Server) strangerEmailPage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	return s.showStranger(w, r, "strangeremail", "federated.email_title", in, who, strangerForm{Email: who.Email}, nil)
}

// strangerEmail sends a code there. The answer is the same whether or not there is an
// account with the address.
func (s *Server) strangerEmail(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	email := strings.TrimSpace(r.PostForm.Get("email"))
	flow, err := s.sendStranger(r, who, email)
	if err != nil {
		return s.showStranger(w, r, "strangeremail", "federated.email_title", in, who, strangerForm{Email: email}, err)
	}
	return seeOther(w, r, "/federated/confirm", "flow", flow)
}

// sendStranger sends a code to the address that a stranger says is theirs.
func (s *Server) sendStranger(r *http.Request, who *stranger, typed string) (flow string, err error) {
	email, err := claimAs("email", typed, "setup.bad_email")
	if err != nil {
		return "", err
	}
	vain, err := s.AllowSending(r.Context(), s.askerOf(r), storage.MethodEmail, email.Key(), storage.User{}, true)
	if err != nil {
		return "", err
	}
	// One code for each identity: who proves an address must not be hindered by others who
	// say that it is theirs.
	code, err := s.newCode(r, codeStranger, who.Upstream+"\x00"+who.Subject, "", strangerClaim{*who, email.String(), email.Key()}, codeLife)
	if err != nil {
		return "", err
	}
	t := web.TenantOf(r.Context())
	name, _ := s.upstreamName(r, who.Upstream)
	link := ""
	if len(who.Browser) > 0 {
		q := url.Values{"token": {code.Token}}
		if letter := r.FormValue("i"); letter != "" {
			q.Set("i", letter)
		}
		link = t.URL("/federated/confirm?" + q.Encode())
	}
	m, err := s.compose(r, email.Recipient(), "confirm-upstream", map[string]string{"Code": code.Spoken(), "Link": link, "Provider": name})
	if errors.Is(err, mail.ErrAddress) {
		return "", invalidf("email", "setup.bad_email")
	}
	if err != nil {
		return "", err
	}
	if vain {
		m = dropped(m)
	}
	return code.ID, s.StoreCode(r.Context(), code.Code, m)
}

// strangerCodePage asks for the code, or for a click when its link was followed: to look
// at a link spends nothing.
func (s *Server) strangerCodePage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	form := strangerForm{Flow: r.FormValue("flow"), Token: r.FormValue("token")}
	return s.showStranger(w, r, "strangercode", "federated.code_title", in, who, form, nil)
}

// strangerCode takes the code, or the link's token.
func (s *Server) strangerCode(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	if who.Proven != "" { // proven already, and what is asked for now is another thing
		return seeOther(w, r, "/federated/link")
	}
	pr := proof{Flow: r.PostForm.Get("flow"), Digits: r.PostForm.Get("code"), Token: r.PostForm.Get("token")}
	user, err := s.confirmStranger(r, who, pr)
	if status, _ := ui.Again(w, r, err); err != nil && status != 0 {
		return s.showStranger(w, r, "strangercode", "federated.code_title", in, who, strangerForm{Flow: pr.Flow, Token: pr.Token}, err)
	}
	return s.settle(w, r, in, who, user, time.Now(), err)
}

// confirmStranger finds or makes the account of a stranger whose address is proven. The
// code works in the browser alone in which the stranger came: else somebody could be
// talked into confirming, by a click in a mail, what a stranger has at a provider.
func (s *Server) confirmStranger(r *http.Request, who *stranger, pr proof) (storage.User, error) {
	var claim strangerClaim
	code, err := s.tryCode(r, codeStranger, pr, &claim)
	if err != nil {
		return storage.User{}, err
	}
	if claim.Stranger.ID != who.ID {
		return storage.User{}, errWrongCode
	}
	return s.confirmed(r, who, claim, code)
}

// confirmed finds or makes the account of a stranger whose code came back.
func (s *Server) confirmed(r *http.Request, who *stranger, claim strangerClaim, code storage.Code) (storage.User, error) {
	p, err := s.upstream(web.TenantOf(r.Context()), who.Upstream)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.User{}, s.errTrip(r, "the upstream is not in the tenant's settings any more")
	}
	if err != nil {
		return storage.User{}, err
	}
	email, err := address.Claim(claim.Email)
	if err != nil || email.Key() != claim.Key {
		return storage.User{}, errWrongCode
	}
	return s.adopt(r, p, who, email, saidByMail, code.ID)
}

// waitsToLink says whether somebody who has just signed in came to do so because an
// identity of theirs waits to be linked.
func (s *Server) waitsToLink(r *http.Request) bool {
	who := s.strangerHere(r)
	return who != nil && who.Proven != ""
}

// linkPage asks whoever has signed in since whether the identity is to be linked to that
// account, and everybody else to sign in.
func (s *Server) linkPage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	form := strangerForm{Email: who.Proven, There: cmp.Or(who.Email, who.Profile.Name, who.Subject)}
	title := "federated.account_title"
	if a, err := s.Sessions.Current(r); err == nil && a.AuthTime.After(who.Born) {
		form.Account, title = ui.AccountOf(a), "federated.link_title"
	} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return s.showStranger(w, r, "link", title, in, who, form, nil)
}

// link links the identity that waits to the account that the person has signed in to since.
func (s *Server) link(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("answer") == "link" {
		a, err := s.Sessions.Current(r)
		if errors.Is(err, storage.ErrNotFound) || err == nil && (!a.AuthTime.After(who.Born) || a.ID != r.PostForm.Get("session")) {
			return seeOther(w, r, "/federated/link")
		}
		if err != nil {
			return err
		}
		// An identity is a way to sign in for good: its owner alone may link it.
		missing, err := s.OwnerACR(r.Context(), a.User, a.ACR)
		if err != nil {
			return err
		}
		if missing != "" {
			return s.toSecondFactor(w, r, in)
		}
		if err := s.linkStranger(r, a.User, who); err != nil {
			return err
		}
	}
	if err := s.keepStranger(w, r, nil); err != nil {
		return err
	}
	return s.goOn(w, r, in)
}

// linkStranger links the identity to a person who has proven their account.
func (s *Server) linkStranger(r *http.Request, u storage.User, who *stranger) error {
	now := time.Now()
	ch := storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &u.CredentialVersion,
		Spend: []storage.Spent{who.spends(u.TenantID)}, Link: []storage.Identity{who.identity(&u, now)},
	}
	if err := s.noteLink(r, u, who.Upstream, storage.EventIdentityLinked, "identity.linked_mail", &ch); err != nil {
		return err
	}
	err := s.Store.Apply(r.Context(), ch)
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrStale) {
		return s.errLinked(r, u, who, err)
	}
	if err == nil {
		s.Mail.Stored()
	}
	return err
}

// errLinked is nil when the identity is linked to this very person.
func (s *Server) errLinked(r *http.Request, u storage.User, who *stranger, cause error) error {
	known, err := s.Store.Identity(r.Context(), u.TenantID, who.Upstream, who.Subject)
	if err == nil && known.UserID == u.ID {
		return nil
	}
	return s.identityTaken(r, who.Upstream, cause)
}
