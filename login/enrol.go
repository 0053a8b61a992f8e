package login

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// enrolLife is how long a person may take to set up their app.
const enrolLife = 15 * time.Minute

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
	return s.showEnrol(w, r, http.StatusOK, in, c, factor.NewTOTP(), time.Now(), "")
}

func (s *Server) showEnrol(w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, c people.Claimant, app factor.TOTP, begun time.Time, fault string) error {
	v := s.view(w, r, "enrol.title", in)
	if strings.HasPrefix(r.URL.Path, factorsPath) {
		v.Session = c.Session.ID // as mine wants it
	}
	account := ui.AccountOfUser(c.User)
	address := app.URL(v.Brand.Name, account.Login)
	png, err := factor.QR(address)
	if err != nil {
		return err
	}
	form := enrolForm{
		Action: v.Path + r.URL.Path, Account: account, Fault: fault, Demand: !strings.HasPrefix(r.URL.Path, factorsPath),
		QR:    template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)),
		URL:   template.URL(address),
		Setup: s.sealSetup(c.User, app, begun),
	}
	for i, letter := range app.Text() {
		if i > 0 && i%4 == 0 {
			form.Secret += " "
		}
		form.Secret += string(letter)
	}
	ui.AllowDataImages(w)
	v.Page = form
	return s.show(w, status, "enrol", v)
}

// sealSetup carries a secret to the page and back: for one person, and not for long.
func (s *Server) sealSetup(user storage.User, app factor.TOTP, begun time.Time) string {
	plain := binary.BigEndian.AppendUint64([]byte(user.ID), uint64(begun.Unix()))
	return s.Secrets.Box(user.TenantID, secret.TOTPSetup).SealString(append(plain, app.Bytes()...))
}

// openSetup gives errOldSetup for what sealSetup did not give this person just now.
func (s *Server) openSetup(user storage.User, sealed string) (app factor.TOTP, begun time.Time, err error) {
	plain, err := s.Secrets.Box(user.TenantID, secret.TOTPSetup).OpenString(sealed)
	if err != nil {
		return app, begun, errOldSetup
	}
	rest, ok := strings.CutPrefix(string(plain), user.ID)
	if !ok || len(rest) < 8 {
		return app, begun, errOldSetup
	}
	begun = time.Unix(int64(binary.BigEndian.Uint64([]byte(rest[:8]))), 0)
	if !storage.Within(begun, time.Now(), enrolLife) {
		return app, begun, errOldSetup
	}
	app, err = factor.ParseTOTP([]byte(rest[8:]))
	return app, begun, err
}

var errOldSetup = errors.New("the secret is somebody else's or too old")

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
	app, begun, err := s.openSetup(c.User, r.PostForm.Get("setup"))
	if err != nil {
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, factor.NewTOTP(), time.Now(), s.words(r).Must("enrol.old"))
	}
	codes, err := s.enrolTOTP(r, c, app, r.PostForm.Get("code"))
	var wrong invalid
	if errors.As(err, &wrong) {
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, app, begun, ui.FaultAt(s.words(r), wrong, "code"))
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

// enrolTOTP gives the person the app as second factor, in place of any before, if digits
// are what it shows, and new recovery codes. They are told by mail.
func (s *Server) enrolTOTP(r *http.Request, c people.Claimant, app factor.TOTP, digits string) (codes []string, err error) {
	for _, cred := range c.Creds {
		if cred.Kind != storage.TOTPCredential {
			continue
		}
		if has, err := s.openTOTP(c.User, cred); err == nil && has.Text() == app.Text() {
			return nil, invalidf("code", "enrol.again") // the form was sent twice
		}
	}
	now := time.Now()
	used, ok := app.Use(digits, now)
	if !ok {
		return nil, people.ErrWrongFactor
	}
	what := storage.EventFactorOn
	if storage.HasSecondFactor(c.Creds) {
		what = storage.EventFactorReplaced
	}
	ch, codes, err := s.newCodes(r, c.User, c.Creds, what)
	if err != nil {
		return nil, err
	}
	keepFormer(&ch, c.Creds, storage.TOTPCredential)
	ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: storage.TOTPCredential}) // it is another from now on
	ch.Credentials = append(ch.Credentials, storage.Credential{Kind: storage.TOTPCredential, Data: s.sealTOTP(c.User, used), CreatedAt: now, UpdatedAt: now})
	if err := s.apply(r, c.User, ch); err != nil || what != storage.EventFactorOn {
		return codes, err
	}
	return codes, s.endWeaker(r, c)
}

// factorChanges are the texts of the mails about changes of the second factor, by kind of event.
var factorChanges = map[string]string{
	storage.EventFactorOn:       "factor.told_on",
	storage.EventFactorReplaced: "factor.told_app",
	storage.EventFactorCodes:    "factor.told_codes",
}

// newCodes is the change that gives the person recovery codes in place of those before,
// and the mail that says what for.
func (s *Server) newCodes(r *http.Request, user storage.User, creds []storage.Credential, kind string) (storage.Change, []string, error) {
	now := time.Now()
	codes, left := factor.NewRecovery(user.ID)
	ch := storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.RecoveryCredential}},
		Credentials:       []storage.Credential{{Kind: storage.RecoveryCredential, Data: s.sealRecovery(user, left), CreatedAt: now, UpdatedAt: now}},
		Events:            []storage.Event{s.event(r, storage.Event{Kind: kind, UserID: user.ID})},
	}
	keepFormer(&ch, creds, storage.RecoveryCredential)
	mails, err := s.told(r, user, factorChanges[kind])
	ch.Deliveries = mails
	return ch, codes, err
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
