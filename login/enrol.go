package login

import (
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// enrolForm is what the page shows that sets up an app.
type enrolForm struct {
	Action  string // the page itself
	Account *ui.Account
	QR      template.URL // the picture, in place
	Secret  string       // the same, to type, in groups
	URL     template.URL // the same, for an app on this device
	Setup   string       // the same, sealed, to come back
	Demand  bool         // they are asked to, and did not choose to
	Fault   string
}

// enrolling is who may set up an app: somebody who has none, and has proven themselves
// just now; or who has one, and used it to sign in. detour and people.ErrNoClaimant otherwise.
func (s *Server) enrolling(r *http.Request, in *storage.Interaction) (people.Claimant, error) {
	if strings.HasPrefix(r.URL.Path, factorsPath) {
		return s.factorsOwner(r)
	}
	c, err := s.claimant(r, in)
	if err != nil {
		return c, err
	}
	switch m := s.missingFactor(r, in, c, false); {
	case storage.HasSecondFactor(c.Creds), !m.None(), m.ACR == "": // the page that asks for what they have is another
		return c, &detour{To: elsewhere(r, in, secondFactorPath)}
	case c.IsSignedIn() && !people.IsFresh(c.Session.AuthTime):
		return c, &detour{To: elsewhere(r, in, "/login")}
	}
	return c, nil
}

// enrolPage shows a new secret. It stores nothing: the secret comes back, sealed, with the
// first digits that an app made of it.
func (s *Server) enrolPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err)
	}
	return s.showEnrol(w, r, http.StatusOK, in, c, s.StartTOTPSetup(c.User), "")
}

func (s *Server) showEnrol(w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, c people.Claimant, setup people.TOTPSetup, fault string) error {
	v := s.view(w, r, "enrol.title", in)
	if strings.HasPrefix(r.URL.Path, factorsPath) {
		v.Session = c.Session.ID // as mine wants it
	}
	account := ui.AccountOfUser(c.User)
	address := setup.App.URL(v.Brand.Name, account.Login)
	png, err := factor.QR(address)
	if err != nil {
		return err
	}
	form := enrolForm{
		Action: v.Path + r.URL.Path, Account: account, Fault: fault, Demand: !strings.HasPrefix(r.URL.Path, factorsPath),
		QR:    template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)),
		URL:   template.URL(address),
		Setup: setup.Sealed,
	}
	for i, letter := range setup.App.Text() {
		if i > 0 && i%4 == 0 {
			form.Secret += " "
		}
		form.Secret += string(letter)
	}
	ui.AllowDataImages(w)
	v.Page = form
	return s.show(w, status, "enrol", v)
}

// enrol takes the first digits of the app. The person has a second factor from then on,
// and sees their recovery codes, once.
func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err)
	}
	setup, err := s.OpenTOTPSetup(c.User, r.PostForm.Get("setup"))
	if err != nil {
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, s.StartTOTPSetup(c.User), s.words(r).Must("enrol.old"))
	}
	codes, err := s.EnrolTOTP(r.Context(), s.askerOf(r), c, setup.App, r.PostForm.Get("code"))
	var wrong invalid
	if errors.As(err, &wrong) {
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, setup, ui.FaultAt(s.words(r), wrong, "code"))
	}
	if errors.Is(err, storage.ErrStale) {
		return s.startOver(w, r, in)
	}
	if err != nil {
		return err
	}
	if err := s.raise(w, r, in, c, false, "otp"); err != nil {
		return s.turn(w, r, in, err)
	}
	return s.showCodes(w, r, in, c.User, codes)
}

// codesView is what the page shows that has the recovery codes.
type codesView struct {
	Codes []string
	File  template.URL // the same, to keep
	Next  string       // where it goes on
}

// showCodes shows the codes. They are nowhere else to be had: no page shows them again.
func (s *Server) showCodes(w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User, codes []string) error {
	v := s.view(w, r, "codes.title", in)
	page := codesView{Codes: codes, Next: web.TenantOf(r.Context()).Path + "/"}
	if s.waitsToLink(r) {
		page.Next = v.Path + "/federated/link"
	} else if in != nil {
		page.Next = in.ContinueURL
	} else if strings.HasPrefix(r.URL.Path, factorsPath) {
		page.Next = v.Path + factorsPath
	}
	text := v.Words.Must("codes.file", v.Brand.Name, ui.AccountOfUser(user).Login) + "\r\n\r\n" + strings.Join(codes, "\r\n") + "\r\n"
	page.File = template.URL("data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(text)))
	v.Page = page
	return s.show(w, http.StatusOK, "codes", v)
}
