package clients

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
)

// TestStandardWebhooksLibrary has the library of Standard Webhooks, as its authors publish it, verify what an app is
// told: by each secret while one replaces the other, and not when anything was changed.
func TestStandardWebhooksLibrary(t *testing.T) {
	t.Parallel()
	libraries(t)
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	var console *receiver.Console
	found := make(chan int, 1)
	app := receiver.New(t, func(told receiver.Told) int {
		// Apps ask for the user at once. Listeners of other products were told before the user could be read
		// (vymalo/keycloak-webhook#14).
		found <- console.Do(t, http.MethodGet, "/users/"+told.Data.Subject, nil).Status
		return http.StatusNoContent
	})
	console = receiver.Open(t, s)
	hook, secret := console.AddWebhook(t, app, "user.added")
	next := console.Do(t, http.MethodPost, "/webhooks/"+hook+":rotate", nil).String("secret")
	user := console.AddUser(t, "jo.müller@example.com")
	receiver.Until(t, "the event", func() bool { return len(app.Got()) == 1 })
	told := app.Got()[0]
	if status := <-found; status != http.StatusOK {
		t.Errorf("got %d for the user of the event", status)
	}
	verify := func(secret, body, header, value string) (string, error) {
		t.Helper()
		headers := make(map[string]string)
		for name := range told.Header {
			headers[strings.ToLower(name)] = told.Header.Get(name) // as Node gives them
		}
		if header != "" {
			headers[header] = value
		}
		in, err := json.Marshal(map[string]any{"secret": secret, "body": body, "headers": headers})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "standardwebhooks.mjs", string(in))
		cmd.Dir = "npm"
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for name, secret := range map[string]string{"the former secret": secret, "the new secret": next} {
		out, err := verify(secret, told.Raw, "", "")
		var event struct {
			Type, ID string
			Data     struct{ Subject string }
		}
		if err == nil {
			err = json.Unmarshal([]byte(out), &event)
		}
		if err != nil || event.Type != "user.added" || event.Data.Subject != user || event.ID != told.ID {
			t.Errorf("%s: got %v, %s", name, err, out)
		}
	}
	for name, try := range map[string][4]string{
		"another secret": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", told.Raw, "", ""},
		"another body":   {secret, strings.Replace(told.Raw, user, strings.Repeat("0", len(user)), 1), "", ""},
		"another id":     {secret, told.Raw, "webhook-id", "0192f0c4-5d1e-7a3c-9b1a-2f6f0e8f7c11"},
		"another time":   {secret, told.Raw, "webhook-timestamp", "1"},
	} {
		out, err := verify(try[0], try[1], try[2], try[3])
		if err == nil || !strings.Contains(out, "WebhookVerificationError") {
			t.Errorf("%s: got %v, %s", name, err, out)
		}
	}
}
