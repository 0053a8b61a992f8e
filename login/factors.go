package login

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// factorsPath is the account's page about second factors.
const factorsPath = "/account/second-factor"

// factorsView is what it shows.
type factorsView struct {
	On       bool
	App      string // since when there is one, or ""
	Codes    int    // recovery codes left
	Passkeys int
	Must     bool // the tenant demands a second factor
	Devices  []deviceView
}

type deviceView struct {
	ID, Name, Since string
	Here            bool
}

// factorsPage shows what the person has, and lets them change it.
func (s *Server) factorsPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	creds, err := s.Store.CredentialsOf(r.Context(), a.TenantID, a.UserID)
	if err != nil {
		return err
	}
	v := s.account.View(w, r, "factors.title", a)
	page := factorsView{On: storage.HasSecondFactor(creds), Must: demanded(r)}
	for _, c := range creds {
		switch c.Kind {
		case storage.TOTPCredential:
			page.App = v.Words.Date(c.CreatedAt)
		case storage.PasskeyCredential:
			page.Passkeys++
		case storage.RecoveryCredential:
			page.Codes = s.recoveryLeft(r, c)
		}
	}
	if page.On {
		for _, d := range people.RememberedDevices(s.askerOf(r), a.User, creds) {
			page.Devices = append(page.Devices, deviceView{ID: d.ID, Name: v.Words.Device(d.UserAgent), Since: v.Words.Date(d.Since), Here: d.Here})
		}
	}
	v.Page = page
	return s.show(w, http.StatusOK, "factors", v)
}

// demanded says whether the tenant wants a second factor from everybody.
func demanded(r *http.Request) bool {
	return web.TenantOf(r.Context()).Settings.SecondFactor.Require == storage.SecondFactorAlways
}

// factorsOwner is who may change the second factor: the person, proven just now, by a
// second factor too when they have one.
func (s *Server) factorsOwner(r *http.Request) (people.Claimant, error) {
	a, err := s.account.Fresh(r)
	if err != nil {
		return people.Claimant{}, err
	}
	return s.SignedInClaimant(r.Context(), a.Session, a.User)
}

// changeFactors does what one of the page's buttons says.
func (s *Server) changeFactors(w http.ResponseWriter, r *http.Request) error {
	what := r.PostForm.Get("do")
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	switch what {
	case "device": // less is remembered: no fresh proof is needed
		err = s.forgetDevice(r, a.User, r.PostForm.Get("device"))
	case "devices":
		err = s.forgetDevice(r, a.User, storage.AllIDs)
	case "codes":
		var c people.Claimant
		if c, err = s.factorsOwner(r); err != nil {
			break
		}
		if !storage.HasSecondFactor(c.Creds) && !slices.ContainsFunc(c.Creds, isPasskey) {
			break // there is nothing that they would stand in for
		}
		var codes []string
		if codes, err = s.RenewRecoveryCodes(r.Context(), s.askerOf(r), c); err == nil {
			return s.showCodes(w, r, nil, c.User, codes)
		}
	case "off":
		var c people.Claimant
		if c, err = s.factorsOwner(r); err == nil {
			err = s.switchOff(r, c)
		}
	default:
		err = &web.Problem{Status: http.StatusBadRequest, Developer: "The field do is none of device, devices, codes, off."}
	}
	if err != nil {
		return s.turn(w, r, nil, err)
	}
	return account.Changed(w, r, factorsPath, "factor-"+what)
}

func isPasskey(c storage.Credential) bool { return c.Kind == storage.PasskeyCredential }

// switchOff takes the second factor away, with what stands in for it.
func (s *Server) switchOff(r *http.Request, c people.Claimant) error {
	if demanded(r) {
		return &web.Problem{Status: http.StatusForbidden, Title: "factors.title", Message: "factors.must"}
	}
	mails, err := s.told(r, c.User, "factor.told_off")
	if err != nil {
		return err
	}
	ch := storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.TOTPCredential, ID: storage.AllIDs}, {Kind: storage.RecoveryCredential, ID: storage.AllIDs}, {Kind: storage.DeviceCredential, ID: storage.AllIDs}},
		Deliveries:        mails,
		Events:            []storage.Event{s.event(r, storage.Event{Kind: storage.EventFactorOff, UserID: c.User.ID})},
	}
	keepFormer(&ch, c.Creds, storage.TOTPCredential, storage.RecoveryCredential)
	return s.apply(r, c.User, ch)
}

// forgetDevice has a remembered device of the person asked again, or all.
func (s *Server) forgetDevice(r *http.Request, user storage.User, id string) error {
	return s.apply(r, user, storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.DeviceCredential, ID: id}},
		Events:            []storage.Event{s.event(r, storage.Event{Kind: storage.EventFactorForgotten, UserID: user.ID})},
	})
}

// turn sends the browser to where a sign-in begins when there is none to go on with.
func (s *Server) turn(w http.ResponseWriter, r *http.Request, in *storage.Interaction, err error) error {
	if errors.Is(err, people.ErrNoClaimant) || errors.Is(err, storage.ErrStale) {
		return s.startOver(w, r, in)
	}
	return err
}
