package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// deviceCodes bounds how many wrong codes of devices can be typed behind one address.
var deviceCodes = limit.Rule{Name: "device-codes", Max: 10, Window: 10 * time.Minute}

// devicePath is the page on which the code of a device is typed.
const devicePath = "/device"

// deviceForm is what the page shows on which the code of a device is typed.
type deviceForm struct {
	ui.FormFaults
	Code string
}

// devicePage asks for the code that a device shows. It takes none from its address: the user has to type it, so that a
// link of an attacker leads to no device of the attacker.
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request) error {
	v := s.view(w, r, "device.title", nil)
	v.Page = deviceForm{FormFaults: ui.FaultsOf(r), Code: ui.Typed(r, "code", "")}
	return s.show(w, http.StatusOK, "device", v)
}

// device goes on with the request of the device. A right code counts as no attempt.
func (s *Server) device(w http.ResponseWriter, r *http.Request) error {
	asker, code := s.askerOf(r), strings.TrimSpace(r.PostForm.Get("code"))
	if code == "" {
		return s.site.Refuse(w, r, devicePath, people.Invalid("code", "device.missing"))
	}
	pass, err := s.Admit(r.Context(), asker, limit.Networks(asker.IP, deviceCodes, limit.GivesBack)...)
	if err != nil {
		return s.site.Refuse(w, r, devicePath, err, "code")
	}
	next, err := s.OpenDevice(w, r, code)
	if errors.Is(err, storage.ErrNotFound) {
		return s.site.Refuse(w, r, devicePath, people.Invalid("code", "device.wrong"), "code")
	}
	pass.GiveBack(r.Context())
	if err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// deviceQR serves a QR code of the page's address, for devices and for what is printed about them. It has no code of a
// device: users type that.
func (s *Server) deviceQR(w http.ResponseWriter, r *http.Request) error {
	svg, err := factor.QRVector(web.TenantOf(r.Context()).Issuer + devicePath)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // apps of devices show it on their pages
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(svg) // an error means that the client is gone
	return nil
}

// deviceDonePage says what the user decided about a device.
func (s *Server) deviceDonePage(w http.ResponseWriter, r *http.Request) error {
	if r.FormValue("allowed") == "1" {
		return s.say(w, r, http.StatusOK, "device.allowed_title", "device.allowed")
	}
	return s.say(w, r, http.StatusOK, "device.denied_title", "device.denied")
}
