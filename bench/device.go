package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// deviceGrant is the grant type of RFC 8628.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// deviceCodes asks for the codes of a device.
func (w *worker) deviceCodes() (code, userCode string, err error) {
	req, err := form(w.issuer, "/device_authorization", "", "",
		url.Values{"client_id": {"tv"}, "scope": {"openid email offline_access"}})
	if err != nil {
		return "", "", err
	}
	res, body, err := w.do(req)
	if err := expect(res, body, err, http.StatusOK, "user_code"); err != nil {
		return "", "", err
	}
	var codes struct {
		Code     string `json:"device_code"`
		UserCode string `json:"user_code"`
	}
	err = json.Unmarshal(body, &codes)
	return codes.Code, codes.UserCode, err
}

// waitForUser asks for codes, and has no user type them.
func waitForUser(w *worker) (err error) {
	w.state["device"], _, err = w.deviceCodes()
	return err
}

// pollDevice asks whether the user has decided. Most answers tell the device to slow down.
func pollDevice(w *worker) error {
	req, err := form(w.issuer, "/token", "", "",
		url.Values{"grant_type": {deviceGrant}, "device_code": {w.state["device"]}, "client_id": {"tv"}})
	if err != nil {
		return err
	}
	res, body, err := w.do(req)
	if err == nil && strings.Contains(string(body), "slow_down") {
		return expect(res, body, err, http.StatusBadRequest, "slow_down")
	}
	return expect(res, body, err, http.StatusBadRequest, "authorization_pending")
}

// hiddenField matches those of a form.
var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)"`)

// fields adds the hidden fields of a page, which have to come back.
func fields(page []byte, more url.Values) url.Values {
	for _, m := range hiddenField.FindAllSubmatch(page, -1) {
		if name := string(m[1]); !more.Has(name) {
			more.Set(name, html.UnescapeString(string(m[2])))
		}
	}
	return more
}

// submit posts the form of a page, and returns where that leads.
func (w *worker) submit(path string, page []byte, more url.Values) (string, error) {
	req, err := form(w.issuer, path, "", "", fields(page, more))
	if err != nil {
		return "", err
	}
	req.Header.Set("Origin", w.issuer)
	res, body, err := w.do(req)
	if err := expect(res, body, err, http.StatusSeeOther, ""); err != nil {
		return "", err
	}
	return res.Header.Get("Location"), nil
}

// connectDevice asks for codes as a device, types one and allows it as the user who is signed in, and fetches the
// tokens as the device.
func connectDevice(w *worker) error {
	code, userCode, err := w.deviceCodes()
	if err != nil {
		return err
	}
	_, page, err := w.get("/device")
	if err != nil {
		return err
	}
	next, err := w.submit("/device", page, url.Values{"code": {userCode}})
	if err != nil {
		return err
	}
	if next, _, err = w.get(next); err != nil {
		return err
	}
	if _, page, err = w.get(next); err != nil {
		return err
	}
	if next, err = w.submit("/consent", page, url.Values{"answer": {"allow"}}); err != nil {
		return err
	}
	if next, _, err = w.get(next); err != nil {
		return err
	}
	if !strings.Contains(next, "/device/done?allowed") {
		return fmt.Errorf("the user is led to %.200s, want the page that says that the device is connected", next)
	}
	_, err = w.tokens("", "", url.Values{"grant_type": {deviceGrant}, "device_code": {code}, "client_id": {"tv"}})
	return err
}
