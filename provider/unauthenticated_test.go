package provider

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
)

// The operator finds in the log which client failed to authenticate, and why. The secret that the
// client sent is not there.
func TestTheLogNamesClientsThatFail(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := startTokens(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	secretive, _ := s.service("secretive")
	plain := s.client()
	const wrong = "a-wrong-secret-of-somebody"
	for _, path := range []string{"/token", "/revoke", "/introspect", "/par"} {
		for name, c := range map[string]struct {
			form        url.Values
			header      []string
			client, why string
		}{
			"a wrong secret":    {nil, []string{basic(secretive.ClientID, wrong)}, secretive.ClientID, "the secret"},
			"an unknown client": {nil, []string{basic("nobody", wrong)}, "nobody", "no such client"},
			"another method": {values("client_id", secretive.ClientID, "client_secret", wrong), nil, secretive.ClientID,
				"registered for client_secret_basic"},
			"a public client's": {values("client_id", plain.ClientID, "client_secret", wrong), nil,
				plain.ClientID, "registered for none"},
			"two methods": {values("client_id", secretive.ClientID, "client_secret", wrong),
				[]string{basic(secretive.ClientID, wrong)}, secretive.ClientID, "several"},
			"no method": {nil, nil, "", "name its client"},
			"broken Basic": {values("client_id", secretive.ClientID), []string{"Authorization: Basic " + wrong},
				secretive.ClientID, "Basic credentials"},
			"a broken assertion": {values("client_id", secretive.ClientID, "client_assertion_type", jwtBearer,
				"client_assertion", wrong), nil,
				secretive.ClientID, ""},
			"an id that never ends": {nil, []string{basic(strings.Repeat("x", 5000), wrong)},
				strings.Repeat("x", clients.MaxID), "no such client"},
		} {
			log.Reset()
			s.ip = "192.0.2." + string('1'+path[1]%9) // each with attempts of its own
			form := values("grant_type", "client_credentials", "token", "x")
			for k, v := range c.form {
				form[k] = v
			}
			a := s.form(path, form, c.header...)
			if a.status != 401 && a.status != 400 {
				t.Errorf("%s, %s: got %d %s", path, name, a.status, a.raw)
			}
			var line struct{ Msg, Client, Why string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("%s, %s: %v in %s", path, name, err, log.String())
			}
			if line.Client != c.client || line.Why == "" || !strings.Contains(line.Why, c.why) {
				t.Errorf("%s, %s: got %s", path, name, log.String())
			}
			if strings.Contains(log.String(), wrong) {
				t.Errorf("%s, %s: the log holds what was sent as a secret: %s", path, name, log.String())
			}
		}
	}
}

// The log also names a client_id that a browser came with and that no client has.
func TestTheLogNamesUnknownClientsOfBrowsers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := startTokens(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	s.raw(request("GET", "/authorize?client_id=nobody&response_type=code", ""))
	if !strings.Contains(log.String(), `"client":"nobody"`) ||
		!strings.Contains(log.String(), `"why":"There's no enabled client`) {
		t.Errorf("got %s", log.String())
	}
}
