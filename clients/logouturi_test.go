package clients

import (
	"fmt"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestLogoutURIs(t *testing.T) {
	t.Parallel()
	for uri, ok := range map[string]bool{
		"https://app.example/logout": true, "https://app.example:8443/logout?tenant=1": true,
		"http://localhost:3000/logout": true, "http://app.example/logout": false, "https://app.example/logout#x": false,
		"https://user@app.example/logout": false, "app:/logout": false, "logout": false,
	} {
		c := storage.Client{ClientID: "app", RedirectURIs: []string{"https://app.example/callback"},
			BackchannelLogoutURI: uri, BackchannelLogoutSessionRequired: true}
		if faults := Validate(&c); (len(faults) == 0) != ok {
			t.Errorf("%s: got %v", uri, faults)
		}
	}
	c := storage.Client{ClientID: "app", RedirectURIs: []string{"https://app.example/callback"},
		BackchannelLogoutSessionRequired: true}
	if faults := Validate(&c); len(faults) != 1 || faults[0].Field != "backchannel_logout_session_required" {
		t.Errorf("got %v, want that there is no address", faults)
	}
}

// TestLogoutURIsOfOutsideClients: servers post for a client that no administrator added to its own hosts alone.
func TestLogoutURIsOfOutsideClients(t *testing.T) {
	t.Parallel()
	const id = "https://app.example/client.json"
	for uri, ok := range map[string]bool{
		"https://app.example/logout": true, "https://back.example/logout": true, "https://victim.example/logout": false,
		"https://app.example:8443/logout": false, "http://app.example/logout": false, "https://127.0.0.1/logout": false,
	} {
		text := fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://back.example/callback"],`+
			`"backchannel_logout_uri":%q,"backchannel_logout_session_required":true}`, id, uri)
		own := uri == "https://app.example/logout" // nothing shows that the redirect URIs are the client's
		if c, err := ReadDocument(id, []byte(text)); err != nil || (c.BackchannelLogoutURI == uri) != own ||
			c.BackchannelLogoutSessionRequired != own {
			t.Errorf("document, %s: got %q, %v", uri, c.BackchannelLogoutURI, err)
		}
		if own {
			ok = false // a registered client has no document
		}
		c, err := ReadRegistration([]byte(text))
		if (err == nil && c.BackchannelLogoutURI == uri) != ok {
			t.Errorf("registration, %s: got %q, %v", uri, c.BackchannelLogoutURI, err)
		}
	}
	// One of two hosts may be a victim's.
	const two = `{"redirect_uris":["https://app.example/callback","https://victim.example/callback"],` +
		`"backchannel_logout_uri":"https://victim.example/logout"}`
	if c, err := ReadRegistration([]byte(two)); err == nil {
		t.Errorf("a host beside another: got %q", c.BackchannelLogoutURI)
	}
}
