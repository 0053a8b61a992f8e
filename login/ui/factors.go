package ui

import (
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// AppForm is what the page shows on which a user sets up an authenticator app.
type AppForm struct {
	Action  string // the page itself
	Account *Account
	QR      template.URL // the picture, as a data URL
	Secret  string       // the same to type, in groups
	URL     template.URL // the same for an app on this device
	Setup   string       // the same, sealed, to come back
	Demand  bool         // the user is asked to set up an app, and did not choose to
	FormFaults
}

// ShowApp shows the page on which the user sets up an authenticator app. The form has Action and
// Demand.
func (s *Site) ShowApp(w http.ResponseWriter, r *http.Request, v *View, u storage.User,
	setup people.TOTPSetup, form AppForm,
) error {
	form.Account, form.FormFaults = AccountOfUser(u), FaultsOf(r)
	address := setup.App.URL(v.Brand.Name, form.Account.Login)
	png, err := factor.QR(address)
	if err != nil {
		return err
	}
	form.QR = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
	form.URL, form.Setup = template.URL(address), setup.Sealed
	for i, letter := range setup.App.Text() {
		if i > 0 && i%4 == 0 {
			form.Secret += " "
		}
		form.Secret += string(letter)
	}
	AllowDataImages(w)
	v.Page = form
	return s.Show(w, http.StatusOK, "enrol", v)
}
