package backendauth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const (
	appID, appSecret = "app of the tenant", "secret of the app"
	returnURL        = "https://app.example.com/return"
)

// graph is Facebook, or VK, as far as apps without PKCE use it. A code is the JSON of a user, and works once.
type graph struct {
	mu   sync.Mutex
	used map[string]bool
}

// ServeHTTP implements http.Handler.
func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	refuse := func() {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"message":"Invalid verification code format.","type":"OAuthException"}}`))
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/access_token"):
		code := r.FormValue("code")
		if r.FormValue("client_id") != appID || r.FormValue("client_secret") != appSecret || r.Form.Has("code_verifier") ||
			r.FormValue("redirect_uri") != returnURL || !json.Valid([]byte(code)) || g.used[code] {
			refuse()
			return
		}
		g.used[code] = true
		answer := map[string]any{"access_token": code, "token_type": "bearer"}
		if r.URL.Path == "/access_token" { // VK tells the address here
			var user struct{ Email string }
			_ = json.Unmarshal([]byte(code), &user) // it is JSON
			answer["email"] = user.Email
		}
		_ = json.NewEncoder(w).Encode(answer)
	case r.URL.Path == "/method/users.get":
		_, _ = w.Write([]byte(`{"response":[` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + `]}`))
	case strings.HasSuffix(r.URL.Path, "/me"):
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		mac := hmac.New(sha256.New, []byte(appSecret))
		mac.Write([]byte(token))
		if r.FormValue("appsecret_proof") != hex.EncodeToString(mac.Sum(nil)) {
			refuse()
			return
		}
		_, _ = w.Write([]byte(token))
	default:
		refuse()
	}
}

// startWith runs a server whose default tenant has the provider, of which graph is the stand-in.
func startWith(t *testing.T, preset string) *world {
	t.Helper()
	srv := httptest.NewServer(&graph{used: map[string]bool{}})
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	text := "tenants:\n  default:\n    upstreams: [{id: " + preset + ", preset: " + preset + ", issuer: \"" + srv.URL +
		"\", client_id: " + appID + ", client_secret: " + appSecret + "}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "VOUCHSAFE_TENANTS="+file)
}

// TestVK signs a user in by codes of VK.
func TestVK(t *testing.T) {
	t.Parallel()
	a := startWith(t, "vk").defaultTenant()
	send := func(code string) *answer {
		return a.send("POST", "/auth/vk", object{"code": code, "redirect_uri": returnURL, "deviceId": "phone"})
	}
	var got struct {
		Payload struct{ Type, VKID, Email, FirstName, LastName string }
		Token   string `json:"access_token"`
	}
	send(`{"id":17,"email":"jo@example.com","first_name":"Jo","last_name":"Doe"}`).into(&got)
	if p := got.Payload; p.Type != "vk" || p.VKID != "17" || p.Email != "jo@example.com" || p.FirstName != "Jo" ||
		p.LastName != "Doe" {
		t.Errorf("got %+v", p)
	}
	first := a.verify(got.Token)
	send(`{"id":17}`).into(&got) // the user shows no address any more
	if again := a.verify(got.Token); again.ID != first.ID || again.DeviceID != "phone" {
		t.Errorf("got %+v, want %s", again, first.ID)
	}
	send(`{"id":18,"email":"jo@example.com"}`).want(409, `{"error":"A user with this login or email already exists"}`)
	if got := send(`{"error_code":5}`); got.status != 400 && got.status != 502 {
		t.Errorf("got %d %s for an error of VK", got.status, got.body)
	}
}

// TestFacebook signs users in by codes of Facebook, which the app's own pages got.
func TestFacebook(t *testing.T) {
	t.Parallel()
	a := startWith(t, "facebook").defaultTenant()
	code := func(id, email, salt string) string {
		text, err := json.Marshal(map[string]string{"id": id, "email": email, "first_name": "Jo", "last_name": "Doe",
			"salt": salt})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	send := func(code string) *answer {
		return a.send("POST", "/auth/fb", object{"code": code, "redirect_uri": returnURL})
	}
	var got struct {
		Payload struct{ Type, FBID, Email, FirstName, LastName string }
		Token   string `json:"access_token"`
	}
	send(code("1", "jo@example.com", "a")).into(&got)
	p := got.Payload
	if p.Type != "fb" || p.FBID != "1" || p.Email != "jo@example.com" || p.FirstName != "Jo" || p.LastName != "Doe" {
		t.Errorf("got %+v", p)
	}
	first := a.verify(got.Token)
	if first.Login != "default:jo@example.com" || first.Sub != first.ID {
		t.Errorf("got %+v", first)
	}
	// Again, after the address at Facebook has changed.
	send(code("1", "joanna@example.com", "b")).into(&got)
	if again := a.verify(got.Token); again.ID != first.ID || again.JTI == first.JTI {
		t.Errorf("got %+v, want another session of %s", again, first.ID)
	}
	// The address of a user, at another account there, opens nothing: backend-auth signs in by it.
	a.add(newUser("kim"))
	for _, email := range []string{"kim@example.com", "jo@example.com"} {
		send(code("2", email, email)).want(409, `{"error":"A user with this login or email already exists"}`)
	}
	send(code("3", "", "")).want(422, `{"error":"The provider told no email address"}`)
	used := code("1", "jo@example.com", "a")
	for _, bad := range []string{used, "x"} {
		if got := send(bad); got.status != 400 && got.status != 502 || strings.Contains(got.body, "verification code") {
			t.Errorf("got %d %s for a code that is refused", got.status, got.body)
		}
	}
	a.send("POST", "/auth/fb", nil).invalid("code", `"code" is required`, "redirect_uri", `"redirect_uri" is required`)
	elsewhere := object{"code": code("9", "new@example.com", ""), "redirect_uri": "https://evil.example"}
	if got := a.send("POST", "/auth/fb", elsewhere); got.status == 200 {
		t.Error("a code works with another redirect URI")
	}
	// A tenant without the provider has no such route.
	a.w.register().send("POST", "/auth/fb", object{"code": "x", "redirect_uri": returnURL}).
		want(404, `{"error":"Cannot POST /auth/fb"}`)
	a.send("POST", "/auth/vk", object{"code": "x", "redirect_uri": returnURL}).
		want(404, `{"error":"Cannot POST /auth/vk"}`)
}
